"""``activate`` and ``deactivate``: an opt-in start-up hook that loads the newest libstdc++ first.

PEP 829: Python 3.15 runs ``<name>.start``, earlier versions run the import lines of ``<name>.pth``.
The hook adds the time of the import to every start of that Python.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import tempfile

_PTH = "import sys; exec('try: import cxx11_cuda_runtime\\nexcept ModuleNotFoundError: pass')\n"
"""One line that begins with ``import``, as site.py requires; does nothing without the package."""
_START = "cxx11_cuda_runtime:load\n"
_FIRST_WITH_START = (3, 15)


class HookError(Exception):
    """The hook cannot be written or removed; the message says what to do instead."""

    rule = "CXXRT-L010"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} [{self.rule}]")


def hook(version: tuple[int, int]) -> tuple[str, str]:
    """The name and content of the hook for a Python version."""
    return ("cxxrt.start", _START) if version >= _FIRST_WITH_START else ("cxxrt.pth", _PTH)


def site_folder(*, user: bool) -> str:
    """The site-packages of this environment, or of the user; `HookError` if that is off."""
    if not user:
        return sysconfig.get_path("purelib")
    if not site.ENABLE_USER_SITE:
        raise HookError("this Python does not use a user site folder; leave --user out.")
    return site.getusersitepackages()


def activate(folder: str, version: tuple[int, int] = sys.version_info[:2]) -> str:
    """Write the hook; its path. `HookError`: the folder is read-only, or the file is foreign."""
    name, content = hook(version)
    path = os.path.join(folder, name)
    if _read(path) not in {None, content}:
        raise HookError(f"{path} exists and was not written by activate; it was not changed.")
    try:
        os.makedirs(folder, exist_ok=True)
        _write_whole(folder, path, content)
    except OSError as error:
        raise HookError(f"cannot write {path}: {error.strerror}. Try --user.") from None
    return path


def deactivate(folder: str, version: tuple[int, int] = sys.version_info[:2]) -> str:
    """Remove the hook; its path, or "" without one. `HookError`: it is foreign, or stays."""
    name, content = hook(version)
    path = os.path.join(folder, name)
    found = _read(path)
    if found is None:
        return ""
    if found != content:
        raise HookError(f"{path} was not written by this activate; it was not removed.")
    try:
        os.unlink(path)
    except OSError as error:
        raise HookError(f"cannot remove {path}: {error.strerror}.") from None
    return path


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
