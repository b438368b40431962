"""Fixtures that are built once per content: folders below the machine's cache, shared by sessions.

A folder's key is the sha256 of everything that goes into it: texts, files, folders, versions of
tools. Workers and sessions share it under a lock. A folder appears by one rename when it is
complete, and each process compares it with its list of sha256s before the first use; a damaged
folder is built again. At most `MOST` folders stay: the least recently used go first.

Wheels that our own code builds have that code's content in their key: after a change they are
built again. ``CXXRT_FIXTURES`` names another folder; an empty one makes a run cold.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.runtime.sources.cache import find_cache, locked, new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST = 500
"""Folders that stay."""
_DAY = 24 * 60 * 60
_LIST = ".sha256.json"
_verified: set[Path] = set()
_REPOSITORY = Path(__file__).parents[3]
_ROOT = find_cache(None, os.environ).builds.with_name("fixtures")
"""Of the environment in which the session started: tests give the product other caches."""


def fixtures_root() -> Path:
    """The folder of all kept fixtures: ``CXXRT_FIXTURES``, or ``fixtures`` in the cache."""
    named = os.environ.get("CXXRT_FIXTURES")
    return Path(named) if named else _ROOT


def kept(name: str, inputs: tuple[object, ...], build: Callable[[Path], None]) -> Path:
    """A folder that is built if no earlier run has built it from the same inputs.

    Args:
        name: The first part of the folder's name.
        inputs: All that decides the content. A path stands for the content of the file or folder.
        build: Fills an empty folder. The folder is renamed afterwards, so what it writes must not
            name it.

    Returns:
        The folder. It is shared: copy before you change it.
    """
    folder = fixtures_root() / f"{name}-{digest(inputs)[:20]}"
    with locked(folder):
        if folder not in _verified and not _intact(folder):
            shutil.rmtree(folder, ignore_errors=True)
            with new_folder(folder) as work:
                build(work)
                (work / _LIST).write_text(json.dumps(_contents(work)), encoding="utf-8")
            _evict(folder.parent, except_for=folder)
        os.utime(folder)
    _verified.add(folder)
    return folder


@functools.cache
def toolchain() -> str:
    """The sha256 of the code and data that decide what our backend builds."""
    folders = ("toolchain", "abi-tag-spec/cxxrt_abi_tag_spec", "pyproject.toml")
    return digest(tuple(_REPOSITORY / each for each in folders))


def digest(inputs: tuple[object, ...]) -> str:
    """The sha256 of inputs, of which paths stand for content."""
    state = hashlib.sha256()
    for each in inputs:
        content = json.dumps(_content(each)) if isinstance(each, Path) else repr(each)
        state.update(content.encode() + b"\0")
    return state.hexdigest()


class _NamesItsFolderError(Exception):
    """A compiled file contains the path of a folder that another session does not have."""


def compiled(target: Path, command: Sequence[str], source: str = "") -> Path:
    """Compile and link, or copy what an earlier session compiled from the same content.

    Args:
        target: The output; the command names it as ``@``.
        command: The compiler and its arguments. An argument that is a file stands for its name
            and content.
        source: Standard input.

    Returns:
        The target.

    Raises:
        AssertionError: The command failed.
    """
    files = [
        Path(each) for each in command[1:] if Path(each).is_absolute() and Path(each).is_file()
    ]
    names = [Path(each).name if Path(each) in files else each for each in command]
    key = (version_of(command[0], "-v"), names, source, *files)
    folders = {str(each.parent).encode() for each in (*files, target)}

    def build(work: Path) -> None:
        _compile(work / "output", command, source)
        content = (work / "output").read_bytes()
        if any(folder in content for folder in folders):
            raise _NamesItsFolderError

    try:
        shutil.copy(kept("object", key, build) / "output", target)
    except _NamesItsFolderError:
        _compile(target, command, source)
    return target


def _compile(output: Path, command: Sequence[str], source: str) -> None:
    filled = [str(output) if each == "@" else each for each in command]
    done = subprocess.run(filled, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(filled)}\n{done.stdout}\n{done.stderr}"


def copied_environment(source: Path, target: Path) -> Path:
    """A copy of a kept virtual environment; files are hard links where the file system has them.

    Installers replace files and do not write into them, so the kept one is not changed.

    Returns:
        The copy's ``bin/python``.
    """
    shutil.copytree(source, target, symlinks=True, copy_function=_linked_or_copied)
    return target / "bin" / "python"


@functools.cache
def version_of(*command: str) -> str:
    """What a command says of a tool's version; empty if there is no such tool."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout + done.stderr


def _linked_or_copied(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _content(path: Path) -> object:
    return _contents(path) if path.is_dir() else _sha256(path)


def _contents(folder: Path) -> dict[str, str]:
    """Relative paths to sha256s, or to the targets of links; without what Python compiled."""
    return {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or path.is_file())
        and path.name != _LIST
        and path.parent.name != "__pycache__"
    }


def _sha256(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    with path.open("rb") as stream:
        state = hashlib.sha256()
        while block := stream.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def _intact(folder: Path) -> bool:
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    found = _contents(folder)
    return isinstance(listed, dict) and all(
        found.get(name) == value for name, value in listed.items()
    )


def _evict(root: Path, except_for: Path) -> None:
    """Remove the least recently used folders; never one of today, which a session may use."""
    folders = [each for each in root.iterdir() if each.is_dir() and not each.name.startswith(".")]
    folders.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for old in folders[MOST:]:
        if old == except_for or old.stat().st_mtime > time.time() - _DAY:
            continue
        with Path(f"{old}.lock").open("a") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
