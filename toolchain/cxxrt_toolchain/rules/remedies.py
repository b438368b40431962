"""Remedies, sentences and findings that several rules give."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import LIBSTDCXX
from cxxrt_toolchain.facts.imports.trials import ROOM_FOR_TLS, Change
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.rules.rule import Finding, error, note
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from typing_extensions import Self

    from cxxrt_toolchain.facts.interactions import CapsulePointer, Crossing
    from cxxrt_toolchain.facts.wheel import UnreadableObject

Scene = EnvironmentFacts | ProcessView
BOTH = (EnvironmentFacts, ProcessView)
INSTALL = "pip install cxx11-cuda-runtime"
ACTIVATE = "python -m cxx11_cuda_runtime activate"
RUN = "python -m cxx11_cuda_runtime run SCRIPT.py"
ONE_OPENMP = "Install builds of these packages that use one OpenMP runtime"
COMPETING_THREADS = "If threads compete: threadpoolctl, or OMP_NUM_THREADS before Python starts"
_VENDORED_CUDART = (12, 13)
"""The CUDA majors whose libcudart is in the runtime wheel."""
_SUFFIXED = 12
"""The last CUDA major that NVIDIA's wheels have in their names."""
_TUNABLE_TLS = (2, 32)
_OLDEST_PYTHON = (3, 9)
"""The oldest Python of the runtime wheel's loader."""


class Remedy(str):
    """A remedy that a trial of the imports can show to work, or not."""

    __slots__ = ("change", "module")
    change: Change
    module: str
    """For `Change.ORDER`: the module or distribution that is to come first; empty for any."""

    def __new__(cls, text: str, change: Change, module: str = "") -> Self:
        """The text, with what a trial has to change to test it."""
        self = super().__new__(cls, text)
        self.change, self.module = change, module
        return self


def without(variable: str, what: str) -> str:
    """What takes a library or folder out of a variable, or out of the preload file."""
    remove = f"emove {what} from"
    return f"R{remove} {variable}" if "/" in variable else f"Unset {variable}, or r{remove} it"


def more_static_tls(glibc: str, library: str, size: int) -> tuple[Remedy, ...]:
    """What makes room for a library's static TLS: a tunable since glibc 2.32, or an early start."""
    room = Remedy(f"Start Python with {ROOM_FOR_TLS.format(size)}", Change.TUNABLE)
    early = Remedy(f"Start Python with LD_PRELOAD={library}", Change.PRELOAD)
    return (early,) if version_tuple(glibc or "0") < _TUNABLE_TLS else (room, early)


def runtime_first(scene: Scene) -> tuple[str, ...]:
    """The command that loads one new libstdc++ before everything else (M1, M2 and M3).

    Empty if the runtime wheel does so already. A libstdc++ that is there before Python starts can
    be preceded by ``LD_PRELOAD`` only, as can that of a program that is not Python, and that of a
    Python that is too old for the runtime wheel.
    """
    install = "" if scene.has_runtime else f"{INSTALL} && "
    if isinstance(scene, EnvironmentFacts) and scene.packed:
        newer = f"replace {scene.packed}/{LIBSTDCXX} by that of a newer GCC"
        return (f"{newer}, or remove it, if the machine's is newer",)
    if isinstance(scene, ProcessView) and scene.host:
        return (Remedy(_for_program(scene), Change.RUNTIME),)
    if _is_too_old(scene):
        found = scene.libstdcxx or "the path of a newer libstdc++.so.6"
        return (Remedy(f"Start Python with LD_PRELOAD={found}", Change.RUNTIME),)
    if scene.early_libstdcxx and scene.early_libstdcxx != getattr(scene, "runtime_library", ""):
        return (Remedy(f"{install}{RUN}", Change.RUNTIME),)
    return () if scene.activated else (Remedy(f"{install}{ACTIVATE}", Change.RUNTIME),)


def _is_too_old(scene: Scene) -> bool:
    """Whether its Python cannot import the runtime wheel."""
    return bool(scene.python) and version_tuple(scene.python)[:2] < _OLDEST_PYTHON


