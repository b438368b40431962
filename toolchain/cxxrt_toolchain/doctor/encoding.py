"""The facts of one ELF file as one line of JSON, and back.

In: what `objects` read of a file: an `ObjectReport`, the reason why there is none, or None for a
file that is no ELF file. Out: text without tabs or line ends. Text that this module did not write
raises `ValueError`, whatever is wrong with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.audit.families import RuntimeFamily
from cxxrt_toolchain.audit.report import (
    ObjectReport,
    SymbolDigest,
    SymbolSample,
    UnreadableObject,
)
from cxxrt_toolchain.elf.facts import NeededVersion, SharedObject, Soname

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
"""Raise it whenever the reader, the digest or a family may see the same file differently."""

Facts = ObjectReport | UnreadableObject | None
"""What is known of a file; None: it is no ELF file."""

Needs = dict[tuple[str, str, bool], NeededVersion]
"""Version needs by their parts."""

_TEXTS = ("machine", "kind", "soname", "rpath", "runpath", "build_id")
_NUMBERS = ("bits", "little_endian", "executable_stack", "static_tls")
_LISTS = ("needed", "version_definitions", "gnu_properties")
_SAMPLES = (
    "captures",
    "libstdcxx_strong",
    "libstdcxx_weak",
    "unique",
    "locale_ids",
    "cudart_defined",
    "other_runtimes",
    "old_strings_exported",
    "old_strings_needed",
    "new_strings_exported",
    "new_strings_needed",
)
_FAMILIES = {family.value: family for family in RuntimeFamily}


def encode(facts: Facts) -> str:
    """One line; ``null`` for a file that is no ELF file."""
    if facts is None:
        return "null"
    if isinstance(facts, UnreadableObject):
        return json.dumps(facts.reason)
    elf, symbols = facts.facts, facts.symbols
    row: dict[str, Any] = {name: getattr(elf, name) for name in (*_TEXTS, *_NUMBERS)}
    row |= {name: list(getattr(elf, name)) for name in _LISTS}
    row["version_needs"] = [[each.soname, each.version, each.weak] for each in elf.version_needs]
    row["copy_of"] = facts.copy_of.value if facts.copy_of else None
    row["static"] = [family.value for family in facts.static]
    row["samples"] = {
        name: [found.count, *found.examples]
        for name in _SAMPLES
        if (found := getattr(symbols, name))
    }
    row["cudart_needed"] = list(symbols.cudart_needed)
    row["undefined"] = sorted(symbols.undefined)
    return json.dumps(row, separators=(",", ":"))


def decode(text: str, path: str, size: int, needs: Needs) -> Facts:
    """The facts again.

    Args:
        text: What `encode` made.
        path: Of the file.
        size: Its bytes.
        needs: Version needs that were made before, to share them: thousands of objects have the
            same few.

    Raises:
        ValueError: `encode` did not make this text.
    """
    row = json.loads(text)
    if row is None:
        return None
    if isinstance(row, str):
        return UnreadableObject(member=path, reason=row)
    try:
        return _report(row, path, size, needs)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not the facts of an object: {error!r}") from error


def _report(row: dict[str, Any], path: str, size: int, needs: Needs) -> ObjectReport:
    elf = SharedObject(
        bits=row["bits"],
        little_endian=row["little_endian"],
        machine=row["machine"],
        kind=row["kind"],
        soname=row["soname"],
        needed=tuple(row["needed"]),
        rpath=row["rpath"],
        runpath=row["runpath"],
        version_needs=tuple(_needs(row["version_needs"], needs)),
        version_definitions=tuple(row["version_definitions"]),
        executable_stack=row["executable_stack"],
        static_tls=row["static_tls"],
        gnu_properties=tuple(row["gnu_properties"]),
        build_id=row["build_id"],
    )
    samples = {
        name: SymbolSample(count=found[0], examples=tuple(found[1:]))
        for name, found in row["samples"].items()
    }
    return ObjectReport(
        member=path,
        size=size,
        facts=elf,
        copy_of=_FAMILIES[row["copy_of"]] if row["copy_of"] else None,
        symbols=SymbolDigest(
            **samples,
            cudart_needed=tuple(row["cudart_needed"]),
            undefined=frozenset(row["undefined"]),
        ),
        static=tuple(_FAMILIES[name] for name in row["static"]),
    )


def _needs(rows: Iterable[list[Any]], made: Needs) -> Iterable[NeededVersion]:
    for soname, version, weak in rows:
        key = (soname, version, weak)
        if key not in made:
            made[key] = NeededVersion(soname=Soname(soname), version=version, weak=weak)
        yield made[key]
