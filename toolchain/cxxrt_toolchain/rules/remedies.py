"""Remedies that several rules give, and lists as people read them. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = "pip install cxx11-cuda-runtime"
ACTIVATE = "python -m cxx11_cuda_runtime activate"
ONE_OPENMP = "Install builds of these packages that use one OpenMP runtime"
COMPETING_THREADS = "If threads compete: threadpoolctl, or OMP_NUM_THREADS before Python starts"
_MOST = 6
_OLDEST_PYTHON = (3, 9)
"""That the runtime wheel's loader runs on."""


def libstdcxx_first(python: str, libstdcxx: str) -> str:
    """How to make one libstdc++ the first of a process.

    Args:
        python: The interpreter's version; empty where none is known.
        libstdcxx: Path of the one that is found there, for Pythons too old for the runtime wheel.
    """
    if not python or tuple(map(int, python.split(".")[:2])) >= _OLDEST_PYTHON:
        return f"{INSTALL} && {ACTIVATE}"
    return f"Start Python with LD_PRELOAD={libstdcxx or 'the path of a newer libstdc++.so.6'}"


def upgrade(name: str) -> str:
    """The command that brings a distribution up to date."""
    return f"pip install --upgrade {name}"


def counted(number: int, thing: str) -> str:
    """``1 symbol``, ``2 symbols``."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c and 4 more``."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) > 4:  # noqa: PLR2004 - what fits a line
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(lines: Sequence[str]) -> list[str]:
    """At most six lines; the last one says how many are left out."""
    if len(lines) <= _MOST:
        return list(lines)
    return [*lines[: _MOST - 1], f"and {len(lines) - _MOST + 1} more"]
