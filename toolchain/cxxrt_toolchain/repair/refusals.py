"""What no edit of a finished wheel can put right.

In: a report, its needs and what the caller wants. Out: the reasons to refuse, each with the rule
that explains it and the rebuild that helps. Every reason is found before anything is edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import glibc_release
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.rules.wheel.archive import UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.abi.spec import Epoch, Spec
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.needs import RuntimeNeeds
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport

_HIDE = (
    "Rebuild it without -static-libstdc++; if it must stay static, link with "
    "-Wl,--exclude-libs,ALL and a version script that exports only the module's entry points."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a wheel cannot be repaired."""

    rule: str
    """The rule whose entry in the catalogue says more."""
    member: str | None
    reason: str
    advice: str

    def __str__(self) -> str:
        where = f"{self.member}: " if self.member else ""
        return f"{self.rule}: {where}{self.reason}. {self.advice}".rstrip()


def find_refusals(
    report: WheelReport, *, uses_runtime: bool, tagged: bool, spec: Spec
) -> Iterator[Refusal]:
    """Everything in the wheel's files that stands in the way of a repair.

    Args:
        report: The wheel's facts.
        uses_runtime: The new wheel will use the shared runtime; else only private runtimes that
            it cannot be freed of, and what could not be read, are reasons to refuse.
        tagged: The new wheel will carry the runtime ABI in its name.
        spec: The vocabulary of tags; its newest epoch is the one that is repaired for.
    """
    for broken in report.unreadable:
        yield Refusal(
            rule="CXXRT-W5",
            member=broken.member,
            reason=broken.reason,
            advice="Build the wheel again, or leave the file out.",
        )
    for found in report.objects:
        yield from _private_runtime(found)
    if not uses_runtime:
        return
    for issue in report.record_issues or ():
        if issue.kind in UNTRUSTED:  # members are copied with the hash that RECORD gives
            yield Refusal(
                rule="CXXRT-W1",
                member=issue.member,
                reason=issue.detail,
                advice="The wheel was damaged or changed after it was built; get it again.",
            )
    for found in report.objects:
        yield from _object(found, spec.epochs[-1], tagged=tagged)


def find_shortfalls(
    needs: RuntimeNeeds, spec: Spec, tables: SymbolTables, declared: int | None
) -> Iterator[Refusal]:
    """What the wheel needs and no runtime, or no single tag, provides.

    Args:
        needs: What the new wheel will need of the runtime.
        spec: The vocabulary of tags.
        tables: Which runtime provides which symbol.
        declared: The CUDA major that the caller declares.
    """
    yield from _cuda(needs, declared)
    if shortfall := needs.shortfall(tables, epoch=spec.epochs[-1].number):
        yield Refusal(rule="CXXRT-P3", member=None, reason=shortfall.rstrip("."), advice="")


def _object(found: ObjectReport, epoch: Epoch, *, tagged: bool) -> Iterator[Refusal]:
    symbols, member = found.symbols, found.member
    if found.copy_of is RuntimeFamily.LIBCUDART:
        yield from _old_cudart(found, epoch)
    if found.copy_of is not None:
        return
    if tagged and symbols.old_strings_exported:
        yield Refusal(
            rule="CXXRT-P5",
            member=member,
            reason=f"it exports the old std::string: {symbols.old_strings_exported}",
            advice="Rebuild it with -D_GLIBCXX_USE_CXX11_ABI=1, or repair it with "
            "--encoding plain, which promises nothing about strings.",
        )
    if any(
        glibc_release(n.version) is None for n in found.facts.version_needs if _glibc(n.version)
    ):
        yield Refusal(
            rule="CXXRT-P4",
            member=member,
            reason="it uses private symbols of glibc",
            advice="No platform tag covers those; rebuild it without them.",
        )


def _private_runtime(found: ObjectReport) -> Iterator[Refusal]:
    symbols, member = found.symbols, found.member
    if found.copy_of is not None:
        return
    if symbols.locale_ids:
        yield Refusal(
            rule="CXXRT-H4",
            member=member,
            reason="a static libstdc++ is linked into it and exported, which no edit can remove",
            advice=_HIDE,
        )
    elif symbols.captures:
        yield Refusal(
            rule="CXXRT-H8",
            member=member,
            reason=f"it exports {symbols.captures}, which libstdc++ looks up by name",
            advice=_HIDE,
        )
    if symbols.cudart_defined:
        yield Refusal(
            rule="CXXRT-H6",
            member=member,
            reason="a static libcudart is linked into it and exported",
            advice="Rebuild it with --cudart=shared.",
        )


def _glibc(version: str) -> bool:
    return version.startswith("GLIBC_")


def _old_cudart(found: ObjectReport, epoch: Epoch) -> Iterator[Refusal]:
    majors = [f"libcudart.so.{major}" for major in epoch.cuda_majors]
    if found.served_as not in majors:
        yield Refusal(
            rule="CXXRT-H3",
            member=found.member,
            reason=f"the shared runtime has no {found.served_as}",
            advice=f"It has {', '.join(majors)}; rebuild with one of these CUDA releases.",
        )


def _cuda(needs: RuntimeNeeds, declared: int | None) -> Iterator[Refusal]:
    if len(needs.cuda_majors) > 1:
        majors = ", ".join(map(str, needs.cuda_majors))
        yield Refusal(
            rule="CXXRT-T1",
            member=None,
            reason=f"it needs libcudart of several majors ({majors}); a tag has one",
            advice="Build one wheel for each.",
        )
    elif declared and needs.cuda_majors and needs.cuda_majors != (declared,):
        yield Refusal(
            rule="CXXRT-T1",
            member=None,
            reason=f"CUDA {declared} is declared, but the binaries need {needs.cuda_majors[0]}",
            advice="Build against the declared CUDA release, or declare the other one.",
        )
