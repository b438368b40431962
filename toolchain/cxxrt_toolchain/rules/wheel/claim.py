"""The scene of the rules about wheels: a wheel's facts, and what its name claims of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from cxxrt_toolchain.abi.filename import Violation, WheelTags, violations
from cxxrt_toolchain.abi.platforms import (
    GlibcPlatform,
    Promise,
    machines_of,
    parse_platform,
    promise_of,
)
from cxxrt_toolchain.abi.spec import Spec, UnknownEpochError, load_policy
from cxxrt_toolchain.abi.tag import AbiTag, BadTagError, RuntimeAbi, claims_runtime, without_runtime
from cxxrt_toolchain.abi.versions import parse_version
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.facts.families import SHARED_FAMILIES, family_of_name, served_soname
from cxxrt_toolchain.facts.needs.providers import Provider, Required, markers_of, required_by
from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds, runtime_needs
from cxxrt_toolchain.rules.rule import rule

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from cxxrt_toolchain.abi.policy import Policy
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport

_TAG_FIELDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One wheel, the tags that it is judged as, and what the rules ask of both."""

    report: WheelReport
    tags: WheelTags
    """Judged as these; the file name's unless `overridden`."""
    overridden: bool
    """The tags are the caller's, not the file name's."""
    malformed: str | None
    """Why the ABI field is no runtime ABI tag although it speaks of one."""
    runtime: RuntimeAbi | None
    """What the tags say the binaries were linked against; None for a plain wheel."""
    policy: Policy | None
    """Of `runtime`; None for a plain wheel and for an epoch that nobody defined."""
    violations: tuple[Violation, ...]
    """The sentences G-2 to G-7 that the name and the requirement break."""
    platforms: tuple[GlibcPlatform, ...]
    """Those of the tags that are for Linux with glibc."""
    needs: RuntimeNeeds
    """What the wheel needs of the runtime: unchanged, or once it is `repaired`."""
    repaired: bool
    """Judged as the wheel that ``cxxrt repair`` would write: without the copies of libraries that
    the runtime has, and with a requirement on it."""
    spec: Spec
    tables: SymbolTables
    exclude: tuple[str, ...]
    """Patterns of SONAMEs that the caller vouches for."""
    providers: tuple[Provider, ...]
    """Other distributions that were looked at."""

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The oldest glibc that the tags promise to work with; None where they promise none."""
        return min((p.glibc for p in self.platforms if p.glibc), default=None)

    @property
    def promise(self) -> Promise | None:
        """What the platform tag lets the wheel expect of the machine."""
        return promise_of(self.glibc) if self.glibc else None

    @property
    def is_runtime(self) -> bool:
        """This wheel is the runtime itself."""
        return canonicalize_name(self.tags.distribution) == self.spec.distribution

    @property
    def epoch(self) -> int:
        """The epoch of the tag; of a plain wheel the only one whose libraries it can need."""
        return self.runtime.epoch if self.runtime else 1

    @property
    def linked(self) -> tuple[ObjectReport, ...]:
        """The objects that a dynamic loader can load, without those that a repair drops."""
        linked = (found for found in self.report.objects if found.facts.kind in ("dyn", "exec"))
        return tuple(
            each for each in linked if not (self.repaired and each.member in self.report.dropped)
        )

    @property
    def needed(self) -> frozenset[str]:
        """All ``DT_NEEDED`` entries."""
        return frozenset(name for found in self.linked for name in found.facts.needed)

    @property
    def copies(self) -> tuple[ObjectReport, ...]:
        """Copies of runtime libraries that no runtime ABI of the tag forbids: those are P2's."""
        if self.is_runtime:
            return ()
        theirs = frozenset() if self.runtime is None or self.repaired else SHARED_FAMILIES
        objects = self.report.objects
        return tuple(each for each in objects if each.copy_of and each.copy_of not in theirs)

    @property
    def guests(self) -> tuple[ObjectReport, ...]:
        """The linked objects that use a runtime: none in the wheel that is the runtime."""
        return () if self.is_runtime else self.linked

    @property
    def served_major(self) -> int | None:
        """The one CUDA major that a repair can give the wheel; None for several, or another."""
        majors = self.needs.cuda_majors
        return (
            majors[0]
            if len(majors) == 1 and majors[0] in self.spec.epochs[-1].cuda_majors
            else None
        )

    @property
    def requires_runtime(self) -> bool:
        """METADATA requires the runtime, whatever the tag says, and it serves that Python."""
        required = self.declared_bound is not None or (self.repaired and self.needs.wants_runtime)
        return required and not self.tags.other_pythons

    @property
    def declared_bound(self) -> Version | None:
        """The oldest runtime that METADATA accepts; None where it requires none."""
        for requirement in self.report.requirements_on(self.spec.distribution):
            return lowest_version(requirement) or Version("0")
        return None

    @property
    def required(self) -> Required:
        """What the requirements lead to, without the runtime: rules of its own judge that."""
        lines = self.report.requires_dist
        markers = markers_of(self.tags, machines_of(self.tags.platform))
        return required_by(lines, markers, self.providers).without(self.spec.distribution)

    def vouched_for(self, name: str) -> bool:
        """The caller says that something else provides that SONAME."""
        return any(fnmatchcase(name, pattern) for pattern in self.exclude)

    def allows_library(self, name: str) -> bool:
        """Whether the tag lets an object need that SONAME from outside the wheel."""
        if self.promise is None or self.promises_runtime(name) or self.vouched_for(name):
            return True
        if any(need.row.soname == name for need in self.needs.providers):
            return True  # P10 asks whether its distribution is required
        if self.policy is not None:
            return self.policy.allows_library(name, self.promise.glibc)
        return name in self.promise.libraries

    def forbids_member(self, found: ObjectReport) -> bool:
        """Whether the tag forbids that object as a copy of a runtime library.

        The policy decides by name; what has another name is known by its version definitions.
        """
        names = (found.file_name, found.name)
        if self.policy is not None and any(map(self.policy.forbids_member, names)):
            return True
        renamed = self.policy is None or not any(map(family_of_name, names))
        return renamed and found.copy_of in SHARED_FAMILIES

    def forbidden_definitions(self, found: ObjectReport) -> tuple[str, ...]:
        """What an object exports of a runtime that is linked into it, sorted.

        Without what shows a static libstdc++ or libcudart: H4, H6 and H8 report that.
        """
        symbols = found.symbols
        if symbols.locale_ids or symbols.captures or symbols.cudart_defined:
            return ()
        if self.policy is None:
            return symbols.forbidden_definitions
        return tuple(filter(self.policy.forbids_definition, symbols.forbidden_definitions))

    def private_symbols(self, soname: str) -> frozenset[str]:
        """The symbols that the tag forbids to take from a library that it allows."""
        none: frozenset[str] = frozenset()
        by_platform = self.promise.private_symbols(soname) if self.promise else none
        return by_platform | (self.policy.private_symbols(soname) if self.policy else none)

    def promises_runtime(self, name: str) -> bool:
        """Whether that SONAME comes from the runtime: by the tag, or by the requirement alone."""
        if self.policy is not None:
            return name in self.policy.runtime_libraries
        plain = self.runtime is None and self.malformed is None
        return plain and self.requires_runtime and served_soname(name, None) == name


