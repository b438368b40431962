"""What the build's log says of a wheel that the backend has built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from cxxrt_toolchain.abi.bounds import DISTRIBUTION
from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.abi.symbols import SymbolTables, load_symbol_tables
from cxxrt_toolchain.abi.versions import requirement_set
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.needs.runtime import runtime_needs
from cxxrt_toolchain.repair.options import Encoding
from cxxrt_toolchain.repair.retag import is_portable

if TYPE_CHECKING:
    from cxxrt_toolchain.backend.config import BuildConfig
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport
    from cxxrt_toolchain.repair.plan import RepairPlan

_EPOCH = 1
_INIT = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")
_OF_EVERY_LINK = frozenset({"_init", "_fini", "_edata", "_end", "__bss_start"})
"""What linkers define and export by themselves."""
_EXAMPLES = 3


def build_notes(report: WheelReport, plan: RepairPlan, config: BuildConfig) -> Iterator[str]:
    """What the log should say of the wheel; `report` is from before the plan was applied."""
    yield from plan.notes
    yield from _local_only(plan, config)
    yield from _another_requirement(report, plan)
    yield from _unpublished(report, load_symbol_tables())
    for found in report.objects:
        yield from _exports(found, config)
        yield from _libcxx(report, found)


def _local_only(plan: RepairPlan, config: BuildConfig) -> Iterator[str]:
    name = parse_wheel_name(plan.result)
    tagged = config.encoding is Encoding.TAG and name.runtime is not None
    if tagged and not is_portable(name.platform):
        yield (
            f"{plan.result} needs libraries from outside that no manylinux tag promises. "
            "Installers take it where they built it; elsewhere under its plain name: "
            "'cxxrt encode --to plain', or without 'encoding' in [tool.cxxrt]."
        )


def _another_requirement(report: WheelReport, plan: RepairPlan) -> Iterator[str]:
    """A declared requirement that does not ask for enough (B-7)."""
    wanted, declared = plan.requirement(DISTRIBUTION), report.requirements_on(DISTRIBUTION)
    if wanted and declared and requirement_set([wanted]) != requirement_set(map(str, declared)):
        yield (
            f"the project declares {' and '.join(map(str, declared))}, and this wheel needs "
            f"{wanted}. Declare that, so that all wheels of the version and its sources require "
            "the same."
        )


def _unpublished(report: WheelReport, tables: SymbolTables) -> Iterator[str]:
    """A requirement that no published runtime meets, so that no installer can satisfy it."""
    needs = runtime_needs(report, repaired=True)
    text = needs.requirement(tables, epoch=_EPOCH)
    published = [each.version for each in tables.releases if each.version.major == _EPOCH]
    if text is None or any(Requirement(text).specifier.contains(each) for each in published):
        return
    yield (
        f"the wheel needs {text}, and no published runtime is as new (the newest is "
        f"{max(published)}): the compiler is newer than all of them. Compile with the g++ that "
        "'cxxrt runtime compiler' names, or provide a newer runtime: 'cxxrt runtime list' shows "
        "the recipes."
    )


def _exports(found: ObjectReport, config: BuildConfig) -> Iterator[str]:
    """An extension module that exports more than the configuration promises."""
    name = found.file_name.partition(".")[0]
    kept = {each.rsplit(".", 1)[-1] for each in config.keep_exports}
    exported = found.symbols.exported
    if not config.hide_vague_linkage or name in kept or f"PyInit_{name}" not in exported:
        return
    theirs = set(exported) - _OF_EVERY_LINK
    if others := sorted(each for each in theirs if not each.startswith(_INIT)):
        examples = ", ".join(others[:_EXAMPLES])
        yield (
            f"{found.member} exports {len(others)} symbols beside its init function ({examples}): "
            "its link had a version script of its own, or did not use this build's linker: an "
            "earlier build made it if its build folder was kept; remove that folder then."
        )


def _libcxx(report: WheelReport, found: ObjectReport) -> Iterator[str]:
    for name in found.facts.needed:
        if family_of_name(name) is RuntimeFamily.LIBCXX and report.provides(name) is None:
            yield (
                f"{found.member} needs {name}: it was compiled with -stdlib=libc++, which the "
                "shared runtime does not serve. Compile with libstdc++, or bundle that library: "
                "'cxxrt repair' grafts it."
            )