def _for_program(view: ProcessView) -> str:
    """What helps a program that embeds Python, or that was packed with it."""
    first = next((e for e in view.libraries if e.soname == LIBSTDCXX), None)
    if "/_MEI" in view.frozen:  # unpacked for this run only
        newer = f"--add-binary FOLDER/{LIBSTDCXX}:."
        return f"pack {view.host} again with that of a newer GCC, as by pyinstaller {newer}"
    if view.frozen and first is not None and first.path.startswith(f"{view.frozen}/"):
        return (
            f"replace {first.path} by that of a newer GCC, or remove it, if the machine's is newer"
        )
    library, before = view.runtime_library, ""
    if not library:
        library = "/opt/cxxrt/cxx11_cuda_runtime/lib/libstdc++.so.6"
        before = f"{INSTALL} --target /opt/cxxrt, then "
    gcc = f"{library.rpartition('/')[0]}/libgcc_s.so.1"
    return f"{before}start {view.host} with LD_PRELOAD={gcc}:{library}"


def imported_before(first: str, second: str) -> Remedy:
    """The remedy of another order, of modules or distributions."""
    return Remedy(f"import {first} before {second}", Change.ORDER, first)


def loaded_by_path(library: str) -> Remedy:
    """The remedy of an installed library that nothing leads to."""
    load = f"in code: ctypes.CDLL({library!r}, ctypes.RTLD_GLOBAL) before the import"
    return Remedy(load, Change.LIBRARY)


def cudart_first(scene: Scene, major: int, *, installed: str) -> tuple[str, ...]:
    """Commands that let the loader find a libcudart for those that have no way to it.

    `installed` is the path of that libcudart, in whatever wheel; empty for none.
    """
    theirs = f"nvidia-cuda-runtime-cu{major}" if major <= _SUFFIXED else "nvidia-cuda-runtime"
    if _is_too_old(scene):
        folder = installed.rpartition("/")[0] or f"the folder of libcudart.so.{major}"
        variable = f"Start Python with LD_LIBRARY_PATH={folder}"
        return (variable,) if installed else (f"pip install {theirs}", variable)
    wanted = [] if scene.has_runtime else [RUNTIME_DISTRIBUTION]
    if not installed and major not in _VENDORED_CUDART:
        wanted.append(theirs)
    install = f"pip install {' '.join(wanted)}" if wanted else ""
    return (
        Remedy(f"{install and f'{install} && '}{ACTIVATE} --cudart {major}", Change.LIBRARY),
        Remedy(
            f"{install and f'{install}, and '}"
            f'in code: cxx11_cuda_runtime.require(cudart="{major}") before the import',
            Change.LIBRARY,
        ),
    )


UNREADABLE = "Unreadable ELF file"


def unreadable_file(
    broken: UnreadableObject, needed: Collection[str], machines: Collection[str]
) -> Finding:
    """W5 about one file: an error where somebody loads it; the arguments are `is_loaded`'s."""
    if broken.is_loaded(needed, machines):
        return error(f"cannot be read: {broken.reason}")
    return note(f"begins like an ELF file, but nothing loads it as one: {broken.reason}")


def repaired(scene: Scene, name: str) -> str:
    """Commands that download, repair and reinstall the wheel of an installed distribution."""
    return repaired_wheel(name, scene.version_of(name))


def repaired_wheel(name: str, version: str) -> str:
    """As `repaired`, for a distribution of which nothing is loaded; the version may be empty."""
    pinned = f"{name}=={version}" if version else name
    return (
        f"pip download --no-deps -d original {pinned} && cxxrt repair -w fixed original/*.whl "
        f"&& pip install --force-reinstall --no-deps fixed/*.whl && {INSTALL}"
    )


def reinstall(name: str, version: str) -> str:
    """The command that installs the same release of a distribution again; its version is known.

    Without the version pip takes the newest release, and leaves what that requires unchanged.
    """
    return f"pip install --force-reinstall --no-deps {name}=={version}"


def newer_runtime(soname: str, node: str) -> str:
    """What replaces a runtime that lacks a symbol version: a release that has it, if one is known.

    The tables are read only here: reading them takes longer than judging an environment.
    """
    from cxxrt_toolchain.abi.bounds import is_published
    from cxxrt_toolchain.abi.symbols import load_symbol_tables

    if is_published(load_symbol_tables(), soname, node):
        return upgrade(RUNTIME_DISTRIBUTION)
    return (
        f"No known release of the runtime has {node}: build one that has ('cxxrt runtime list' "
        "names the recipes), or take the library of the compiler that built the package"
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
