"""Decide what to change in a wheel so that it uses the shared runtime.

In: the report and what the caller wants. Out: a `RepairPlan`, a tuple of edits that can be
printed, compared and carried out once, or the reasons why there is none. Pure: the only thing
that is read is the Python source of packages to wire, through a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from cxxrt_toolchain.abi.provider import provided
from cxxrt_toolchain.abi.spec import Epoch, load_spec
from cxxrt_toolchain.abi.symbols import SymbolTables, load_symbol_tables
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds, runtime_needs
from cxxrt_toolchain.facts.searchpath import RUNTIME_LIBRARIES, entries, escapes, origin_path
from cxxrt_toolchain.repair.edits import (
    AddFile,
    ClearExecutableStack,
    DropMember,
    Edit,
    ReplaceNeeded,
    Retag,
    SetRequirement,
    SetSearchPath,
)
from cxxrt_toolchain.repair.options import PlanOptions, Platform
from cxxrt_toolchain.repair.providers import requirement_edits, run_paths, runtime_requirement
from cxxrt_toolchain.repair.retag import (
    abi_field,
    external_libraries,
    is_portable,
    platform_field,
    unserved,
)
from cxxrt_toolchain.repair.sbom import runtime_sbom
from cxxrt_toolchain.repair.wiring import RuntimeNeed, needed_of_runtime, wire
from cxxrt_toolchain.rules.wheel.claim import make_claim
from cxxrt_toolchain.rules.wheel.verdict import judge_repaired

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.filename import WheelTags
    from cxxrt_toolchain.elf.facts import Soname
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport
    from cxxrt_toolchain.rules.rule import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """What to do, in the order in which it is done; or why nothing can be done."""

    source: str
    """The wheel's file name."""
    result: str
    """The new wheel's file name; the source's where no tag changes."""
    edits: tuple[Edit, ...]
    refusals: tuple[Finding, ...]
    """What the rules find in the new wheel and no edit cures; sorted by rule."""
    notes: tuple[str, ...]
    """What a reader of the plan should know and no edit says."""

    @property
    def possible(self) -> bool:
        """Nothing stands in the way."""
        return not self.refusals

    def requirement(self, distribution: str) -> str | None:
        """What the new wheel will require of a distribution; None where the plan sets nothing."""
        edits = (each for each in self.edits if isinstance(each, SetRequirement))
        found = (each.requirement for each in edits if each.distribution == distribution)
        return next(found, None)


