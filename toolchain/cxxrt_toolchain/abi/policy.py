"""What a wheel with a given runtime ABI may need from outside: allowed libraries and versions.

Sentences P-1 to P-5 and P-9 of the tag specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from typing import Any, TypeVar

from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.abi.versions import release_pair
from cxxrt_toolchain.errors import InputError

T = TypeVar("T")
_SCHEMA = 1
_WILDCARD = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSet:
    """The symbol versions of one namespace that one architecture's runtime defines."""

    architecture: str
    namespace: str
    """``GLIBCXX``, ``CXXABI``, ``GCC``, …: what stands before the first underscore."""
    versions: frozenset[str]
    """What stands behind it: ``3.4.33``, ``TM_1``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The policy of one runtime ABI."""

    name: str
    runtime: RuntimeAbi
    ceiling: str
    """The newest runtime release, ``1.14``, whose symbol versions are in `versions`."""
    lib_whitelist: frozenset[str]
    """SONAMEs that may be needed from outside: manylinux's list and the epoch's (P-1)."""
    runtime_libraries: frozenset[str]
    """The part of ``lib_whitelist`` that the runtime wheel provides."""
    lib_since: tuple[tuple[str, tuple[int, int]], ...]
    """SONAMEs that only platforms from this glibc on provide."""
    versions: tuple[VersionSet, ...]
    """Ceilings per architecture and namespace (P-3)."""
    blacklist: tuple[tuple[str, frozenset[str]], ...]
    """SONAME to symbols that must not be taken from that library, although it is allowed; beside
    those that the platform's promise excludes."""
    forbidden_members: tuple[str, ...]
    """Patterns of file names that are copies of the runtime, renamed or not (P-2)."""
    forbidden_definitions: tuple[str, ...]
    """Patterns of symbols whose definition betrays a static copy of the runtime (P-2)."""
    cxx11_abi: bool
    """Exported C++ symbols use the new ``std::string`` (P-5)."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Policy:
        """Read a document of ``schemas/policy.schema.json``; `InputError`: unknown number (C-3)."""
        if document["schema"] != _SCHEMA:
            raise InputError(f"policy {document['name']}: unknown schema {document['schema']}.")
        return cls(
            name=document["name"],
            runtime=RuntimeAbi.parse(document["name"]),
            ceiling=document["ceiling"],
            lib_whitelist=frozenset(document["lib_whitelist"]),
            runtime_libraries=frozenset(document["runtime_libraries"]),
            lib_since=_rows(document["lib_since"], release_pair),
            versions=tuple(
                VersionSet(architecture=architecture, namespace=namespace, versions=versions)
                for architecture, namespaces in sorted(document["symbol_versions"].items())
                for namespace, versions in _rows(namespaces, frozenset)
            ),
            blacklist=_rows(document["blacklist"], frozenset),
            forbidden_members=tuple(document["forbidden_members"]),
            forbidden_definitions=tuple(document["forbidden_definitions"]),
            cxx11_abi=document["cxx11_abi"],
        )

    def allows_library(self, soname: str, glibc: tuple[int, int]) -> bool:
        """Whether a wheel for platforms from that glibc on may need the library from outside."""
        since = dict(self.lib_since).get(soname, (0, 0))
        return soname in self.lib_whitelist and glibc >= since

    def allows_version(self, architecture: str, version: str) -> bool | None:
        """Whether the runtime defines a symbol version such as ``GLIBCXX_3.4.30``.

        None where the policy does not speak of the namespace; the platform tag has GLIBC's (P-4).
        """
        namespace, _, number = version.partition("_")
        for row in self.versions:
            if (row.architecture, row.namespace) == (architecture, namespace):
                return number in row.versions
        return None

    def private_symbols(self, soname: str) -> frozenset[str]:
        """The symbols that must not be taken from an allowed library."""
        return dict(self.blacklist).get(soname, frozenset())

    def forbids_member(self, name: str) -> bool:
        """Whether a file name or SONAME is that of a copy of a runtime library."""
        return any(fnmatchcase(name, pattern) for pattern in self.forbidden_members)

    def forbids_definition(self, symbol: str) -> bool:
        """Whether an object that exports the symbol has a runtime linked into it."""
        return any(fnmatchcase(symbol, pattern) for pattern in self.forbidden_definitions)


def _rows(table: Mapping[str, Any], read: Callable[[Any], T]) -> tuple[tuple[str, T], ...]:
    return tuple((name, read(value)) for name, value in sorted(table.items()))


class NamePatterns:
    """Shell patterns that are compared with up to a million names."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Split them into names, and patterns with the text that they begin with."""
        globs = [pattern for pattern in patterns if _WILDCARD.search(pattern)]
        self._names = frozenset(patterns).difference(globs)
        self._heads = tuple(_WILDCARD.split(pattern, maxsplit=1)[0] for pattern in globs)
        self._match = re.compile("|".join(map(translate, globs)) or "(?!)").match

    def among(self, names: Collection[str]) -> list[str]:
        """Those names that match a pattern."""
        candidates = [name for name in names if name.startswith(self._heads)]
        return [*self._names.intersection(names), *filter(self._match, candidates)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedSymbols:
    """Names of dynamic symbols that some policy forbids."""

    needs: frozenset[str]
    """Undefined symbols."""
    definitions: NamePatterns
