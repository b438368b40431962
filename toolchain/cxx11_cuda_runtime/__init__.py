"""One shared libstdc++ and libcudart for every native wheel of this process.

Importing the package makes one libstdc++ (and its libgcc_s) serve the whole process: the one that
is loaded already if there is one, else the newest of the vendored copy, conda's, those on
``LD_LIBRARY_PATH`` and the system's. Its symbols become global, so that private copies which come
later bind to it. A second libstdc++ is never loaded.

This file is the hot path: it is all that a plain start reads. Another module in the package costs
a quarter of loading the two libraries, ``_ctypes`` nearly half of it (tests/bench/loader_cost.py).
So there is a short way that needs no ``_ctypes``: ``_imp.create_dynamic`` is ``dlopen(path,
sys.getdlopenflags())`` followed by a look for ``PyInit_…``, whose absence it reports after the
library is loaded (Python/dynload_shlib.c, the same from 3.9 to 3.14). It cannot ask for a SONAME,
because a name without a slash gets ``./`` in front; so the short way is taken only where
/proc/self/maps shows nothing beyond the interpreter's own libraries (then no libstdc++ can be
loaded under any name) and where no second thread could see the changed flags. Everything else goes
through ``_load``, which asks the dynamic linker itself.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cxx11_cuda_runtime._diagnosis import Diagnosis
    from cxx11_cuda_runtime._errors import (
        CudartNotFoundError,
        CudartTooOldError,
        LibraryLoadError,
        LibstdcxxTooOldError,
        OpenmpNotFoundError,
        RuntimeLoadError,
        SubinterpreterError,
        UnbuiltError,
    )
    from cxx11_cuda_runtime._values import LoadedLibrary

__all__ = [
    "CudartNotFoundError",
    "CudartTooOldError",
    "LibraryLoadError",
    "LibstdcxxTooOldError",
    "LoadedLibrary",
    "OpenmpNotFoundError",
    "RuntimeLoadError",
    "SubinterpreterError",
    "UnbuiltError",
    "diagnose",
    "load",
    "loaded",
    "require",
]

_NOW_GLOBAL = 0x102
"""``RTLD_NOW | RTLD_GLOBAL`` on x86_64 and aarch64."""
_NOLOAD = 0x4
_HERE = os.path.dirname(__file__) + "/"
_LIB = _HERE + "lib/"
_LIBSTDCXX = "libstdc++.so.6"
_INTERPRETER_OWN = frozenset(
    b"ld libc libm libdl libpthread librt libutil libcrypt libpython3 libz libexpat".split()
)
"""Stems of the libraries that a bare interpreter maps; anything else needs the exact question."""

_how = ""
"""How this process came by its libstdc++: a ``FoundVia``, or a state in which we do nothing."""


def load() -> None:
    """Load libgcc_s and libstdc++; the import of the package has done it already.

    Exists for start-up hooks and for code that wants to say it. Does nothing the second time.

    Raises:
        LibraryLoadError: The vendored library cannot be loaded; the message says why.
    """
    global _how  # noqa: PLW0603 - one process, one answer
    if not _how:
        _how = _short_way() or _long_way()


def require(
    *,
    glibcxx: "str | None" = None,
    cudart: "str | None" = None,
    openmp: bool = False,
    who: str = "this package",
) -> None:
    """Check what is really loaded against what a native package needs, before it is imported.

    Args:
        glibcxx: Newest symbol version needed from libstdc++, for example ``"3.4.30"``.
        cudart: Oldest CUDA runtime that serves, for example ``"12.9"``; ``"12"`` is any 12.x.
            It is loaded if it is not there yet.
        openmp: Whether libgomp is needed; it is loaded if it is not there yet.
        who: Name of the asking distribution, for the message.

    Raises:
        RuntimeLoadError: One of its subclasses, an ``ImportError``; the message names the culprit.
        ValueError: A version is not spelt as above.
    """
    if cudart is None and not openmp and _how == "vendored" and glibcxx is not None:
        head, _, minor = glibcxx.rpartition(".")
        if head == "3.4" and minor.isdecimal() and int(minor) <= _vendored_glibcxx():
            return
    from cxx11_cuda_runtime import _require

    _require.require(glibcxx=glibcxx, cudart=cudart, openmp=openmp, who=who, how=_how)


def loaded() -> "tuple[LoadedLibrary, ...]":
    """List the runtime libraries of this process, as the dynamic linker knows them."""
    from cxx11_cuda_runtime import _loaded

    return _loaded.loaded(_how)


def diagnose() -> "Diagnosis":
    """Look at this process and say what is wrong with its native runtime, and what helps."""
    from cxx11_cuda_runtime import _process

    return _process.diagnose(_how)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "LoadedLibrary":
        from cxx11_cuda_runtime import _values

        return _values.LoadedLibrary
    from cxx11_cuda_runtime import _errors

    return getattr(_errors, name)


def _long_way() -> str:
    from cxx11_cuda_runtime import _load

    return _load.load_cxx()


def _short_way() -> str:
    """Load or promote libstdc++ where that needs no other module; "" where the long way must."""
    environ = os.environ
    told = "CXXRT_DISABLE" in environ or "CXXRT_CXX" in environ or "CXXRT_DEBUG" in environ
    if told or sys.platform != "linux" or sys.implementation.name != "cpython":
        return ""
    ctypes = sys.modules.get("_ctypes")
    if ctypes is not None:
        try:
            ctypes.dlopen(_LIBSTDCXX, _NOW_GLOBAL | _NOLOAD)
        except OSError:
            return ""
        return "already-loaded"
    resident = _resident_path()
    if resident:
        return "already-loaded" if _dlopen(resident, _NOW_GLOBAL | _NOLOAD) else ""
    if resident is not None and _vendored_is_newest() and _load_vendored():
        return "vendored"
    return ""


def _resident_path() -> "str | None":
    """The mapped libstdc++.so.6; "" if there cannot be one; None if names alone cannot tell."""
    if not _is_single_threaded():
        return None
    maps = _read("/proc/self/maps")
    if not maps or b"/ld-musl-" in maps:
        return None
    residents, others = [], False
    for path in {line[line.find(b"/") :] for line in maps.split(b"\n") if b".so" in line}:
        folder, _, name = path.rpartition(b"/")
        stem = name.partition(b".")[0].partition(b"-")[0]
        if name.startswith(b"libstdc++.so.6"):
            residents.append(path)
        elif stem == b"libgcc_s":
            others = True
        elif stem not in _INTERPRETER_OWN and not folder.endswith(b"/lib-dynload"):
            return None
    if len(residents) == 1:
        return os.fsdecode(residents[0])
    return None if residents or others else ""


def _is_single_threaded() -> bool:
    """Whether the process has one thread, whoever started it.

    The kernel counts a process's threads as links of its task folder, beyond ``.`` and ``..``.
    ``sys._current_frames`` would not do: in a subinterpreter of 3.13 it corrupts memory.
    """
    try:
        return os.stat("/proc/self/task").st_nlink == 2 + 1
    except OSError:
        return False


def _vendored_glibcxx() -> int:
    """``_baked.GLIBCXX``, read off the text of that file, or imported where that cannot be done.

    The package's first submodule makes the import system set up a finder and list the folder: a
    quarter of the floor, against a fiftieth for these lines.
    """
    _, found, tail = _read(_HERE + "_baked.py").partition(b"\nGLIBCXX = ")
    number = tail.partition(b"\n")[0]
    if found and number.isdigit():
        return int(number)
    from cxx11_cuda_runtime._baked import GLIBCXX

    return GLIBCXX


def _vendored_is_newest() -> bool:
    """Whether nothing outside the wheel could be newer; False also where looking takes longer."""
    vendored = _vendored_glibcxx()
    if not vendored or os.environ.get("LD_LIBRARY_PATH"):
        return False
    if os.path.exists(sys.base_prefix + "/conda-meta"):
        return False
    cache = _read("/etc/ld.so.cache")
    end = cache.find(b"/libstdc++.so.6\0")
    while end >= 0:
        path = cache[cache.rfind(b"\0", 0, end) + 1 : end + 15]
        try:
            minor = os.readlink(path).rpartition(b".so.6.0.")[2]
        except OSError:
            return False
        if not minor.isdigit() or int(minor) > vendored:
            return False
        end = cache.find(b"/libstdc++.so.6\0", end + 1)
    return True


def _read(path: str) -> bytes:
    """Contents of a file, empty for one that cannot be read; a third of the cost of ``open``."""
    data = b""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return data
    try:
        size = max(os.fstat(file).st_size, 1 << 14)  # files of /proc say 0
        while chunk := os.read(file, size):
            data += chunk
    finally:
        os.close(file)
    return data


def _load_vendored() -> bool:
    libgcc_s, libstdcxx = _LIB + "libgcc_s.so.1", _LIB + _LIBSTDCXX
    if not (_is_whole(libgcc_s) and _is_whole(libstdcxx)):
        return False
    return _dlopen(libgcc_s, _NOW_GLOBAL) and _dlopen(libstdcxx, _NOW_GLOBAL)


def _is_whole(path: str) -> bool:
    """Whether a file reaches to the end of its section headers, which are last in it.

    The dynamic linker maps a file that was cut short, and the first access kills the process.
    True for a file that cannot be read: the dynamic linker words that better.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        head = os.read(file, 64)
        headers = int.from_bytes(head[40:48], "little")
        length = int.from_bytes(head[58:60], "little") * int.from_bytes(head[60:62], "little")
        return headers + length <= os.fstat(file).st_size
    finally:
        os.close(file)


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


load()
