"""Checks the loaded libraries against the needs of a package, and names who loaded an old one.

A loaded libstdc++ is judged by its functions, because its file may have been replaced since.
"""

from __future__ import annotations

import os
import sys

from cxx11_cuda_runtime import _baked, _dl, _load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cxx11_cuda_runtime._errors import CudartTooOldError, LibstdcxxTooOldError

IDLE = frozenset({"disabled", "unsupported"})
"""States in which the package does nothing and checks nothing."""


def require(*, glibcxx: str | None, cudart: str | None, openmp: bool, who: str, how: str) -> None:
    """Load what is missing, and raise if a loaded library is too old; see the package."""
    minor = parse_glibcxx(glibcxx) if glibcxx is not None else 0
    if cudart is not None:
        from cxx11_cuda_runtime import _cudart

        major, release = _cudart.parse_release(cudart)
    if how in IDLE:
        return
    if how == "unbuilt":
        _raise_unbuilt(who)
    if openmp:
        _load.load_openmp(who)
    if minor:
        check_libstdcxx(minor, who)
    if cudart is not None:
        _check_cudart(major, release, who)


def parse_glibcxx(text: str) -> int:
    """N of ``"3.4.N"``; `ValueError` for another form."""
    head, _, minor = text.rpartition(".")
    if head != "3.4" or not minor.isdecimal():
        raise ValueError(f"glibcxx={text!r}: expected a symbol version such as '3.4.30'")
    return int(minor)


def glibcxx_of(handle: int, path: str) -> int:
    """Number of the loaded libstdc++, by its functions, and by its file unless it was replaced."""
    proved = proved_glibcxx(handle, path)
    newest = _baked.MARKERS[0][0] if _baked.MARKERS else 0
    if path and (proved in {0, newest} or not _baked.MARKERS):
        from cxx11_cuda_runtime import _search

        if not _dl.is_deleted(path):
            return max(proved, _search.glibcxx_of_file(path))
    return proved


def proved_glibcxx(handle: int, path: str) -> int:
    """N of the newest marker function that a loaded libstdc++ has; 0 for none."""
    return next((n for n, name in _baked.MARKERS if _dl.has_function(handle, path, name)), 0)


def check_libstdcxx(minor: int, who: str) -> None:
    """Return if the libstdc++ of this process has ``GLIBCXX_3.4.minor``; else raise."""
    handle = _load.resident(_load.LIBSTDCXX)
    if handle is None:  # never loaded: CXXRT_CXX=system found no libstdc++
        _raise_unbuilt(who)
        return
    path = ""
    if handle == _dl.NO_HANDLE:
        path = next(iter(_dl.mapped_as(_load.LIBSTDCXX)), "")
    if proved_glibcxx(handle, path) >= minor:
        return
    path = _dl.path_of(handle, _load.LIBSTDCXX)
    found = glibcxx_of(handle, path)
    if found < minor:
        raise too_old(minor, found, path, who)


def too_old(minor: int, found: int, path: str, who: str) -> LibstdcxxTooOldError:
    """The error: who needs what, what is loaded, who loaded it, what helps."""
    from cxx11_cuda_runtime import _search
    from cxx11_cuda_runtime._blame.culprit import find_culprit
    from cxx11_cuda_runtime._blame.remedy import Situation, gcc_of, remedies
    from cxx11_cuda_runtime._errors import LibstdcxxTooOldError

    culprit = find_culprit(path, _load.LIBSTDCXX)
    prefixes = _search.conda_prefixes((sys.prefix, sys.base_prefix))
    situation = Situation(
        required=minor,
        vendored=_baked.GLIBCXX,
        path=path,
        culprit=culprit,
        ld_library_path=tuple(os.environ.get("LD_LIBRARY_PATH", "").split(":")),
        preload=f"{_load.LIB}{_load.LIBGCC_S}:{_load.LIB}{_load.LIBSTDCXX}",
        host=_embedding_program(),
        conda_prefix=next((p for p in prefixes if path.startswith(p + os.sep)), ""),
    )
    gcc = gcc_of(minor)
    needed = f"GLIBCXX_3.4.{minor}" + (f" (GCC {gcc} or newer)" if gcc else "")
    has = f"GLIBCXX_3.4.{found}" if found else "an unknown, older version"
    loader = "this package" if path.startswith(_load.LIB) else str(culprit)
    error = LibstdcxxTooOldError(
        f"{who} needs {needed}, but this process already uses {path} ({has}), loaded by {loader}. "
        "A second libstdc++ would corrupt iostreams and locales, so it was not loaded.",
        remedies(situation),
    )
    error.culprit = loader
    return error


def _embedding_program() -> str:
    """Path of the program, unless its name is that of a Python interpreter."""
    try:
        program = os.readlink("/proc/self/exe")
    except OSError:
        return ""
    return "" if os.path.basename(program).startswith(("python", "pypy")) else program


def _check_cudart(major: str, release: tuple[int, int] | None, who: str) -> None:
    from cxx11_cuda_runtime import _cudart

    handle, path = _cudart.load_cudart(major, release, who)
    if release is None:
        return
    symbol = _cudart.symbol_of(release)
    known = _baked.CUDART.get(major, ("", ()))[0]
    if known and _cudart.as_numbers(known) >= release:
        if not symbol or _dl.has_function(handle, path, symbol):
            return
    elif _cudart.reported_release(handle) >= release:
        return
    raise _cudart_too_old(major, release, symbol, who)


def _cudart_too_old(
    major: str, release: tuple[int, int], symbol: str, who: str
) -> CudartTooOldError:
    from cxx11_cuda_runtime import _cudart
    from cxx11_cuda_runtime._blame.culprit import find_culprit
    from cxx11_cuda_runtime._errors import CudartTooOldError

    soname = f"libcudart.so.{major}"
    handle = _load.resident(soname) or _dl.NO_HANDLE
    path = _dl.path_of(handle, soname)
    version = ".".join(map(str, _cudart.reported_release(handle)))
    first = _load.found_via.get(soname) == "already-loaded"
    by = f" was loaded first by {find_culprit(path, soname)}" if first else " is the one here"
    wanted = f"{release[0]}.{release[1]}"
    proof = f" ({symbol!r})" if symbol else ""
    return CudartTooOldError(
        f"{who} needs CUDA runtime {wanted} or newer{proof}, but {path} (CUDA {version}){by}.",
        [f"pip install -U '{_cudart.requirement(major, release)}'"]
        + (["'import cxx11_cuda_runtime' and require() before that package"] if first else []),
    )


def _raise_unbuilt(who: str) -> None:
    from cxx11_cuda_runtime._errors import UnbuiltError

    raise UnbuiltError(
        f"{who} needs the shared runtime, but {os.path.dirname(__file__)} carries no libraries.",
        [
            "pip install --force-reinstall cxx11-cuda-runtime, by pip 20.3 or newer",
            "build the wheel with 'cxxrt runtime build'",
        ],
    )
