"""C++ symbols and capsule pointers that packages with different runtimes or string ABIs exchange.

Frozen values; `collect.interactions` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.traits import Traces


_STDCXX, _CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART


class Part(NamedTuple):
    """One object, as far as it matters here; a named tuple, because a process has hundreds."""

    path: str
    """What it is called in a finding."""
    place: str
    """Where it can be read."""
    name: str
    """What other objects need it by."""
    owner: str
    """The distribution that it is of, else its folder."""
    needed: tuple[str, ...]
    traces: Traces

    @property
    def uses_cxx(self) -> bool:
        """Whether it has a libstdc++, the process's or its own."""
        return _STDCXX in self.traces.hidden or any("libstdc++" in name for name in self.needed)

    @property
    def uses_cudart(self) -> bool:
        """Likewise for libcudart."""
        return _CUDART in self.traces.hidden or any("libcudart" in name for name in self.needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """C++ symbols that one object takes from another's."""

    user: Part
    provider: Part
    symbols: tuple[str, ...]
    """Mangled, sorted."""
    kernels: tuple[str, ...] = ()
    """Those that are CUDA kernels of the provider; looked for only where one hides a libcudart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A pointer that one object puts into a capsule and another takes out."""

    maker: Part
    opener: Part
    name: str
    """The capsule's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meetings:
    """Everything of the kind."""

    parts: tuple[Part, ...] = ()
    """Those that the rules compare, in the order in which they were given."""
    crossings: tuple[Crossing, ...] = ()
    handovers: tuple[Handover, ...] = ()


NO_MEETINGS = Meetings()


def differ_in_libstdcxx(one: Part, other: Part) -> bool:
    """Whether two objects that use C++ do not use one libstdc++."""
    hidden = _STDCXX in one.traces.hidden or _STDCXX in other.traces.hidden
    return hidden and one.uses_cxx and other.uses_cxx


def differ_in_strings(one: Part, other: Part) -> bool:
    """Whether one was compiled with the old ``std::string`` and the other with the new."""
    return {one.traces.strings, other.traces.strings} == {"old", "new"}


def differ_in_cudart(one: Part, other: Part) -> bool:
    """Whether two objects that use CUDA do not use one libcudart."""
    hidden = _CUDART in one.traces.hidden or _CUDART in other.traces.hidden
    return hidden and one.uses_cudart and other.uses_cudart
