"""A file that appears under its name complete, or not at all, even if the process is killed.

It has no name while it is written (``O_TMPFILE``), so that a killed run leaves nothing behind;
where the file system or a missing /proc does not allow that, it has a hidden temporary one.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_BLOCK = 1 << 20
_MODE = 0o644


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the target's name when the block ends without an error."""
    hidden = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    descriptor = _nameless(target.parent)
    named = descriptor is None
    if descriptor is None:
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=_BLOCK) as file:
            yield file
            file.flush()
            os.fchmod(descriptor, _MODE)
            os.fsync(descriptor)
            if not named:
                named = not _link(descriptor, target, hidden)
        if named:
            hidden.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            hidden.unlink()
        raise


def _nameless(folder: Path) -> int | None:
    if not Path("/proc/self/fd").is_dir():  # the way to a name leads through it
        return None
    try:
        return os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
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
