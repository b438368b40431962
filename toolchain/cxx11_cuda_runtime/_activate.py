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
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PTH = "import sys; exec('try: import cxx11_cuda_runtime{}\\nexcept ModuleNotFoundError: pass')\n"
"""One line that begins with ``import``, as site.py requires; does nothing without the package."""
_PTH_CUDART = '; cxx11_cuda_runtime.require(cudart="{}")'
_START, _START_CUDART = "cxx11_cuda_runtime:load\n", "cxx11_cuda_runtime._cudart:load_{}\n"
_MAJORS = re.compile(r'cudart="(\d+)"|_cudart:load_(\d+)')
_FIRST_WITH_START = (3, 15)


class HookError(Exception):
    """The hook cannot be written or removed; the message says what to do instead."""

    rule = "CXXRT-L010"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} [{self.rule}]")


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

    `cudart` has the CUDA majors whose libcudart it loads, too.
    """
    name, content = hook(version, cudart)
    path = os.path.join(folder, name)
    found = _read(path)
    if found is not None and not _is_ours(found, version):
        raise HookError(f"{path} exists and was not written by activate; it was not changed.")
    try:
        os.makedirs(folder, exist_ok=True)
        _write_whole(folder, path, content)
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
    return content == hook(version, majors)[1]


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HookError(f"cannot read {path}: {error}.") from None


def _write_whole(folder: str, path: str, content: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".cxxrt-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
