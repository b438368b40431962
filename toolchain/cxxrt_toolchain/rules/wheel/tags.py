"""Rules T0 to T8: the wheel's name, its tags and its requirement on the runtime.

In: a `Claim`. Out: findings. T1 to T7 are the sentences G-1 to G-7 of the specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from cxxrt_toolchain.facts.needs import runtime_needs
from cxxrt_toolchain.rules.rule import Finding, Severity, rule
from cxxrt_toolchain.rules.wheel.claim import Claim, lowest_version

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE_MAJOR = (
    "A tag has one CUDA major: build one wheel for each, or declare the one that the binaries were "
    "linked against."
)


@rule(
    "CXXRT-T0",
    "ABI tag is not well formed",
    on=(Claim,),
    remedies=("Installers skip such a wheel; rename it with 'cxxrt encode'.",),
    promise=True,
)
def malformed(claim: Claim) -> Iterator[Finding]:
    """An ABI field or a variant label that speaks of ``cxxrt`` and does not follow the grammar."""
    if claim.malformed is not None:
        yield Finding(severity=Severity.ERROR, message=claim.malformed.rstrip("."))


@rule(
    "CXXRT-T1",
    "CUDA major of the tag and of the binaries differ",
    on=(Claim,),
    remedies=("Tag it with the CUDA major that it was linked against: 'cxxrt repair' does.",),
    promise=True,
)
def cuda_major(claim: Claim) -> Iterator[Finding]:
    """G-1: a needed libcudart of another major than the tag's, or a major that nothing needs."""
    if claim.runtime is None:
        return
    tagged = claim.runtime.cuda
    says = f"the tag says CUDA {tagged}" if tagged else "the tag says no CUDA"
    known = claim.spec.epochs[-1].cuda_majors
    for major in claim.needs.cuda_majors:
        if major != tagged:
            yield Finding(
                severity=Severity.ERROR,
                message=f"needs libcudart.so.{major}, but {says}",
                version=str(major),
                unrepairable=_ONE_MAJOR if claim.repaired and major in known else "",
            )
    if tagged and not claim.needs.cuda_majors:
        yield Finding(
            severity=Severity.WARNING,
            message=f"{says}, but no object needs libcudart",
            version=str(tagged),
            remedies=("Drop _cu from the tag, unless the package opens libcudart by itself.",),
        )


@rule(
    "CXXRT-T2",
    "Platform tag not allowed with a runtime ABI",
    on=(Claim,),
    remedies=("Retag it with 'cxxrt repair', which computes the platform tag from the binaries.",),
    promise=True,
)
def platform(claim: Claim) -> Iterator[Finding]:
    """G-2."""
    yield from _sentence(claim, "G-2")


@rule(
    "CXXRT-T3",
    "Python tag does not fit the ABI tag",
    on=(Claim,),
    remedies=("Use the Python tag that the base ABI tag would have without the suffix.",),
    promise=True,
)
def python(claim: Claim) -> Iterator[Finding]:
    """G-3."""
    yield from _sentence(claim, "G-3")


@rule(
    "CXXRT-T4",
    "Compressed ABI set mixes runtime ABIs",
    on=(Claim,),
    remedies=("Give every member of the set the same suffix, or make two wheels.",),
    promise=True,
)
def one_runtime(claim: Claim) -> Iterator[Finding]:
    """G-4."""
    yield from _sentence(claim, "G-4")


@rule(
    "CXXRT-T5",
    "Runtime ABI tag and variant label together",
    on=(Claim,),
    remedies=("Keep one of the two: 'cxxrt encode' converts between them.",),
    promise=True,
)
def one_encoding(claim: Claim) -> Iterator[Finding]:
    """G-5."""
    yield from _sentence(claim, "G-5")


@rule(
    "CXXRT-T6",
    "WHEEL tags and file name differ",
    on=(Claim,),
    remedies=("Rename wheels with 'cxxrt encode' or 'python -m wheel tags', never with mv.",),
    promise=True,
)
def wheel_tags(claim: Claim) -> Iterator[Finding]:
    """G-6, which PEP 427 asks of every wheel; only a wrong runtime ABI is an error."""
    if claim.malformed is not None or claim.overridden or claim.report.wheel_file is None:
        return
    lines = {str(tag) for tag in claim.report.wheel_file.expanded_tags}
    name = set(claim.tags.expanded)
    parts = []
    if name - lines:
        parts.append(f"WHEEL lacks {', '.join(sorted(name - lines))}")
    if lines - name:
        parts.append(f"the file name lacks {', '.join(sorted(lines - name))}")
    if parts:
        severity = Severity.ERROR if claim.runtime else Severity.WARNING
        yield Finding(severity=severity, message="; ".join(parts))


@rule(
    "CXXRT-T7",
    "Requirement on the runtime missing or too weak",
    on=(Claim,),
    remedies=("'cxxrt repair' computes the requirement from the binaries.",),
    promise=True,
)
def requirement(claim: Claim) -> Iterator[Finding]:
    """G-7: the form of the requirement, and a lower bound that covers every needed symbol."""
    yield from _sentence(claim, "G-7")
    epoch, declared = claim.epoch, claim.declared_bound
    if claim.malformed is not None or declared is None:
        return
    if claim.needs.shortfall(claim.tables, epoch=epoch):  # P3
        return
    wanted = claim.needs.requirement(claim.tables, epoch=epoch)
    least = lowest_version(Requirement(wanted)) if wanted else None
    if least and declared < least:
        yield Finding(
            severity=Severity.ERROR,
            message=f"requires {claim.spec.distribution}>={declared}, its symbols need >={least}",
            version=str(least),
        )


@rule(
    "CXXRT-T8",
    "Requirement on the runtime without a need",
    on=(Claim,),
    remedies=("Without a need the plain tag is right, and more installers accept it.",),
)
def needless(claim: Claim) -> Iterator[Finding]:
    """A tag, or a requirement of a plain wheel, although no object needs the runtime."""
    if claim.malformed is not None:
        return
    if claim.runtime is not None:
        why, needs = f"the tag says {claim.runtime}", runtime_needs(claim.report, repaired=True)
    elif claim.requires_runtime:
        why, needs = "METADATA requires it", claim.needs
    else:
        return
    if not needs.wants_runtime:
        yield Finding(
            severity=Severity.WARNING,
            message=f"{why}, but no object needs {claim.spec.distribution}",
        )


def _sentence(claim: Claim, sentence: str) -> Iterator[Finding]:
    """What breaks one sentence of the specification about names."""
    for violation in claim.violations:
        if violation.rule == sentence:
            yield Finding(severity=Severity.ERROR, message=violation.detail)
