"""Remedies and sentences that several rules give. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cxxrt_toolchain.facts.interactions import CapsulePointer, Crossing

Scene = EnvironmentFacts | ProcessView
BOTH = (EnvironmentFacts, ProcessView)
INSTALL = "pip install cxx11-cuda-runtime"
ACTIVATE = "python -m cxx11_cuda_runtime activate"
ONE_OPENMP = "Install builds of these packages that use one OpenMP runtime"
COMPETING_THREADS = "If threads compete: threadpoolctl, or OMP_NUM_THREADS before Python starts"
SHARED_LIBGOMP = "cxx11_cuda_runtime.require(openmp=True) before the packages that bring them"
_OLDEST_PYTHON = (3, 9)
"""The oldest Python of the runtime wheel's loader."""


def runtime_first(scene: Scene) -> tuple[str, ...]:
    """The command that loads one new libstdc++ before everything else (M1, M2 and M3).

    Empty if the runtime wheel is activated already. A Python that is too old for the runtime wheel
    gets LD_PRELOAD instead.
    """
    if scene.activated:
        return ()
    if scene.has_runtime:
        return (ACTIVATE,)
    if not scene.python or tuple(map(int, scene.python.split(".")[:2])) >= _OLDEST_PYTHON:
        return (f"{INSTALL} && {ACTIVATE}",)
    found = scene.libstdcxx or "the path of a newer libstdc++.so.6"
    return (f"Start Python with LD_PRELOAD={found}",)


def repaired(scene: Scene, name: str) -> str:
    """Commands that download, repair and reinstall the wheel of an installed distribution."""
    version = scene.version_of(name)
    pinned = f"{name}=={version}" if version else name
    return (
        f"pip download --no-deps -d original {pinned} && cxxrt repair -w fixed original/*.whl "
        "&& pip install --force-reinstall --no-deps fixed/*.whl"
    )


def upgrade(name: str) -> str:
    """The command that installs the newest release of a distribution."""
    return f"pip install --upgrade {name}"


def rebuilt(owners: Collection[str], how: str) -> str:
    """The remedy of a new build of some distributions."""
    return f"rebuild {listed(sorted(owners))}: {how}, as the build backend of cxxrt-toolchain does"


def crossing_symbols(crossings: Iterable[Crossing]) -> tuple[str, ...]:
    """Sentences that say which symbols cross, at most two."""
    return tuple(
        f"{each.user.path} takes {each.symbols[0]}"
        + (f" and {len(each.symbols) - 1} more" if len(each.symbols) > 1 else "")
        + f" from {each.provider.path}"
        for each in (*crossings,)[:2]
    )


def capsule_pointers(capsules: Iterable[CapsulePointer]) -> tuple[str, ...]:
    """Sentences that say which pointers pass through capsules, at most five."""
    return tuple(
        f"{each.opener.path} takes a pointer out of the capsule {each.name!r} of {each.maker.path}"
        for each in (*capsules,)[:5]
    )
