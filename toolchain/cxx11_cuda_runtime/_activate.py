"""``activate`` and ``deactivate``: an opt-in start-up hook that loads the newest libstdc++ first.

PEP 829: Python 3.15 runs ``<name>.start``, earlier versions run the import lines of ``<name>.pth``.
The hook adds the time of the import to every start of that Python. It loads no libcudart unless it
is told a CUDA major: importing the package must not decide for processes that use no CUDA, nor
between majors, and would take a quarter longer.
"""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig

from cxx11_cuda_runtime import _baked, _dl, _load
from cxx11_cuda_runtime._errors import HookError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PTH = (
    "import sys; exec('try: import cxx11_cuda_runtime{}\\n"
    "except ModuleNotFoundError: pass\\n"
    "except ImportError as error:\\n"
    ' hasattr(sys, "_cxxrt") or sys.stderr and print(error, file=sys.stderr)\\n'
    " sys._cxxrt = error')\n"
)
"""One line that begins with ``import``, as site.py requires; does nothing without the package.

A library that cannot be loaded is said in one line, once (site.py runs the hook of a virtual
environment twice), and Python starts: pip has to mend it.
"""
_PTH_CUDART = '; cxx11_cuda_runtime.require(cudart="{}")'
_START, _START_CUDART = "cxx11_cuda_runtime:load\n", "cxx11_cuda_runtime._cudart:load_{}\n"
_MAJORS = re.compile(r'cudart="(\d+)"|_cudart:load_(\d+)')
_FIRST_WITH_START = (3, 15)


def hook(version: tuple[int, int], cudart: Sequence[str] = ()) -> tuple[str, str]:
    """The name and content of the hook for a Python version, and for some CUDA majors."""
    if version >= _FIRST_WITH_START:
        return "cxxrt.start", _START + "".join(map(_START_CUDART.format, cudart))
    return "cxxrt.pth", _PTH.format("".join(map(_PTH_CUDART.format, cudart)))


def site_folder(*, user: bool) -> str:
    """The site-packages of this environment, or of the user; `HookError` if that is off."""
    if not user:
        return sysconfig.get_path("purelib")
    if not site.ENABLE_USER_SITE:
        raise HookError("this Python does not use a user site folder; leave --user out.")
    return site.getusersitepackages()


def activate(
    folder: str, version: tuple[int, int] = sys.version_info[:2], cudart: Sequence[str] = ()
) -> str:
    """Write the hook; its path. `HookError`: the folder is read-only, or the file is foreign.

    `cudart` has the CUDA majors whose libcudart it loads, too. `LibraryLoadError`: a library of the
    package is not what its wheel brought.
    """
    name, content = hook(version, cudart)
    path = os.path.join(folder, name)
    found = _read(path)
    if found is not None and not _is_ours(found, version):
        raise HookError(f"{path} exists and was not written by activate; it was not changed.")
    _make_durable()
    try:
        os.makedirs(folder, exist_ok=True)
        _write(path, content)
    except OSError as error:
        raise HookError(f"cannot write {path}: {error.strerror}. Try --user.") from None
    return path


def deactivate(folder: str, version: tuple[int, int] = sys.version_info[:2]) -> str:
    """Remove the hook; its path, or "" without one. `HookError`: it is foreign, or stays."""
    path = os.path.join(folder, hook(version)[0])
    found = _read(path)
    if found is None:
        return ""
    if not _is_ours(found, version):
        raise HookError(f"{path} was not written by this activate; it was not removed.")
    try:
        os.unlink(path)
    except OSError as error:
        raise HookError(f"cannot remove {path}: {error.strerror}.") from None
    return path


def _is_ours(content: str, version: tuple[int, int]) -> bool:
    majors = [first or second for first, second in _MAJORS.findall(content)]
    return content in ("", hook(version, majors)[1])  # empty: `_write` was killed


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HookError(f"cannot read {path}: {error}.") from None


def _write(path: str, content: str) -> None:
    """Write the hook in one call: whoever is killed leaves it whole, or an empty file, or none."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(file, content.encode())
        os.fsync(file)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(file)


def _make_durable() -> None:
    """See that each library is whole and on the disk: every start of this Python will load it.

    What pip writes reaches the disk half a minute later; a power cut before that empties the files.
    """
    for name, (_, digest, _) in _baked.WHOLE.items():
        path = _load.LIB + name
        if not _dl.has_digest(path, digest):
            raise _load.explained(path, "file damaged")
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
