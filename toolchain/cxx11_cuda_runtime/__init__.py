"""One shared libstdc++ and libcudart for every native wheel of this process.

Importing the package makes one libstdc++ (and its libgcc_s) serve the whole process: the loaded one
if there is one, else the newest of the vendored copy, conda's, those on ``LD_LIBRARY_PATH`` and the
system's. Its symbols become global, so that private copies that are loaded later bind to it. The
package never loads a second libstdc++.
"""

# This file is the hot path. Another module costs a quarter of loading both libraries, ``_ctypes``
# half (tests/bench/loader_cost.py): in the wheel, the text of ``_short`` is in place of `_serve`.
# The short way opens ``_anchor.so``, which only needs the two libraries (runtime/anchor.py): the
# linker takes the loaded ones, whatever their files are called, else those beside it, and makes
# them global. ``_imp.create_dynamic`` is ``dlopen(path, sys.getdlopenflags())`` and a look for
# ``PyInit_…``, whose absence it reports after the library is loaded (Python/dynload_shlib.c), done
# where no second thread can see the changed flags. All else goes through ``_load``.

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from cxx11_cuda_runtime._diagnosis import Diagnosis, LoadedLibrary
    from cxx11_cuda_runtime._errors import (
        CudartNotFoundError,
        CudartTooOldError,
        LibraryLoadError,
        LibstdcxxTooOldError,
        OpenmpNotFoundError,
        ProviderMismatchError,
        ProviderNotFoundError,
        RuntimeLoadError,
        SubinterpreterError,
        UnbuiltError,
    )

__all__ = [
    "CudartNotFoundError",
    "CudartTooOldError",
    "LibraryLoadError",
    "LibstdcxxTooOldError",
    "LoadedLibrary",
    "OpenmpNotFoundError",
    "ProviderMismatchError",
    "ProviderNotFoundError",
    "RuntimeLoadError",
    "SubinterpreterError",
    "UnbuiltError",
    "diagnose",
    "load",
    "loaded",
    "require",
]

_NOW, _NOLOAD, _NOW_GLOBAL = 0x2, 0x4, 0x102  # RTLD_ of x86_64 and aarch64
_HERE = os.path.dirname(__file__)
_LIB = _HERE + "/lib/"
_LIBSTDCXX = "libstdc++.so.6"
_VENDORED = 0
"""N of the vendored ``GLIBCXX_3.4.N``; 0 if nothing is built."""
_WHOLE: "tuple[tuple[str, int, tuple[tuple[int, bytes], ...]], ...]" = ()
"""The files that the short way loads: path, size, samples. The assembler fills in both."""

_how = ""
"""How libstdc++ was found: a ``FoundVia``, or a state in which the package does nothing."""
_found_via: "dict[str, str]" = {}
"""The same of the other libraries, by SONAME."""


def load() -> None:
    """Load libgcc_s and libstdc++, which importing the package has done: further calls do nothing.

    Raises:
        LibraryLoadError: The vendored library cannot be loaded; the message says why.
    """
    global _how  # noqa: PLW0603 - one process, one answer
    if not _how:
        _how = _short_way()
    if not _how:
        from cxx11_cuda_runtime import _load

        _how = _load.load_cxx()


def require(
    *,
    glibcxx: "str | None" = None,
    cudart: "str | None" = None,
    openmp: bool = False,
    libraries: "Sequence[Mapping[str, Any]]" = (),
    who: str = "this package",
) -> None:
    """Check the loaded libraries against the needs of a native package, before its import.

    Args:
        glibcxx: Newest symbol version needed from libstdc++, for example ``"3.4.30"``.
        cudart: Oldest sufficient CUDA runtime, ``"12.9"``; ``"12"`` is any 12.x. It is loaded if
            no libcudart of that major is.
        openmp: Whether libgomp is needed; it is loaded if no libgomp is.
        libraries: Rows of libraries that other distributions bring, as the build writes them; each
            is loaded if no library of its SONAME is.
        who: Name of the calling distribution, for the message.

    Raises:
        RuntimeLoadError: One of its subclasses, an ``ImportError``; the message names the culprit.
        ValueError: A version or a row has another form.
    """
    if (
        _how != "vendored"
        or not _vendored_has(glibcxx)
        or not ((cudart is None and not openmp) or _serve(cudart, openmp))
    ):
        from cxx11_cuda_runtime import _require

        _require.require(glibcxx=glibcxx, cudart=cudart, openmp=openmp, who=who, how=_how)
    if libraries and _how not in {"disabled", "unsupported"}:
        _quickly("_provider").require(libraries, who)


def loaded() -> "tuple[LoadedLibrary, ...]":
    """The runtime libraries of this process, as the dynamic linker lists them."""
    from cxx11_cuda_runtime import _loaded

    return _loaded.loaded(_how)


def diagnose() -> "Diagnosis":
    """The loaded runtimes of this process, what is wrong with them, and what helps."""
    from cxx11_cuda_runtime._doctor.process import diagnose

    return diagnose(_how)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cxx11_cuda_runtime import _diagnosis, _errors

    return getattr(_diagnosis if name == "LoadedLibrary" else _errors, name)


def _quickly(submodule: str) -> "Any":  # noqa: ANN401 - as importlib.import_module
    """Import a submodule without the finder of the package, whose set-up costs as much again."""
    name, path = f"{__name__}.{submodule}", f"{_HERE}/{submodule}.py"
    module = sys.modules.get(name)
    loader: Any = type(__spec__.loader)
    if module is None and loader.__name__ == "SourceFileLoader":
        module = type(sys)(name)
        module.__file__ = path
        loader(name, path).exec_module(module)
        module = sys.modules.setdefault(name, module)  # in one step: two threads may be here
    return module or __import__(name, fromlist=["*"])


