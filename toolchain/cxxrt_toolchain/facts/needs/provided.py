"""What a wheel needs of libraries that other distributions bring: one `ProviderNeed` for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.provider import NoProviderError, Provided, provided, provided_copy
from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.facts.installed import normalized

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import ObjectReport, WheelReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNeed:
    """One library of a row that the wheel's objects need from outside."""

    row: Provided
    symbols: tuple[str, ...] = ()
    """Needed ones (or versions), as far as it is known that they are this library's; sorted."""
    users: tuple[str, ...] = ()
    """Members that need it, sorted; empty for a library that only comes before another one."""
    built: str | None = None
    """The release that the members were linked against; None if it is unknown."""

    @property
    def requirement(self) -> str:
        """The ``Requires-Dist`` of the need; `NoProviderError` if no known release is enough."""
        return self.row.requirement(self.symbols, self.built)

    def accepted(self, report: WheelReport) -> str:
        """A release that is not enough and that the wheel's requirements accept; empty for none."""
        requirements = report.requirements_on(self.row.distribution)
        return self.row.too_loose(requirements, self.symbols, self.built)

    @property
    def baked(self) -> dict[str, object]:
        """The row as the loader of the runtime takes it."""
        row = self.row
        optional = {
            "proof": row.evidence(self.symbols),
            "group": row.group,
            "scope": row.scope if row.scope != "local" else None,
        }
        needed = {"requirement": self.requirement, "places": row.places}
        return {"soname": row.soname, **needed, **{k: v for k, v in optional.items() if v}}


def provider_needs(report: WheelReport, *, repaired: bool) -> tuple[ProviderNeed, ...]:
    """The needs of all objects, in an order in which they can be loaded.

    `repaired` counts those that a copy in the wheel serves today, if a repair drops it.
    """
    users: dict[str, set[str]] = {}
    symbols: dict[str, set[str]] = {}
    for found in report.objects:
        if found.member in report.dropped:
            continue
        for name in found.facts.needed:
            row = _row_of(report, found, name, repaired=repaired)
            if row is not None:
                users.setdefault(row.soname, set()).add(found.member)
                symbols.setdefault(row.soname, set()).update(_symbols(found, name, row))
    return ordered_needs(users, symbols)


def ordered_needs(
    users: Mapping[str, Iterable[str]], symbols: Mapping[str, Iterable[str]]
) -> tuple[ProviderNeed, ...]:
    """The needs of libraries by SONAME, each behind those that come before it."""
    order: dict[str, None] = {}
    for soname in sorted(users):
        _put(soname, order)
    return tuple(
        ProviderNeed(
            row=row,
            symbols=tuple(sorted(symbols.get(soname, ()))),
            users=tuple(sorted(users.get(soname, ()))),
        )
        for soname in order
        if (row := provided(soname)) is not None
    )


def replaceable(report: WheelReport) -> dict[str, Soname]:
    """Members that are copies of a row's library and that a repair may drop, to its SONAME.

    The row must have a table, and it must not contradict what the wheel's objects need of the copy.
    A row of a ``line`` promises nothing about another build, so there the SONAME must be the same,
    which holds the line.
    """
    found: dict[str, Soname] = {}
    for copy in report.objects:
        row = provided_copy(copy.name, copy.file_name)
        if row is None or copy.facts.machine not in row.architectures or _is_own(report, row):
            continue
        promised = copy.name == row.soname if row.policy == "line" else bool(row.table.releases)
        if promised and _is_replaceable(report, copy, row):
            found[copy.member] = Soname(row.soname)
    return found


def _row_of(
    report: WheelReport, found: ObjectReport, name: Soname, *, repaired: bool
) -> Provided | None:
    """The row that serves a need of an object, None where the wheel itself or nothing does."""
    copy = report.provides(name)
    if copy is not None:
        served = report.dropped.get(copy.member) if repaired else None
        return provided(served) if served else None
    row = provided(name, found.facts.machine)
    return None if row and _is_own(report, row) else row


def _is_own(report: WheelReport, row: Provided) -> bool:
    return normalized(report.tags.distribution) == row.distribution


def _is_replaceable(report: WheelReport, copy: ObjectReport, row: Provided) -> bool:
    users = [each for each in report.objects if {copy.name, copy.file_name} & {*each.facts.needed}]
    taken = {name for each in users for name in _symbols(each, Soname(copy.name), row)}
    if row.policy != "versions":
        unversioned = {name for each in users for name in each.symbols.unversioned}
        taken |= unversioned.intersection(copy.symbols.exported)
    try:
        row.requirement(taken)
    except NoProviderError:
        return False
    return bool(users)


def _symbols(found: ObjectReport, name: Soname, row: Provided) -> set[str]:
    """What an object needs of a library: symbol versions where the row's policy counts these.

    Else symbols, by their version, or where only that library has it.
    """
    if row.policy == "versions":
        needs = found.facts.version_needs
        return {need.version for need in needs if need.soname == name and not need.weak}
    versioned = dict(found.symbols.provided_needs).get(name, ())
    return {*versioned, *filter(row.table.knows, found.symbols.unversioned)}


def _put(soname: str, order: dict[str, None]) -> None:
    """Append a library behind those that come before it."""
    row = provided(soname)
    if row is None or soname in order:
        return
    for before in row.after:
        _put(before, order)
    order[soname] = None
