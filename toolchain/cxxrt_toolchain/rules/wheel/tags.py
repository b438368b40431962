"""Rules T0 to T8: the wheel's name, its tags and its requirement on the runtime.

In: a `Claim`. Out: findings. T1 to T7 are the sentences G-1 to G-7 of the specification.
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

    from cxxrt_toolchain.rules.wheel.claim import Claim

_ADVICE = {
    "T2": "Retag it with 'cxxrt repair', which computes the platform tag from the binaries.",
    "T3": "Use the Python tag that the base ABI tag would have without the suffix.",
    "T4": "Give every member of the set the same suffix, or make two wheels.",
    "T5": "Keep one of the two: 'cxxrt encode' converts between them.",
    "T6": "Rename wheels with 'cxxrt encode' or 'python -m wheel tags', never with mv.",
    "T7": "'cxxrt repair' computes the requirement from the binaries.",
}


def check_tags(claim: Claim) -> Iterator[Finding]:
    """Judge the name and what WHEEL and METADATA say about it."""
    if claim.malformed is not None:
        yield Finding(
            rule="CXXRT-T0",
            severity=Severity.ERROR,
            message=claim.malformed.rstrip("."),
            remedies=("Installers skip such a wheel; rename it with 'cxxrt encode'.",),
        )
        return
    yield from _wheel_tags(claim)
    if claim.runtime is None:
        if not claim.is_runtime:
            yield from _plain_requirement(claim)
        return
    yield from _spec_rules(claim)
    yield from _cuda(claim)
    yield from _bound(claim)
    if not runtime_needs(claim.report, repaired=True).wants_runtime:
        yield _needless(claim, f"the tag says {claim.runtime}")


def _spec_rules(claim: Claim) -> Iterator[Finding]:
    variant = any(m.endswith(".dist-info/variant.json") for m in claim.report.members)
    found = violations(
        claim.tags, claim.spec, requires_dist=claim.report.requires_dist, variant=variant
    )
    for violation in found:
        number = violation.rule.replace("G-", "T")
        yield Finding(
            rule=f"CXXRT-{number}",
            severity=Severity.ERROR,
            message=violation.detail,
            remedies=(_ADVICE.get(number, ""),),
        )


def _wheel_tags(claim: Claim) -> Iterator[Finding]:
    """T6 holds for every wheel, not only for tagged ones (PEP 427)."""
    if claim.overridden or claim.report.wheel_file is None:
        return
    lines = {str(tag) for tag in claim.report.wheel_file.expanded_tags}
    name = set(claim.tags.expanded)
    if lines == name:
        return
    severity = Severity.ERROR if claim.runtime else Severity.WARNING
    parts = []
    if name - lines:
        parts.append(f"WHEEL lacks {', '.join(sorted(name - lines))}")
    if lines - name:
        parts.append(f"the file name lacks {', '.join(sorted(lines - name))}")
    yield Finding(
        rule="CXXRT-T6", severity=severity, message="; ".join(parts), remedies=(_ADVICE["T6"],)
    )


def _cuda(claim: Claim) -> Iterator[Finding]:
    tagged = claim.runtime.cuda if claim.runtime else None
    for major in claim.needs.cuda_majors:
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
    if tagged and not claim.needs.cuda_majors:
        yield Finding(
            rule="CXXRT-T1",
            severity=Severity.WARNING,
            message=f"the tag says CUDA {tagged}, but no object needs libcudart",
            version=str(tagged),
            remedies=("Drop _cu from the tag, unless the package opens libcudart by itself.",),
        )


def _bound(claim: Claim) -> Iterator[Finding]:
    """The lower bound of the requirement covers every needed symbol (second half of G-7)."""
    epoch = claim.runtime.epoch if claim.runtime else 1
    if claim.needs.shortfall(claim.tables, epoch=epoch):
        cuda_only = replace(claim.needs, versions=())  # versions are reported object by object
        if shortfall := cuda_only.shortfall(claim.tables, epoch=epoch):
            yield Finding(rule="CXXRT-P3", severity=Severity.ERROR, message=shortfall.rstrip("."))
        return
    wanted = claim.needs.requirement(claim.tables, epoch=epoch)
    declared = claim.declared_bound
    if wanted is None or declared is None:
        return
    least = lowest_version(Requirement(wanted))
    if least and declared < least:
        yield Finding(
            rule="CXXRT-T7",
            severity=Severity.ERROR,
            message=f"requires {claim.spec.distribution}>={declared}, its symbols need >={least}",
            version=str(least),
            remedies=(_ADVICE["T7"],),
        )


def _plain_requirement(claim: Claim) -> Iterator[Finding]:
    """A plain name may hide a wheel that uses the runtime: then the bound has to be right too."""
    if not claim.requires_runtime:
        return
    yield from _bound(claim)
    if not claim.needs.wants_runtime:
        yield _needless(claim, "METADATA requires it")


def _needless(claim: Claim, why: str) -> Finding:
    return Finding(
        rule="CXXRT-T8",
        severity=Severity.WARNING,
        message=f"{why}, but no object needs {claim.spec.distribution}",
        remedies=("Without a need the plain tag is right, and more installers accept it.",),
    )
