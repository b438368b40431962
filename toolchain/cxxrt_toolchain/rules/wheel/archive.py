"""Rules W1 to W6: RECORD, WHEEL, METADATA, and binaries in the wrong place."""

from collections.abc import Iterator
from dataclasses import replace

from cxxrt_toolchain.abi.platforms import machines_of
from cxxrt_toolchain.abi.versions import requirement_set
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.rules.remedies import UNREADABLE, unreadable_file
from cxxrt_toolchain.rules.rule import Finding, Severity, error, warning
from cxxrt_toolchain.rules.wheel.claim import Claim, of_promise, of_wheels
from cxxrt_toolchain.wheel.record import RecordIssueKind
from cxxrt_toolchain.wording import listed

_UNTRUSTED = (RecordIssueKind.UNREADABLE, RecordIssueKind.WRONG_HASH, RecordIssueKind.WRONG_SIZE)
"""Issues that may mean damage; a repair copies members with the hash that RECORD gives. What
RECORD merely forgets can be written anew."""
_LEAVE_OUT = "Build the wheel again, or leave the file out."
_DAMAGED = "The wheel was damaged or changed after it was built; get it again, or build it again."


@of_wheels(
    "CXXRT-W1", "RECORD does not describe the wheel", remedies=("'cxxrt repair' writes it anew.",)
)
def record(claim: Claim) -> Iterator[Finding]:
    """Members and RECORD that do not agree."""
    for issue in claim.report.record_issues or ():
        advice = _DAMAGED if issue.kind in _UNTRUSTED else ""
        remedies = (advice,) if advice else ()
        yield error(issue.detail, member=issue.member, remedies=remedies, unrepairable=advice)


@of_wheels(
    "CXXRT-W2",
    "WHEEL or METADATA unusable",
    remedies=("Build the wheel again with a current backend.",),
)
def metadata(claim: Claim) -> Iterator[Finding]:
    """Metadata that is missing or cannot be parsed."""
    for text in claim.report.metadata_issues:
        yield error(text.rstrip("."))


@of_promise(
    "CXXRT-W3",
    "Native code in a wheel that claims to have none",
    remedies=("Tag the wheel for the platform that the binary is for.",),
)
def purity(claim: Claim) -> Iterator[Finding]:
    """Binaries under the platform tag ``any``, or in a wheel that goes to purelib."""
    if not claim.linked:
        return
    first = claim.linked[0].member
    if "any" in claim.tags.platform:
        yield error("the platform tag is 'any'", member=first)
    elif claim.report.wheel_file is not None and claim.report.wheel_file.root_is_purelib:
        remedy = "Say 'Root-Is-Purelib: false', so that it lands in platlib."
        yield warning("WHEEL says Root-Is-Purelib: true", member=first, remedies=(remedy,))


@of_promise(
    "CXXRT-W4",
    "Binary for another machine",
    remedies=("Tag the wheel for the machine that it was built for.",),
)
def machine(claim: Claim) -> Iterator[Finding]:
    """No object is for the tag's machine; some for another one are common (debuggers)."""
    machines = {found.facts.machine for found in claim.linked}
    wanted = machines_of(claim.tags.platform)
    if wanted and machines and not wanted & machines:
        first = claim.linked[0]
        tagged = ", ".join(sorted(wanted))
        yield error(f"is for {first.facts.machine}, the tag for {tagged}", member=first.member)


@of_wheels("CXXRT-W5", UNREADABLE)
def unreadable(claim: Claim) -> Iterator[Finding]:
    """Members that begin as an ELF file and cannot be read as one."""
    for broken in claim.report.unreadable:
        found = unreadable_file(broken, claim.needed, machines_of(claim.tags.platform))
        advice = _LEAVE_OUT if found.severity is Severity.ERROR else ""
        remedies = (advice,) if advice else ()
        yield replace(found, member=broken.member, remedies=remedies, unrepairable=advice)


@of_wheels(
    "CXXRT-W6",
    "Wheels of one version have different requirements",
    remedies=("Give all wheels of the version the same Requires-Dist, the plain ones too.",),
)
def one_release(claim: Claim) -> Iterator[Finding]:
    """B-7, against the wheels of the same version that are checked together."""
    own = claim.report.tags
    name, mine = normalized(own.distribution), requirement_set(claim.report.requires_dist)
    for other in claim.providers:
        theirs = requirement_set(other.requires)
        if (other.name, other.version) != (name, own.version) or theirs == mine:
            continue
        says = [f"lacks {listed(sorted(theirs - mine))}"] if theirs - mine else []
        says += [f"has {listed(sorted(mine - theirs))}"] if mine - theirs else []
        release = f"{own.distribution} {own.version}"
        yield warning(f"another wheel of {release} differs: this one {' and '.join(says)}")
        return
