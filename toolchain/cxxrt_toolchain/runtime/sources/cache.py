"""The cache of downloads and builds, shared by concurrent runs.

``<cache>/downloads`` holds inputs, named by sha256; ``<cache>/builds`` holds finished builds, one
folder each. An entry appears by one rename, when it is complete; a lock file beside it
makes a second run wait for the first instead of doing the same work. The kernel releases the
lock of a run that was killed.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cxxrt_toolchain.errors import MissingToolError, UsageError
from cxxrt_toolchain.host.cache import cache_root, expanded

_TRIES, _PAUSE = 100, 0.1
"""Seconds between two; a compiler writes its output at its end, and its folder is gone then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The two folders; they need not exist yet."""

    downloads: Path
    builds: Path


def find_cache(option: Path | None, environ: Mapping[str, str]) -> Cache:
    """The cache that an option, ``CXXRT_CACHE`` or the XDG base directories name.

    ``CXXRT_DOWNLOADS`` moves the downloads alone, so that several caches can share them.

    Raises:
        UsageError: The path has a character that breaks GCC's makefiles.
    """
    root = cache_root(environ, option)
    if any(character.isspace() or character in ":'\"$\\#" for character in str(root)):
        raise UsageError(
            f"the cache cannot lie in {str(root)!r}: GCC's makefiles break on spaces, colons "
            "and quotes in a path.",
            "Name another folder with --cache or CXXRT_CACHE.",
        )
    downloads = expanded(environ.get("CXXRT_DOWNLOADS") or root / "downloads")
    return Cache(downloads=downloads, builds=root / "builds")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``<path>.lock`` alone; wait until it is free.

    Raises:
        MissingToolError: The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise MissingToolError(
            f"the cache {path.parent} cannot be written: {error.strerror}.",
            "Name another folder with --cache or CXXRT_CACHE.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the work folders of killed runs: those with a lock that no process holds."""
    for work in folder.glob(".*"):
        lock = work.with_name(f"{work.name[1:]}.lock")
        if not lock.exists():
            continue
        with lock.open("rb") as stream, contextlib.suppress(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(work)


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A work folder beside ``final`` that becomes it if the block ends well, else disappears.

    The caller holds the lock of ``final``, so a work folder that exists is left over from a
    killed run.
    """
    work = final.with_name(f".{final.name}")
    _remove(work)
    work.mkdir(parents=True)
    try:
        yield work
        work.rename(final)
    except BaseException:
        _remove(work)
        raise


def _remove(work: Path) -> None:
    """Remove a folder in which compilers of a killed run may still write, until they fail."""
    for _ in range(_TRIES):
        shutil.rmtree(work, ignore_errors=True)
        if not work.exists():
            return
        time.sleep(_PAUSE)