def _vendored_has(glibcxx: "str | None") -> bool:
    head, _, minor = ("3.4.0" if glibcxx is None else glibcxx).rpartition(".")
    return head == "3.4" and minor.isdecimal() and int(minor) <= _VENDORED


def _serve(cudart: "str | None", openmp: bool) -> bool:
    return bool(_quickly("_short")._serve(cudart, openmp))  # noqa: SLF001 - of this package


def _short_way() -> str:
    """Load or promote libstdc++ without another module; "" if that takes the long way."""
    environ = os.environ
    steered = "CXXRT_DISABLE" in environ or "CXXRT_CXX" in environ or "CXXRT_DEBUG" in environ
    if steered and not sys.flags.ignore_environment:  # python -I and -E follow no variable
        return ""
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        return ""
    ctypes = sys.modules.get("_ctypes")
    if ctypes is not None:
        try:
            ctypes.dlopen(_LIBSTDCXX, _NOW_GLOBAL | _NOLOAD)
        except OSError:
            return ""
        return "already-loaded"
    if not _anchor_may_decide() or not _dlopen(_HERE + "/_anchor.so", _NOW_GLOBAL):
        return ""
    return "vendored" if _dlopen(_LIB + _LIBSTDCXX, _NOW_GLOBAL | _NOLOAD) else "already-loaded"


def _anchor_may_decide() -> bool:
    """Whether opening the anchor is safe and has the result of the long way."""
    try:
        # The kernel counts a process's threads as links of its task folder, beyond "." and "..".
        # sys._current_frames would not do: in a subinterpreter of 3.13 it corrupts memory.
        if os.stat("/proc/self/task").st_nlink != 2 + 1 or not os.confstr("CS_GNU_LIBC_VERSION"):
            return False
        for path, size, samples in _WHOLE:
            if not _is_intact(_HERE + path, size, samples):
                return False
        return _vendored_is_newest()
    except (OSError, ValueError):  # ValueError: musl's confstr
        return False


def _is_intact(path: str, size: int, samples: "tuple[tuple[int, bytes], ...]") -> bool:
    """Whether a file has its size, no hole, and at some places the content that it should have.

    The dynamic linker maps a file that was cut short or lost blocks in a power cut, and the first
    access kills the process. What a file system had not written yet is a hole to ``SEEK_HOLE``; the
    end of the file is one, too, so that the first of all is at its size. A disk may lose what it
    had said to have written: so a few samples, of which each takes some 2 us. `OSError` where
    nothing can be read.
    """
    # O_NONBLOCK: in place of the file there may be a FIFO.
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if os.lseek(file, 0, os.SEEK_HOLE) != size:
            return False
        for at, content in samples:
            if os.pread(file, 8, at) != content:
                return False
    finally:
        os.close(file)
    return True


def _vendored_is_newest() -> bool:
    """Whether no libstdc++ outside the wheel can be newer; False if it takes a longer search."""
    if os.environ.get("LD_LIBRARY_PATH") or os.access(sys.base_prefix + "/conda-meta", os.F_OK):
        return False
    file = os.open("/etc/ld.so.cache", os.O_RDONLY | os.O_CLOEXEC)
    try:
        # In blocks, because page faults of a large buffer are most of the cost; they overlap,
        # because a path may lie across two of them.
        at = start = 0
        while block := os.pread(file, (1 << 13) + 1024, at):
            end = block.find(b"/libstdc++.so.6\0", start)
            while end >= 0:
                path = block[block.rfind(b"\0", 0, end) + 1 : end + 15]
                minor = os.readlink(path).rpartition(b".so.6.0.")[2]
                if not minor.isdigit() or int(minor) > _VENDORED:
                    return False
                end = block.find(b"/libstdc++.so.6\0", end + 1)
            at, start = at + (1 << 13), 1024 - 16
    finally:
        os.close(file)
    return True


def _is_whole(path: str) -> bool:
    """Whether a file is as long as its section headers, its last part, require.

    The dynamic linker maps a truncated file, and the first access kills the process; it waits for
    the writer of a FIFO. True for a file that it reports itself: not there, or not ELF.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        found = os.fstat(file)
        if found.st_mode & 0o170000 != 0o100000:  # noqa: PLR2004 - S_ISREG, without an import
            return False
        head = os.read(file, 64)
        headers = int.from_bytes(head[40:48], "little")
        length = int.from_bytes(head[58:60], "little") * int.from_bytes(head[60:62], "little")
        is_elf = head[:4] == b"\x7fELF"
        return bool(head) and (not is_elf or headers + length <= found.st_size)
    finally:
        os.close(file)


def _import_folders() -> "list[str]":
    """The folders of sys.path without the working one, in which anybody may have put a file."""
    try:
        working = os.getcwd()
    except OSError:  # it was deleted
        working = ""
    return [folder for folder in sys.path if folder[:1] == "/" and folder != working]


def _dlopen(path: str, mode: int) -> bool:
    """``dlopen`` without ``_ctypes``; True if the library is loaded now."""
    import _imp

    spec = type(__spec__)(__name__, None, origin=path)
    flags = sys.getdlopenflags()
    sys.setdlopenflags(mode)
    try:
        _imp.create_dynamic(spec)
    except ImportError as error:
        return str(error).startswith("dynamic module does not define")
    finally:
        sys.setdlopenflags(flags)
    return False


try:
    load()
except ImportError:
    from cxx11_cuda_runtime._errors import is_own_command

    if not is_own_command():
        raise
