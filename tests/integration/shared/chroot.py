"""Commands in the root folder of another Debian, as a user who may chroot in a namespace."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_ENTER = """\
set -e
mount --rbind /dev "$1/dev"
mount --rbind /proc "$1/proc"
mount --bind "$2" "$1/home"
root=$1 && shift 2
exec chroot "$root" env -i PATH=/usr/bin HOME=/home TMPDIR=/home LC_ALL=C "$@"
"""
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def in_root(root: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a root folder that others use, too; nothing outside of `folder` changes.

    Skips the test where this machine has no namespaces for users.

    Args:
        root: The root folder, with ``dev``, ``proc`` and ``home``.
        folder: Its ``/home``, also for temporary files.
        command: Variables as ``NAME=value``, then the program and its arguments.
    """
    try:
        able = subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode
    except FileNotFoundError:
        able = 1
    if able:
        pytest.skip("needs namespaces of users: unshare --user --map-root-user --mount")
    enter = [*_NAMESPACE, "sh", "-c", _ENTER, "sh", str(root), str(folder), *command]
    return subprocess.run(enter, capture_output=True, text=True, check=False)
