"""A program that was packed with its interpreter, described from its files without starting it.

PyInstaller puts everything below ``_internal`` (before release 6 beside the program), cx_Freeze
below ``lib``, Nuitka's standalone mode beside the program. PyInstaller's starter sets
``LD_LIBRARY_PATH`` to that folder and opens the interpreter's library; the other two find theirs by
an RPATH.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.host.interpreter import Interpreter

_VERSION = re.compile(r"(?:libpython|\.cpython-)(\d)\.?(\d+)")
_ARCHIVES = ("base_library.zip", "library.zip")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*[dt]?\Z")
_COOKIE = b"MEI\014\013\012\013\016"
"""Starts the last record of PyInstaller's archive, which is at the end of the program."""
_END = 1 << 16
_MAGIC = b"\x7fELF"


def find_frozen(place: str) -> Interpreter | None:
    """The interpreter in a packed program, by the path of its folder or of the program itself.

    Raises:
        InputError: It is one file, which has nothing to look at before it runs.
    """
    path = Path(place).absolute()
    if _PYTHON.match(path.name) or (path / "bin" / "python").exists():
        return None
    folder = path if path.is_dir() else path.parent
    for contents in (folder / "_internal", folder / "lib", folder):
        names = _names(contents)
        versions = (match for name in names if (match := _VERSION.search(name)))
        version = next((f"{match[1]}.{match[2]}" for match in versions), "")
        program = path if path.is_file() else next(_programs(folder), None)
        if version and program is not None and _is_packed(contents, folder, names):
            return _described(program, folder, contents, names, version)
    if path.is_file() and _has_archive(path):
        raise InputError(
            f"{place} is a program that PyInstaller has packed into one file.",
            "Start it, and look at it while it runs: cxxrt doctor --pid N",
        )
    return None


def running_program(pid: int, executable: str) -> int | None:
    """The process that PyInstaller's starter of one file has started: the program itself.

    None where a process is no such starter.
    """
    try:
        if not _has_archive(Path(executable)):
            return None
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        found = (each for each in children if Path(f"/proc/{each}/exe").samefile(executable))
        return next(map(int, found), None)
    except OSError:
        return None


def _is_packed(contents: Path, folder: Path, names: list[str]) -> bool:
    """Whether a folder holds an interpreter's modules without the folders of an installation."""
    if any(name in names for name in _ARCHIVES):
        return True
    beside = any(name.startswith("libpython3") for name in names)
    return (
        contents == folder and beside and any(".cpython-3" in n or n == "_ctypes.so" for n in names)
    )


def _described(
    program: Path, folder: Path, contents: Path, names: list[str], version: str
) -> Interpreter:
    library = next((name for name in names if name.startswith("libpython3")), "")
    by_starter = _ARCHIVES[0] in names
    return Interpreter(
        executable=str(program),
        program=os.path.realpath(program),
        python=version,
        glibc=_glibc(),
        prefix=str(folder),
        base_prefix=str(folder),
        path=(str(contents),),
        packed=str(contents),
        searched_first=(str(contents),) if by_starter else (),
        starts_with=(str(contents / library),) if by_starter and library else (),
    )


def _glibc() -> str:
    """Version of this machine's C library, which a packed program uses, too."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError):
        return ""
    return version if name == "glibc" else ""


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names
    except OSError:
        return []


def _programs(folder: Path) -> Iterator[Path]:
    for name in _names(folder):
        path = folder / name
        if ".so" not in name and path.is_file() and os.access(path, os.X_OK):
            with path.open("rb") as stream:
                if stream.read(len(_MAGIC)) == _MAGIC:
                    yield path


def _has_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _END))
        return _COOKIE in stream.read(_END)
