"""Read how an object was compiled and linked, where no exported symbol shows it.

In: an opened ELF file. Out: `Traits`: runtimes that are linked in and hidden, the ``std::string``
ABI that its symbols use, C++ symbols that none of its libraries provides, and the names of the
capsules through which it exchanges pointers with other modules. The name table is searched as
text, which takes microseconds; more of the file is read only where that is not enough.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.facts import Binding, DynamicSymbol, SharedObject
from cxxrt_toolchain.elf.image import ElfError
from cxxrt_toolchain.elf.sections import read_constants
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.fingerprints import candidates, find_texts
from cxxrt_toolchain.facts.symbols import belongs_to_libstdcxx, spells_old_string

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.reader import SparseElf

_OF_CUDART = b"pthread_condattr_setpshared\0"
"""Every libcudart from 11.8 to 13.0 calls it; few other objects that call ``dlopen`` do."""
_MAKE, _OPEN = "PyCapsule_New", "PyCapsule_GetPointer"
"""CPython's functions for capsules; the second argument is the capsule's name."""
_CAPSULES = b"PyCapsule_"
_CAPSULE = re.compile(r"[A-Za-z_][\w.:*-]+")
_OF_C = re.compile(
    r"(?:used_|numpy_)?dltensor(?:_versioned)?|arrow_(?:device_)?(?:schema|array|array_stream)"
    r"|.*_C?API|swig_runtime_data.*"
)
"""DLPack, Arrow's C interface, NumPy's, datetime's and other tables of C functions, SWIG."""
LARGEST_TABLE = 1 << 20
"""Largest name table in bytes that is read in one piece."""
_MOST_UNPROVIDED = 8
_NEW = b"cxx11"
_OLD = b"Ss"
# Undefined C++ names outside the namespaces of libstdc++ and the compiler.
_FOREIGN = re.compile(
    rb"\0_Z(?!Z?N?[KVrRO]*St|N[KVrRO]*S[absiod]|T[VTISHW]|N9__gnu|N10__cxxabiv1|GTt|GV|d[al]|n[aw])"
)
_EVERYWHERE = re.compile(r"(?:lib(?:c|m|dl|pthread|rt|util|resolv)|ld-linux.*|libpython3.*)\.so.*")
"""Libraries without a C++ interface."""


@dataclass(frozen=True, slots=True)
class Traits:
    """How an object was compiled and linked."""

    hidden: tuple[RuntimeFamily, ...] = ()
    """Runtimes that are linked in and not exported, sorted by name."""
    old_string: str = ""
    """A symbol with the old, copy-on-write ``std::string`` in its name; empty if there is none."""
    new_strings: bool = False
    """Whether a symbol has ``std::__cxx11::string`` in its name."""
    unprovided: tuple[str, ...] = ()
    """Up to eight C++ symbols that no ``DT_NEEDED`` library provides; the object relies on a
    library that was loaded ``RTLD_GLOBAL``."""
    made: tuple[str, ...] = ()
    """Names of the capsules that it creates, sorted, without those that are known to hold C data;
    collected only for an object with a private ABI."""
    opened: tuple[str, ...] = ()
    """Names of the capsules that it takes pointers from, under the same conditions."""

    @property
    def has_private_abi(self) -> bool:
        """Whether it has a private libstdc++ or the old ``std::string``."""
        return RuntimeFamily.LIBSTDCXX in self.hidden or self.strings == "old"

    @property
    def strings(self) -> str:
        """``old`` or ``new``; empty if its symbols show neither or both."""
        if bool(self.old_string) is self.new_strings:
            return ""
        return "old" if self.old_string else "new"


NO_TRAITS = Traits()


def read_traits(
    found: SparseElf, facts: SharedObject, exported: Collection[RuntimeFamily] = ()
) -> Traits:
    """The traits of an object; `NO_TRAITS` if its tables are damaged."""
    try:
        return _read(found, facts, exported)
    except ElfError:
        return NO_TRAITS


def _read(found: SparseElf, facts: SharedObject, exported: Collection[RuntimeFamily]) -> Traits:
    table = found.name_table(LARGEST_TABLE)
    if table is None:  # too large: only the versioned names, of glibc and libstdc++
        names = found.versioned_names()
        table = b"\0".join([b"", *(name.encode() for name in names), b""])
    traits = Traits(
        hidden=_hidden(found, facts, exported, table),
        old_string=_old_string(table),
        new_strings=any(name.startswith("_Z") for name in names_with(table, _NEW)),
        unprovided=_unprovided(found, facts, table),
    )
    if traits.has_private_abi and _CAPSULES in table:
        made, opened = capsules(found)
        return replace(traits, made=tuple(sorted(made)), opened=tuple(sorted(opened)))
    return traits


def capsules(found: SparseElf) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the capsules that an object creates, and of those that it opens."""
    names = found.string_arguments((_MAKE, _OPEN))
    made, opened = (filter(_is_capsule, names[function]) for function in (_MAKE, _OPEN))
    return frozenset(made), frozenset(opened)


def _is_capsule(name: str) -> bool:
    return bool(_CAPSULE.fullmatch(name)) and not _OF_C.fullmatch(name)


class _Mentioned:
    """Set-like view of the names in a name table."""

    def __init__(self, table: bytes) -> None:
        self._table = table

    def __contains__(self, name: object) -> bool:
        """Whether a name is in the table; linkers store a short name as the end of a longer one."""
        return isinstance(name, str) and name.encode() + b"\0" in self._table


def _hidden(
    found: SparseElf, facts: SharedObject, exported: Collection[RuntimeFamily], table: bytes
) -> tuple[RuntimeFamily, ...]:
    if _OF_CUDART not in table:
        exported = {RuntimeFamily.LIBCUDART, *exported}
    families = candidates(facts, _Mentioned(table), exported)
    return find_texts(read_constants(found.image), families) if families else ()


def names_with(table: bytes, part: bytes) -> Iterator[str]:
    """Yield the names of a name table that contain some bytes."""
    at = table.find(part)
    while at >= 0:
        end = table.find(b"\0", at)
        yield table[table.rfind(b"\0", 0, at) + 1 : end].decode("utf-8", "backslashreplace")
        at = table.find(part, end) if end >= 0 else -1


def _old_string(table: bytes) -> str:
    spelt = (name for name in names_with(table, _OLD) if "cxx11" not in name)
    return next(filter(spells_old_string, spelt), "")


def _unprovided(found: SparseElf, facts: SharedObject, table: bytes) -> tuple[str, ...]:
    if not all(_is_everywhere(name) for name in facts.needed) or not _FOREIGN.search(table):
        return ()
    names = sorted(each.name for each in found.undefined() if _is_unprovided(each))
    return tuple(sorted(names, key=lambda name: not _spells_string(name))[:_MOST_UNPROVIDED])


def _is_everywhere(name: str) -> bool:
    return family_of_name(name) is not None or _EVERYWHERE.fullmatch(name) is not None


def _is_unprovided(symbol: DynamicSymbol) -> bool:
    strong = symbol.binding is Binding.GLOBAL and symbol.version is None
    return strong and symbol.name.startswith("_Z") and not belongs_to_libstdcxx(symbol.name)


def _spells_string(name: str) -> bool:
    return "cxx11" in name or spells_old_string(name)
