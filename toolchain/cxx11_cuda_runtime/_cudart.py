"""Selects the libcudart of this process (cases C1 to C4) and determines its release.

libcudart has one version node per major (``libcudart.so.12``), so the dynamic linker does not
detect a minor that is too old; a function that is new in a release does. From 13.1 on
libcudart.so.13 needs libstdc++.so.6, which must be loaded first; importing this package does that.
"""

from __future__ import annotations

import os
import sys
import warnings

from cxx11_cuda_runtime import _baked, _dl, _load, _search
from cxx11_cuda_runtime._errors import CudartNotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOOLKIT_VARIABLES = ("CUDA_HOME", "CUDA_PATH")
_LAST_SUFFIXED = 12
"""The last CUDA major that NVIDIA's wheels have in their names."""
_PASSED_OVER = "CXXRT-L009"
"""The rule of this module's warning."""


def __getattr__(name: str) -> Callable[[], None]:
    """``load_12`` for a start-up hook, which can name only functions without arguments."""
    major = name[len("load_") :]
    if not name.startswith("load_") or not major.isdecimal():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cxx11_cuda_runtime import require

    return lambda: require(cudart=major, who="the start-up hook")


def parse_release(text: str) -> tuple[str, tuple[int, int] | None]:
    """Split ``"12.9"`` into major and release; the release of ``"12"`` is None; else ValueError."""
    major, dot, minor = text.partition(".")
    if not major.isdecimal() or (dot and not minor.isdecimal()):
        raise ValueError(f"cudart={text!r}: expected a CUDA release such as '12.9', or '12'")
    return major, (int(major), int(minor)) if dot else None


def as_numbers(release: str) -> tuple[int, int]:
    """A release as numbers, so that ``"12.10"`` comes after ``"12.9"``."""
    major, _, minor = release.partition(".")
    return int(major), int(minor or 0)


def symbol_of(release: tuple[int, int]) -> str:
    """The function that proves a release; "" if every release of the major is sufficient.

    A release without new functions is proved by the newest earlier release that has one: no
    program can be linked against a difference between the two.
    """
    rows = _baked.CUDART.get(str(release[0]), ("", ()))[1]
    return next((symbol for name, symbol in rows if as_numbers(name) <= release), "")


def load_cudart(major: str, release: tuple[int, int] | None, who: str) -> tuple[int, str]:
    """Find libcudart in the process, or load it: its handle, and its path ("" if loaded already).

    `CudartNotFoundError`: no libcudart of the major was found; `LibraryLoadError`: the selected
    file cannot be loaded.
    """
    soname = f"libcudart.so.{major}"
    with _load.lock:
        handle = _load.resident(soname)
        if handle is not None:
            _load.found_via.setdefault(soname, "already-loaded")
            return handle, ""
        looked: list[str] = []
        for how, path in _choices(major, release, looked):
            _load.debug(f"{soname}: loading {path} ({how})")
            try:
                handle = _dl.open_library(path)
            except OSError as error:
                if how != "system":
                    raise _load.explained(path, str(error)) from None
                looked.append(f"{path} ({error})")
            else:
                _load.found_via[soname] = how
                return handle, path
        raise CudartNotFoundError(
            f"{who} needs {soname}, and it was not found. "
            f"Looked in: {', '.join(looked) or 'nothing'}.",
            [f"pip install '{requirement(major, release)}'"],
        )


def _choices(
    major: str, release: tuple[int, int] | None, looked: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield (found via, path) of the files to load, best first; add missing files to ``looked``."""
    soname = f"libcudart.so.{major}"
    choice = _load.setting("CXXRT_CUDART") or "auto"
    if "/" in choice:
        yield "override", choice
    files = []
    if choice in {"auto", "nvidia"} and (path := _nvidia_file(major, looked)):
        files.append(("nvidia-wheel", path))
    if choice == "auto":
        folders = [p + "/lib" for p in _search.conda_prefixes((sys.prefix, sys.base_prefix))]
        files += _existing("conda", folders, soname, looked)
    if choice in {"auto", "vendored"} and major in _baked.CUDART:
        files.append(("vendored", _load.LIB + soname))
    yield from _new_enough(files, major, release)
    if choice == "system":
        roots = [os.environ.get(name, "") for name in _TOOLKIT_VARIABLES]
        folders = [root + "/lib64" for root in roots if os.path.isabs(root)]
        yield from _existing("system", folders, soname, looked)
    if choice in {"auto", "system"}:
        yield "system", soname


def _existing(
    how: str, folders: list[str], soname: str, looked: list[str]
) -> Iterator[tuple[str, str]]:
    for folder in folders:
        path = os.path.join(folder, soname)
        if os.path.exists(path):
            yield how, path
        looked.append(path)


def _nvidia_file(major: str, looked: list[str]) -> str:
    """The file of NVIDIA's wheel, which torch and cuda-pathfinder open as well; "" for none."""
    parent = os.path.dirname(os.path.dirname(_load.LIB[:-1]))
    for path in _search.nvidia_wheel_places(major, parent):
        if os.path.exists(path):
            return path
        looked.append(path)
    return ""


def _new_enough(
    files: list[tuple[str, str]], major: str, release: tuple[int, int] | None
) -> list[tuple[str, str]]:
    """The files without those that are too old for the calling package if ours is not; warns."""
    symbol = symbol_of(release) if release else ""
    if not release or not symbol or as_numbers(_baked.CUDART[major][0]) < release:
        return files
    proof = b"\0" + symbol.encode() + b"\0"
    good = [row for row in files if row[0] == "vendored" or _dl.file_contains(row[1], proof)]
    if good[:1] == files[:1] or not good:
        return good or files
    taken = "cxx11-cuda-runtime's" if good[0][0] == "vendored" else good[0][1]
    warnings.warn(
        f"{files[0][1]} is older than CUDA {release[0]}.{release[1]}: taking {taken}"
        f" [{_PASSED_OVER}]",
        RuntimeWarning,
        stacklevel=2,
    )
    return good


def requirement(major: str, release: tuple[int, int] | None) -> str:
    """The requirement on NVIDIA's libcudart of this major and release."""
    suffixed = int(major) <= _LAST_SUFFIXED
    name = "nvidia-cuda-runtime" + (f"-cu{major}" if suffixed else "")
    if release is None:
        return f"{name}=={major}.*"
    below = "" if suffixed else f",<{int(major) + 1}"
    return f"{name}>={release[0]}.{release[1]}{below}"


def reported_release(handle: int) -> tuple[int, int]:
    """The loaded libcudart's release, asked without a device; ``(0, 0)`` for a stub without one."""
    if handle == _dl.NO_HANDLE:
        return 0, 0
    import ctypes

    number = ctypes.c_int()
    ask = getattr(ctypes.CDLL(None, handle=handle), "cudaRuntimeGetVersion", None)
    if ask is None or ask(ctypes.byref(number)) != 0:
        return 0, 0
    return number.value // 1000, number.value % 1000 // 10
