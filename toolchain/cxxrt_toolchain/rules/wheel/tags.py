"""Rules T0 to T8: the wheel's name, its tags and its requirement on the runtime.

In: a `Case`. Out: findings. T1 to T7 are the sentences G-1 to G-7 of the specification.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from cxxrt_toolchain.abi.filename import violations
from cxxrt_toolchain.facts.needs import runtime_needs
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.wheel.claim import lowest_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.rules.wheel.claim import Case

_ADVICE = {
    "T2": "Retag it with 'cxxrt repair', which computes the platform tag from the binaries.",
    "T3": "Use the Python tag that the base ABI tag would have without the suffix.",
    "T4": "Give every member of the set the same suffix, or make two wheels.",
    "T5": "Keep one of the two: 'cxxrt encode' converts between them.",
    "T6": "Rename wheels with 'cxxrt encode' or 'python -m wheel tags', never with mv.",
    "T7": "'cxxrt repair' computes the requirement from the binaries.",
}


def check_tags(case: Case) -> Iterator[Finding]:
    """Judge the name and what WHEEL and METADATA say about it."""
    if case.malformed is not None:
        yield Finding(
            rule="CXXRT-T0",
            severity=Severity.ERROR,
            message=case.malformed.rstrip("."),
            remedies=("Installers skip such a wheel; rename it with 'cxxrt encode'.",),
        )
        return
    yield from _wheel_tags(case)
    if case.runtime is None:
        if not case.is_runtime:
            yield from _plain_requirement(case)
        return
    yield from _spec_rules(case)
    yield from _cuda(case)
    yield from _bound(case)
    if not runtime_needs(case.report, repaired=True).wants_runtime:
        yield _needless(case, f"the tag says {case.runtime}")


def _spec_rules(case: Case) -> Iterator[Finding]:
    variant = any(m.endswith(".dist-info/variant.json") for m in case.report.members)
    found = violations(
        case.tags, case.spec, requires_dist=case.report.requires_dist, variant=variant
    )
    for violation in found:
        number = violation.rule.replace("G-", "T")
        yield Finding(
            rule=f"CXXRT-{number}",
            severity=Severity.ERROR,
            message=violation.detail,
            remedies=(_ADVICE.get(number, ""),),
        )


def _wheel_tags(case: Case) -> Iterator[Finding]:
    """T6 holds for every wheel, not only for tagged ones (PEP 427)."""
    if case.overridden or case.report.wheel_file is None:
        return
    lines = {str(tag) for tag in case.report.wheel_file.expanded_tags}
    name = set(case.tags.expanded)
    if lines == name:
        return
    severity = Severity.ERROR if case.runtime else Severity.WARNING
    parts = []
    if name - lines:
        parts.append(f"WHEEL lacks {', '.join(sorted(name - lines))}")
    if lines - name:
        parts.append(f"the file name lacks {', '.join(sorted(lines - name))}")
    yield Finding(
        rule="CXXRT-T6", severity=severity, message="; ".join(parts), remedies=(_ADVICE["T6"],)
    )


def _cuda(case: Case) -> Iterator[Finding]:
    tagged = case.runtime.cuda if case.runtime else None
    for major in case.needs.cuda_majors:
        if major == tagged:
            continue
        says = f"the tag says CUDA {tagged}" if tagged else "the tag says no CUDA"
        yield Finding(
            rule="CXXRT-T1",
            severity=Severity.ERROR,
            message=f"needs libcudart.so.{major}, but {says}",
            version=str(major),
            remedies=(
                "Tag it with the CUDA major that it was linked against: 'cxxrt repair' does.",
            ),
        )
    if tagged and not case.needs.cuda_majors:
        yield Finding(
            rule="CXXRT-T1",
            severity=Severity.WARNING,
            message=f"the tag says CUDA {tagged}, but no object needs libcudart",
            version=str(tagged),
            remedies=("Drop _cu from the tag, unless the package opens libcudart by itself.",),
        )


def _bound(case: Case) -> Iterator[Finding]:
    """The lower bound of the requirement covers every needed symbol (second half of G-7)."""
    epoch = case.runtime.epoch if case.runtime else 1
    if case.needs.shortfall(case.tables, epoch=epoch):
        cuda_only = replace(case.needs, versions=())  # versions are reported object by object
        if shortfall := cuda_only.shortfall(case.tables, epoch=epoch):
            yield Finding(rule="CXXRT-P3", severity=Severity.ERROR, message=shortfall.rstrip("."))
        return
    wanted = case.needs.requirement(case.tables, epoch=epoch)
    declared = case.declared_bound
    if wanted is None or declared is None:
        return
    least = lowest_version(Requirement(wanted))
    if least and declared < least:
        yield Finding(
            rule="CXXRT-T7",
            severity=Severity.ERROR,
            message=f"requires {case.spec.distribution}>={declared}, its symbols need >={least}",
            version=str(least),
            remedies=(_ADVICE["T7"],),
        )


def _plain_requirement(case: Case) -> Iterator[Finding]:
    """A plain name may hide a wheel that uses the runtime: then the bound has to be right too."""
    if not case.requires_runtime:
        return
    yield from _bound(case)
    if not case.needs.wants_runtime:
        yield _needless(case, "METADATA requires it")


def _needless(case: Case, why: str) -> Finding:
    return Finding(
        rule="CXXRT-T8",
        severity=Severity.WARNING,
        message=f"{why}, but no object needs {case.spec.distribution}",
        remedies=("Without a need the plain tag is right, and more installers accept it.",),
    )
