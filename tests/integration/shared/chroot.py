"""Commands in the root folder of another Debian, as a user who may chroot in a namespace.

The programs of a root for aarch64 are started by QEMU: a namespace of users has a table of its own
of what starts which programs (binfmt_misc, Linux 6.7), so nothing changes outside of it.
"""

from __future__ import annotations

import shutil
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
_EMULATOR = "qemu-aarch64-static"
_EMULATE = r"""
set -e
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
head='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf %s ":aarch64:M::$head:$mask:$0:F" >/proc/sys/fs/binfmt_misc/register
"""
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def in_root(
    root: Path, folder: Path, *command: str, emulated: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command in a root folder that others use, too; nothing outside of `folder` changes.

    Skips the test where this machine has no namespaces for users, or no emulator in them.

    Args:
        root: The root folder, with ``dev``, ``proc`` and ``home``.
        folder: Its ``/home``, also for temporary files.
        command: Variables as ``NAME=value``, then the program and its arguments.
        emulated: The root is for aarch64, and this machine is not.
    """
    try:
        able = subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode
    except FileNotFoundError:
        able = 1
    if able:
        pytest.skip("needs namespaces of users: unshare --user --map-root-user --mount")
    script, name = _ENTER, "sh"
    if emulated:
        name = shutil.which(_EMULATOR) or pytest.skip(f"needs {_EMULATOR}: qemu-user-static")
        script = _EMULATE + _ENTER
        tried = subprocess.run(
            [*_NAMESPACE, "sh", "-c", _EMULATE, name], capture_output=True, text=True, check=False
        )
        if tried.returncode:
            pytest.skip(f"needs binfmt_misc in a namespace of users: {tried.stderr.strip()}")
    enter = [*_NAMESPACE, "sh", "-c", script, name, str(root), str(folder), *command]
    return subprocess.run(enter, capture_output=True, text=True, check=False)
