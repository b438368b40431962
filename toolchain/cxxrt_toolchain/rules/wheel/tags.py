"""Rules T0 to T8: the wheel's name, its tags and its requirement on the runtime.

T1 to T7 are the sentences G-1 to G-7 of the specification.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from cxxrt_toolchain.abi.versions import parse_requirement
from cxxrt_toolchain.facts.needs.runtime import runtime_needs
from cxxrt_toolchain.rules.rule import Finding, error, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, lowest_version, of_promise, of_wheels

ONE_MAJOR = (
    "A tag has one CUDA major: build one wheel for each, or declare the one that the binaries were "
    "linked against."
)

_COMPUTED = "Retag it with 'cxxrt repair', which computes the platform tag from the binaries."
_NO_RUNTIME = "No runtime is for that platform: 'cxxrt encode --to plain' takes the claim out."


@of_promise(
    "CXXRT-T0",
    "ABI tag is not well formed",
    remedies=("Installers skip it; 'cxxrt repair' writes the name that its binaries need.",),
)
def malformed(claim: Claim) -> Iterator[Finding]:
    """An ABI field or a variant label that speaks of ``cxxrt`` and does not follow the grammar."""
    if claim.malformed is not None:
        yield error(claim.malformed.rstrip("."))


@of_promise(
    "CXXRT-T1",
    "CUDA major of the tag and of the binaries differ",
    remedies=("Tag it with the CUDA major that it was linked against: 'cxxrt repair' does.",),
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
            advice = ONE_MAJOR if claim.repaired and major in known else ""
            message = f"needs libcudart.so.{major}, but {says}"
            several = len(claim.needs.cuda_majors) > 1
            remedies = (ONE_MAJOR,) if several or major not in known else ()
            yield error(message, version=str(major), remedies=remedies, unrepairable=advice)
    if tagged and not claim.needs.cuda_majors:
        remedy = "Drop _cu from the tag, unless the package opens libcudart by itself."
        message = f"{says}, but no object needs libcudart"
        yield warning(message, version=str(tagged), remedies=(remedy,))


def _check(sentence: str) -> Callable[[Claim], Iterator[Finding]]:
    """A rule's check for what breaks one sentence of the specification about names."""
    return lambda claim: (error(each.detail) for each in claim.violations if each.rule == sentence)


for _rule, _sentence, _title, _remedy in (
    (
        *("CXXRT-T4", "G-4", "Compressed ABI set mixes runtime ABIs"),
        "Give every member of the set the same runtime ABI, or make two wheels.",
    ),
    (
        *("CXXRT-T5", "G-5", "Runtime ABI tag and variant label together"),
        "'cxxrt encode --to tag' keeps the tag, 'cxxrt encode --to variant' the label.",
    ),
):
    of_promise(_rule, _title, remedies=(_remedy,))(_check(_sentence))


@of_promise(
    "CXXRT-T3",
    "Python tag does not fit the ABI tag",
    remedies=("Use the Python tag that the base ABI would have without the runtime ABI.",),
)
def python(claim: Claim) -> Iterator[Finding]:
    """G-3, and S-10."""
    yield from _check("G-3")(claim)
    for each in claim.tags.other_pythons if claim.runtime else ():
        message = f"no installer takes it: the runtime serves CPython, not {each}"
        yield error(message, remedies=("'cxxrt encode --to plain' takes the claim out.",))


@of_promise("CXXRT-T2", "Platform tag not allowed with a runtime ABI")
def platform(claim: Claim) -> Iterator[Finding]:
    """G-2."""
    linux = len(claim.platforms) == len(claim.tags.platform)
    remedy = _COMPUTED if linux else _NO_RUNTIME
    for each in _check("G-2")(claim):
        yield replace(each, remedies=(remedy,))


@of_promise("CXXRT-T6", "WHEEL tags and file name differ")
def wheel_tags(claim: Claim) -> Iterator[Finding]:
    """G-6, which PEP 427 asks of every wheel; only a wrong runtime ABI is an error."""
    if claim.malformed is not None or claim.overridden or claim.report.wheel_file is None:
        return
    lines = {str(tag) for tag in claim.report.wheel_file.expanded_tags}
    name = set(claim.tags.expanded)
    lacks = (("WHEEL", name - lines), ("the file name", lines - name))
    if parts := [f"{who} lacks {', '.join(sorted(tags))}" for who, tags in lacks if tags]:
        to = "tag" if claim.runtime else "plain"
        remedy = f"'cxxrt encode --to {to}' writes WHEEL for the name; never rename with mv."
        make = error if claim.runtime else warning
        yield make("; ".join(parts), remedies=(remedy,))


@of_promise(
    "CXXRT-T7",
    "Requirement on the runtime missing or too weak",
    remedies=("'cxxrt repair' computes the requirement from the binaries.",),
)
def requirement(claim: Claim) -> Iterator[Finding]:
    """G-7: the form of the requirement, and a lower bound that covers every needed symbol."""
    yield from _check("G-7")(claim)
    epoch, declared = claim.epoch, claim.declared_bound
    if claim.malformed is not None or declared is None:
        return
    if claim.needs.shortfall(claim.tables, epoch=epoch):  # P3
        return
    wanted = claim.needs.requirement(claim.tables, epoch=epoch)
    least = lowest_version(parse_requirement(wanted)) if wanted else None
    if least and declared < least:
        requires = f"requires {claim.spec.distribution}>={declared}"
        yield error(f"{requires}, its symbols need >={least}", version=str(least))


@of_wheels(
    "CXXRT-T8",
    "Requirement on the runtime without a need",
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
        yield warning(f"{why}, but no object needs {claim.spec.distribution}")
