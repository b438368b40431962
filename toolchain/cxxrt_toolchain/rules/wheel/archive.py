"""Rules W1 to W5: the wheel as an archive.

In: a `Claim`. Out: findings about RECORD, WHEEL, METADATA and about binaries in the wrong place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wheel.record import RecordIssueKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.rules.wheel.claim import Claim

# What RECORD merely forgets can be written anew; a hash that is wrong may mean damage.
UNTRUSTED = (
    RecordIssueKind.UNREADABLE,
    RecordIssueKind.WRONG_HASH,
    RecordIssueKind.WRONG_SIZE,
)
_REWRITE = "'cxxrt repair' writes it anew."
_DAMAGED = "The wheel was damaged or changed after it was built; get it again, or build it again."


def check_wheel(claim: Claim) -> Iterator[Finding]:
    """Judge the archive."""
    report = claim.report
    for issue in report.record_issues or ():
        yield Finding(
            rule="CXXRT-W1",
            severity=Severity.ERROR,
            message=issue.detail,
            member=issue.member,
            remedies=(_DAMAGED if issue.kind in UNTRUSTED else _REWRITE,),
        )
    for text in report.metadata_issues:
        yield Finding(
            rule="CXXRT-W2",
            severity=Severity.ERROR,
            message=text.rstrip("."),
            remedies=("Build the wheel again with a current backend.",),
        )
    for broken in report.unreadable:
        yield Finding(
            rule="CXXRT-W5",
            severity=Severity.ERROR,
            message=broken.reason,
            member=broken.member,
            remedies=("Build the wheel again, or leave the file out if nothing loads it.",),
        )
    yield from _purity(claim)
    yield from _machine(claim)


def _purity(claim: Claim) -> Iterator[Finding]:
    if not claim.linked:
        return
    first = claim.linked[0].member
    if "any" in claim.tags.platform:
        yield Finding(
            rule="CXXRT-W3",
            severity=Severity.ERROR,
            message="the platform tag is 'any'",
            member=first,
            remedies=("Tag the wheel for the platform that the binary is for.",),
        )
    elif claim.report.wheel_file is not None and claim.report.wheel_file.root_is_purelib:
        yield Finding(
            rule="CXXRT-W3",
            severity=Severity.WARNING,
            message="WHEEL says Root-Is-Purelib: true",
            member=first,
            remedies=("Say 'Root-Is-Purelib: false', so that it lands in platlib.",),
        )


def _machine(claim: Claim) -> Iterator[Finding]:
    """Helpers for another machine are common (debuggers); a wheel full of them is a mistake."""
    machines = {found.facts.machine for found in claim.linked}
    archs = {platform.arch for platform in claim.platforms}
    if archs and machines and not archs & machines:
        first = claim.linked[0]
        yield Finding(
            rule="CXXRT-W4",
            severity=Severity.ERROR,
            message=f"is for {first.facts.machine}, the tag for {', '.join(sorted(archs))}",
            member=first.member,
            remedies=("Tag the wheel for the machine that it was built for.",),
        )
