"""What the rules may know of a shared object: frozen values, no file access.

Field names are the ELF specification's and GNU's (System V gABI 4 and 5; symbol versioning:
Drepper, "ELF Symbol Versioning"; ``STB_GNU_UNIQUE``: binutils).
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, NewType

Soname = NewType("Soname", str)
"""A ``DT_SONAME`` or ``DT_NEEDED`` string, for example ``libstdc++.so.6``."""


class Binding(Enum):
    """The binding of a dynamic symbol (``STB_*``)."""

    LOCAL = "local"
    GLOBAL = "global"
    WEAK = "weak"
    UNIQUE = "unique"
    """``STB_GNU_UNIQUE``: one definition per process, whatever the dlopen mode."""
    OTHER = "other"


class SymbolType(Enum):
    """The type of a dynamic symbol (``STT_*``)."""

    NOTYPE = "notype"
    OBJECT = "object"
    FUNC = "func"
    TLS = "tls"
    IFUNC = "ifunc"
    OTHER = "other"


class NeededVersion(NamedTuple):
    """One entry of ``.gnu.version_r``; a named tuple, because an environment has thousands."""

    soname: Soname
    """The library that must define it."""
    version: str
    """For example ``GLIBCXX_3.4.30``."""
    weak: bool = False
    """``VER_FLG_WEAK``: the loader accepts its absence."""

    def __str__(self) -> str:
        return f"{self.soname}:{self.version}"


class DynamicSymbol(NamedTuple):
    """One entry of ``.dynsym``, with the version that ``.gnu.version`` gives it.

    A named tuple, because a wheel has up to a million of them and a frozen dataclass takes five
    times as long to make.
    """

    name: str
    version: str | None
    """The version's name; None for an unversioned symbol."""
    soname: Soname | None
    """For an undefined versioned symbol: the library it is needed from."""
    defined: bool
    default: bool
    """A definition under its default version (``@@``)."""
    binding: Binding
    type: SymbolType
    visible: bool
    """Default or protected visibility: other objects can bind to it."""
    size: int
    """Bytes, as ``st_size`` says."""
    address: int
    """``st_value``."""

    def __str__(self) -> str:
        if self.version is None:
            return self.name
        return f"{self.name}{'@@' if self.default else '@'}{self.version}"


class SymbolGroup(NamedTuple):
    """Dynamic symbols that other objects can bind to, or be bound by, and all in the same way.

    For questions about names: hundreds of thousands of symbols make a few dozen groups.
    """

    defined: bool
    binding: Binding
    """Never local."""
    version: str | None
    soname: Soname | None
    """For undefined versioned symbols: the library that they are needed from."""
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedObject:
    """The facts of one ELF file that any rule asks for."""

    bits: int
    """32 or 64."""
    little_endian: bool
    machine: str
    """As the platform tags spell it (``x86_64``, ``aarch64``), else ``em_<number>``."""
    kind: str
    """``dyn``, ``exec``, ``rel`` or ``core``; a position-independent program is ``exec``, too."""
    soname: Soname | None
    needed: tuple[Soname, ...]
    """``DT_NEEDED`` in file order, which is search order."""
    rpath: str | None
    """``DT_RPATH``; ignored by the loader where there is a runpath."""
    runpath: str | None
    version_needs: tuple[NeededVersion, ...]
    """Sorted."""
    version_definitions: tuple[str, ...]
    """In file order, without the base definition."""
    executable_stack: bool
    """``PT_GNU_STACK`` is executable, or missing (then the loader assumes that it is)."""
    static_tls: bool
    """``DF_STATIC_TLS``: takes a piece of the small static TLS reserve when it is dlopened."""
    thread_local: tuple[int, int] = (0, 1)
    """``PT_TLS``: bytes of its thread-local variables in memory, and their alignment."""
    gnu_properties: tuple[str, ...] = ()
    """Names of ``.note.gnu.property`` bits that we know, for example ``IBT``, ``SHSTK``."""
    symbolic: bool = False
    """``DF_SYMBOLIC``: it looks for its own definitions in itself first (``-Bsymbolic``)."""
    build_id: str = ""
    """``NT_GNU_BUILD_ID`` in hexadecimal; empty where the linker wrote none."""
    symbols: tuple[DynamicSymbol, ...] | None = None
    """None unless they were asked for."""
