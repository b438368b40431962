"""Remedies that several rules give. Text only."""

from __future__ import annotations

INSTALL = "pip install cxx11-cuda-runtime"
ACTIVATE = "python -m cxx11_cuda_runtime activate"
ONE_OPENMP = "Install builds of these packages that use one OpenMP runtime"
COMPETING_THREADS = "If threads compete: threadpoolctl, or OMP_NUM_THREADS before Python starts"
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