of_wheels = partial(rule, on=(Claim,))
"""Declares a rule about wheels."""
of_promise = partial(rule, on=(Claim,), promise=True)
"""Declares a rule about what the wheel's tag promises."""


def lowest_version(requirement: Requirement) -> Version | None:
    """The lower bound of a requirement, None where it has none."""
    found = [
        parse_version(each.version.removesuffix(".*"))
        for each in requirement.specifier
        if each.operator in (">=", "==", "~=")
    ]
    return max(found, default=None)


def make_claim(
    report: WheelReport,
    spec: Spec,
    tables: SymbolTables,
    tag: str | None,
    exclude: tuple[str, ...] = (),
    repaired: tuple[WheelTags, RuntimeNeeds] | None = None,
    providers: tuple[Provider, ...] = (),
) -> Claim:
    """The claim that a wheel's own name makes, or another tag, or the wheel after a repair.

    Args:
        report: The wheel's facts.
        spec: The vocabulary of tags.
        tables: Which runtime provides which symbol.
        tag: Judge it as if its name said this: ``cxxrt1_cu12``, a platform tag, or a whole
            ``python-abi-platform`` triple; None for its own name.
        exclude: Patterns of SONAMEs that something else provides.
        repaired: Tags and needs of the wheel that ``cxxrt repair`` would write.
        providers: Other distributions, which may bring what the wheel needs from outside.

    Raises:
        UsageError: `tag` has none of the three forms.
    """
    tags = override(report.tags, tag) if tag else report.tags
    report = report.for_machines(machines_of(tags.platform))
    tags, needs = repaired or (tags, runtime_needs(report, repaired=False))
    runtime, malformed = None, None
    broken: tuple[Violation, ...] = ()
    variant = any(member.endswith(".dist-info/variant.json") for member in report.members)
    try:
        runtime = tags.runtime
        broken = violations(tags, spec, requires_dist=report.requires_dist, variant=variant)
    except BadTagError as error:
        malformed = str(error)
    return Claim(
        report=report,
        tags=tags,
        overridden=tags != report.tags,
        malformed=malformed,
        runtime=runtime,
        policy=_policy(runtime),
        violations=broken,
        platforms=tuple(filter(None, map(parse_platform, tags.platform))),
        needs=needs,
        repaired=repaired is not None,
        spec=spec,
        tables=tables,
        exclude=exclude,
        providers=providers,
    )


def override(tags: WheelTags, tag: str) -> WheelTags:
    """The tags that a wheel would have under another claim."""
    if claims_runtime(tag) and tag.count("-") == 0:
        runtime, bases = RuntimeAbi.parse(tag), map(without_runtime, tags.abi)
        tagged = (str(AbiTag(base=base, runtime=runtime)) for base in bases)
        return replace(tags, abi=tuple(tagged), label=None)
    if parse_platform(tag) is not None:
        return replace(tags, platform=(tag,))
    fields = tag.split("-")
    if len(fields) != _TAG_FIELDS or not all(fields):
        raise UsageError(
            f"--tag {tag}: not a runtime ABI, a platform tag or a tag triple.",
            "For example cxxrt1_cu12, manylinux_2_28_x86_64 or cp312-cxxrt1_cp312-linux_x86_64.",
        )
    python, abi, platform = (tuple(field.split(".")) for field in fields)
    return replace(tags, python=python, abi=abi, platform=platform, label=None)


def _policy(runtime: RuntimeAbi | None) -> Policy | None:
    if runtime is None:
        return None
    try:
        return load_policy(runtime)
    except UnknownEpochError:
        return None
