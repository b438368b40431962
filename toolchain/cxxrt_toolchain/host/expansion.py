"""Put the runtime ABI's tags into an installer's list; stands alone, Python 3.7 and later.

Sections 6 and 7 of the tag specification (sentences S-1, S-3, S-9, S-10, O-1, O-4, O-8); which
runtime ABIs there are, and in what order, ``host.supported`` says. This file is also loaded by its
path into the interpreter that runs pip, so it imports the standard library only, in the syntax of
Python 3.7.
"""

from __future__ import annotations

import itertools
import re

TYPE_CHECKING = False  # importing typing costs more than the expansion
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol, TypeVar

    class TagLike(Protocol):
        """What ``packaging``'s tags, vendored or not, have in common."""

        def __init__(self, interpreter: str, abi: str, platform: str) -> None: ...
        @property
        def interpreter(self) -> str:
            """The Python tag."""

        @property
        def abi(self) -> str:
            """The ABI tag."""

        @property
        def platform(self) -> str:
            """The platform tag."""

    AnyTag = TypeVar("AnyTag", bound=TagLike)
    Row = tuple[str, bool, tuple[int, int], frozenset[str]]

_PLATFORM = re.compile(r"manylinux_([0-9]+)_([0-9]+)_(.+)")
_BASE_ABI = re.compile(r"(?!cu|cxxrt)[a-z][a-z0-9]*(?:_(?!cxxrt)[a-z0-9]+)*")  # T-4


def expand(base: Iterable[AnyTag], rows: Sequence[Row]) -> list[AnyTag]:
    """Place the runtime ABI's tags around each run of tags with one Python tag and one ABI.

    Args:
        base: Objects with ``interpreter``, ``abi`` and ``platform``, and a class that takes them;
            they keep their order, and no tag comes twice.
        rows: In order of preference: the runtime ABI, whether it goes behind the run, the
            smallest glibc and the architectures of its platforms.
    """
    base = list(base)
    if not all(tag.interpreter.startswith(("cp", "py")) for tag in base):
        rows = ()  # PyPy, GraalPy (S-10)
    own = set(base)  # a base tag that carries a runtime ABI keeps its place (S-8, O-8)
    expanded: list[AnyTag] = []
    eligible: dict[tuple[str, ...], list[tuple[str, bool, list[str]]]] = {}
    for (interpreter, abi), run in itertools.groupby(base, key=_python_and_abi):
        tags = list(run)
        if _BASE_ABI.fullmatch(abi) is None:  # it has a runtime ABI, or cannot carry one (S-9)
            expanded += tags
            continue
        platforms = tuple(tag.platform for tag in tags)
        if platforms not in eligible:  # the same few platform lists recur in most runs
            eligible[platforms] = [
                (runtime, behind, _eligible(platforms, floor, architectures))
                for runtime, behind, floor, architectures in rows
            ]
        make = type(tags[0])
        around: tuple[list[AnyTag], list[AnyTag]] = ([], [])
        for runtime, behind, chosen in eligible[platforms]:
            made = [make(interpreter, runtime + "_" + abi, each) for each in chosen]
            around[behind].extend([tag for tag in made if tag not in own])
        expanded += around[0] + tags + around[1]
    return list(dict.fromkeys(expanded))


def _python_and_abi(tag: AnyTag) -> tuple[str, str]:
    return tag.interpreter, tag.abi


def _eligible(
    platforms: Iterable[str], floor: tuple[int, int], architectures: frozenset[str]
) -> list[str]:
    matches = [match for match in map(_PLATFORM.fullmatch, platforms) if match]
    return [
        match.group(0)
        for match in matches
        if match.group(3) in architectures and (int(match.group(1)), int(match.group(2))) >= floor
    ]
