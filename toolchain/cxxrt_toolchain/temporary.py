"""Temporary folders and files, of which a killed run leaves nothing for longer than to the next.

Each is locked (flock(2)) as long as its process lives, and the kernel releases the lock of a
process that was killed. Who makes the next one removes those that nobody holds: another run's are
held. Where the file system has no locks, nothing is removed.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

_FOLDER = "cxxrt-scratch-"
_FOLDERS = rf"{_FOLDER}\w{{8}}"
_FILES = r"\..+\.[0-9a-f]{16}\.cxxrt-tmp"
_TRIES = 20
_BLOCK = 1 << 20


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """An empty folder, removed after the block; by default where temporary files of this user go.

    What programs that run there leave in their own temporary folders is removed with it if their
    ``TMPDIR`` is that folder.
    """
    import tempfile  # not at the top: most commands write nothing

    place = tempfile.gettempdir() if parent is None else str(parent)
    _remove_left_over(place, _FOLDERS)
    name, lock = _locked(lambda: tempfile.mkdtemp(prefix=_FOLDER, dir=place))
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        if lock is not None:
            os.close(lock)


@contextmanager
def removed_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a block as an exception does, which removes what is temporary."""
    import signal

    numbers = (signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: object) -> None:
        for each in numbers:  # a second one must not end the removing
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    # What is ignored stays so (nohup); a thread other than the first one cannot decide.
    changed = [each for each in numbers if signal.getsignal(each) is signal.SIG_DFL]
    try:
        with suppress(ValueError):
            for each in changed:
                signal.signal(each, end)
        yield
    finally:
        with suppress(ValueError):
            for each in changed:
                signal.signal(each, signal.SIG_DFL)


@contextmanager
def whole_file(target: Path, *, mode: int = 0o644, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that takes the target's name when the block ends without an error.

    It appears complete or not at all, even if the process is killed: it has no name while it is
    written (``O_TMPFILE``) or, where the file system or a missing /proc does not allow that, a
    hidden one. `durable`: the content is on the disk before the name is. A device or FIFO of that
    name (/dev/stdout) is written to, and stays.
    """
    if _is_special(target):
        # Without O_NONBLOCK, opening a FIFO waits for its reader.
        special = os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(special, True)
        with os.fdopen(special, "wb") as stream:
            yield stream
        return
    folder = os.path.dirname(os.path.abspath(target))  # noqa: PTH100, PTH120 - of links, not behind
    _remove_left_over(folder, _FILES)
    descriptor = _nameless(target.parent)
    named = descriptor is None
    if descriptor is None:
        hidden, descriptor = _new_hidden(target)
    else:
        hidden = _hidden(target)
        with suppress(OSError):  # nobody else can hold it
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        with os.fdopen(descriptor, "wb", buffering=_BLOCK) as file:
            yield file
            file.flush()
            os.fchmod(descriptor, mode)
            if durable:
                os.fsync(descriptor)
            if not named:
                named = not _link(descriptor, target, hidden)
            if named:
                hidden.replace(target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def _is_special(target: Path) -> bool:
    try:
        return not S_ISREG(target.stat().st_mode)
    except OSError:  # nothing lies there, or what does says so when it is opened
        return False


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(8)}.cxxrt-tmp")


def _new_hidden(target: Path) -> tuple[Path, int]:
    """A new file with a hidden name, and a descriptor that writes to it and holds its lock."""

    def make() -> str:
        path = str(_hidden(target))
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return path

    path, lock = _locked(make, os.O_WRONLY)
    if lock is None:
        lock = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    return Path(path), lock


def _nameless(folder: Path) -> int | None:
    if not Path("/proc/self/fd").is_dir():  # the way to a name leads through it
        return None
    flag = getattr(os, "O_TMPFILE", None)  # PyPy has no such name
    if flag is None:
        return None
    try:
        return os.open(folder, os.O_WRONLY | flag | os.O_CLOEXEC, 0o600)
    except OSError:  # EOPNOTSUPP or EISDIR: a file system or kernel that does not know it
        return None


def _link(descriptor: int, target: Path, hidden: Path) -> bool:
    """Give a nameless file its name; False where a file has that one, then it got the hidden one.

    A link never replaces, so there a rename has to follow. ``os.link`` follows the symbolic link in
    /proc only where it calls ``linkat``, which a folder's descriptor makes it do.
    """
    source = f"/proc/self/fd/{descriptor}"
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(source, target.name, dst_dir_fd=folder, follow_symlinks=True)
    except FileExistsError:
        os.link(source, hidden.name, dst_dir_fd=folder, follow_symlinks=True)
        return False
    finally:
        os.close(folder)
    return True


def _locked(make: Callable[[], str], mode: int = os.O_RDONLY) -> tuple[str, int | None]:
    """What was made, and the descriptor that holds its lock; None where nothing can be locked.

    Between making and locking, another run may take it for left over: then the next one is made.
    """
    for _ in range(_TRIES):
        path = make()
        try:
            return path, _lock(path, mode)
        except (BlockingIOError, FileNotFoundError):
            continue
        except OSError:  # no locks on this file system, so nobody removes it
            return path, None
    raise FileNotFoundError(errno.ENOENT, "another process removes what was made there", path)


def _lock(path: str, mode: int = os.O_RDONLY) -> int:
    """A descriptor that holds the lock of what has this name.

    Raises:
        BlockingIOError: Another process holds it.
        FileNotFoundError: It has lost its name.
        OSError: It cannot be opened or locked.
    """
    descriptor = os.open(path, mode | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            raise FileNotFoundError(errno.ENOENT, "replaced", path)  # noqa: TRY301 - closed below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@cache  # once per process and folder: a repair makes hundreds of folders
def _remove_left_over(folder: str, pattern: str) -> None:
    """Remove what runs of this user left in a folder when they were killed."""
    matches = re.compile(pattern, re.DOTALL).fullmatch
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [each for each in entries if matches(each.name)]:
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
                    continue
                lock = _lock(entry.path)
                try:
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        Path(entry.path).unlink()
                finally:
                    os.close(lock)