def make_plan(
    report: WheelReport,
    options: PlanOptions,
    read: Callable[[str], bytes],
    *,
    tables: SymbolTables | None = None,
) -> RepairPlan:
    """Plan a repair; `read` gives the content of a Python source member (``Wheel.read``)."""
    return _Planner(
        report=report, options=options, read=read, tables=tables or load_symbol_tables()
    ).plan()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planner:
    """The arguments of `make_plan`, so that each kind of edit is one short method."""

    report: WheelReport
    options: PlanOptions
    read: Callable[[str], bytes]
    tables: SymbolTables

    def plan(self) -> RepairPlan:
        spec = load_spec()
        wanted = self.options
        needs = runtime_needs(self.report, repaired=True).built_against(wanted.built_against)
        if wanted.cuda is not None and not needs.cudart:
            needs = needs.with_cuda(wanted.cuda)
        if canonicalize_name(self.report.tags.distribution) == spec.distribution:
            return self._nothing("this wheel is the runtime itself")
        epoch = spec.epochs[-1]
        tags, floor = self.report.tags, epoch.glibc_floor
        if reason := unserved(self.report, epoch):
            return self._nothing(reason)
        if not needs.wants_runtime:
            return self._without_runtime(needs, epoch)
        copies = [each for each in self.report.objects if each.member in self.report.dropped]
        staying = [each for each in self.report.objects if each not in copies]
        known = (major for major in needs.cuda_majors if major in epoch.cuda_majors)
        cuda = self.options.cuda or next(known, None)
        runtime = RuntimeAbi(epoch=epoch.number, cuda=cuda)
        refusals, ignored = self._refusals(
            needs, self._retag(abi_field(tags.abi, runtime), staying, floor)
        )
        if refusals:
            return replace(self._nothing(), refusals=refusals, notes=())
        need = needed_of_runtime(self.report.tags.distribution, needs, runtime, self.tables)
        required = runtime_requirement(self.report, need.requirement, runtime)
        need = replace(need, requirement=required)
        wiring_edits, unwired = self._wiring(needs, staying, need, [c.member for c in copies])
        plain = self.options.plain(self.report.tags)
        retag = self._retag(abi_field(tags.abi, None if plain else runtime), staying, floor)
        edits: list[Edit] = [
            *(_drop(found, self.report.dropped[found.member]) for found in copies),
            *self._object_edits(staying, needs),
            *wiring_edits,
            *self._dist_info_edits(need, runtime),
            SetRequirement(distribution=spec.distribution, requirement=need.requirement),
            *requirement_edits(self.report, needs),
            retag,
        ]
        return RepairPlan(
            source=self.report.filename,
            result=str(self._renamed(retag)),
            edits=tuple(edits),
            refusals=(),
            notes=(*self._notes(unwired), *ignored),
        )

    def _nothing(self, why: str = "no object needs a library of the shared runtime") -> RepairPlan:
        name = self.report.filename
        return RepairPlan(source=name, result=name, edits=(), refusals=(), notes=(why,))

    def _without_runtime(self, needs: RuntimeNeeds, epoch: Epoch) -> RepairPlan:
        """A wheel that needs nothing of ours still gets what is true: platform, search paths."""
        tags, objects = self.report.tags, self.report.objects
        floor = (0, 0) if is_portable(tags.platform) else epoch.glibc_floor
        claim = make_claim(self.report, load_spec(), self.tables, None)
        # With a requirement, too, the tag is true: the package may open a library by itself.
        is_true = claim.declared_bound and not claim.violations and not self.options.plain(tags)
        abi = ".".join(tags.abi) if is_true else abi_field(tags.abi, None)
        retag = self._retag(abi, objects, floor)
        plan = self._nothing()
        refusals, ignored = self._refusals(needs, retag)
        if refusals:
            return replace(plan, refusals=refusals, notes=())
        result = str(self._renamed(retag))
        edits: list[Edit] = []
        for found in objects:
            edits += self._search_path(found, needs, uses_runtime=False)
            edits += _clear(found)
        if result != plan.result:
            edits.append(retag)
        return replace(plan, result=result, edits=tuple(edits), notes=(*plan.notes, *ignored))

    def _refusals(
        self, needs: RuntimeNeeds, retag: Retag
    ) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """What the rules find under a runtime ABI and no edit cures, and what of it is ignored."""
        wanted, plain = self.options, self.options.plain(self.report.tags)
        excused = set()  # a plain name promises nothing about copies and strings
        if plain:
            excused = {"CXXRT-P2"} if wanted.building else {"CXXRT-P2", "CXXRT-P5"}
        if wanted.platform is Platform.KEEP or not needs.wants_runtime:
            excused.add("CXXRT-P1")  # a local build may need what is installed beside it
        refusals, ignored = [], []
        found = judge_repaired(
            self.report, self._renamed(retag), needs, self.tables, wanted.exclude
        )
        for each in sorted(found, key=lambda each: (each.rule, each.sort_key)):
            strict = wanted.building and each.rule == "CXXRT-P5"
            if not each.unrepairable or each.rule in excused or (each.may_stay and not strict):
                continue
            if each.rule in wanted.ignore and (plain or not each.promise):
                ignored.append(f"ignored {each.refusal}")
            else:
                refusals.append(each)
        return tuple(refusals), tuple(ignored)

    def _retag(self, abi: str, staying: Sequence[ObjectReport], floor: tuple[int, int]) -> Retag:
        tags = self.report.tags
        platform = ".".join(tags.platform)
        if self.options.platform is Platform.LOWEST:
            external = external_libraries(staying, self.report.served_as, self.options.exclude)
            platform = platform_field(tags.platform, staying, floor, external)
        return Retag(python=".".join(tags.python), abi=abi, platform=platform)

    def _object_edits(self, staying: Sequence[ObjectReport], needs: RuntimeNeeds) -> Iterator[Edit]:
        for found in staying:
            for name in found.facts.needed:
                new = self.report.served_as(name)
                if new is not None and new != name:
                    yield ReplaceNeeded(member=found.member, old=name, new=new)
            yield from self._search_path(found, needs, uses_runtime=found.member in needs.users)
            yield from _clear(found)

    def _search_path(
        self, found: ObjectReport, needs: RuntimeNeeds, *, uses_runtime: bool
    ) -> Iterator[Edit]:
        before = entries(found)
        rows = [need.row for need in needs.providers]
        kept = [entry for entry in before if not escapes(found.member, entry, rows)]
        ours = origin_path(found.member, RUNTIME_LIBRARIES)
        if uses_runtime and self.options.runpath and ours and ours not in kept:
            kept.append(ours)
        elif ours in kept and not uses_runtime and found.facts.rpath is None:
            kept.remove(ours)  # the linker adds it before it knows what is needed
        if self.options.runpath:
            kept += [path for path in run_paths(needs, found.member) if path not in kept]
        if tuple(kept) != before:
            path = ":".join(kept)
            yield SetSearchPath(member=found.member, path=path, as_rpath=self._inherits(found))

    def _inherits(self, found: ObjectReport) -> bool:
        """Whether the object's libraries are looked for along its loader's DT_RPATH too.

        ld.so(8): an object with DT_RUNPATH no longer uses the DT_RPATH of those that loaded it,
        so one that has none of its own and needs the wheel's libraries must not get a RUNPATH.
        """
        facts = found.facts
        if facts.runpath is not None:
            return False
        inside = any(self.report.provides(name) is not None for name in facts.needed)
        return facts.rpath is not None or inside

    def _wiring(
        self,
        needs: RuntimeNeeds,
        staying: Sequence[ObjectReport],
        need: RuntimeNeed,
        dropped: Sequence[str],
    ) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
        if not self.options.wire:
            return (), ()
        members = [name for name in self.report.members if name not in dropped]
        natives = [found.member for found in staying if found.facts.kind == "dyn"]
        wiring = wire(needs.all_users, natives, members, self.read, need)
        return wiring.edits, wiring.unwired

    def _dist_info_edits(self, need: RuntimeNeed, runtime: RuntimeAbi) -> Iterator[Edit]:
        yield AddFile(
            member=f"{self.report.dist_info}/cxxrt.json",
            content=need.as_json(str(runtime)),
            reason="what the binaries need of the runtime, for every encoding of the name",
        )
        if self.options.sbom:
            yield AddFile(
                member=f"{self.report.dist_info}/sboms/cxxrt.cdx.json",
                content=runtime_sbom(self.report.tags, need.requirement),
                reason="records the shared runtime as a dependency (PEP 770)",
            )

    def _renamed(self, retag: Retag) -> WheelTags:
        return replace(
            self.report.tags,
            python=tuple(retag.python.split(".")),
            abi=tuple(retag.abi.split(".")),
            platform=tuple(retag.platform.split(".")),
            label=None,
        )

    def _notes(self, unwired: Sequence[str]) -> Iterator[str]:
        for member in unwired:
            yield f"{member}: no import comes before it; it finds the runtime by its RUNPATH only"
        for member in self.report.members if self.report.dropped else ():
            if member.startswith(f"{self.report.dist_info}/sboms/auditwheel"):
                yield f"{member} still lists the copies that were dropped"


def _drop(found: ObjectReport, soname: Soname) -> DropMember:
    row = provided(soname)
    who = f"{row.distribution} brings" if row else "the shared runtime provides"
    return DropMember(member=found.member, reason=f"{who} {soname}")


def _clear(found: ObjectReport) -> Iterator[Edit]:
    if found.facts.executable_stack and found.facts.kind == "dyn":
        yield ClearExecutableStack(member=found.member)
