"""This machine's own libstdc++, which serves a process instead of the wheel's where it is newer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

_OURS = 34
"""N of ``GLIBCXX_3.4.N``, the newest of the wheel's libstdc++, GCC 14's."""


def _of_the_system() -> int:
    """N of ``libstdc++.so.6.0.N`` that this machine's g++ links; 0 without one."""
    try:
        command = ["g++", "-print-file-name=libstdc++.so.6"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    minor = Path(done.stdout.strip()).resolve().name.rpartition(".so.6.0.")[2]
    return int(minor) if minor.isdecimal() else 0


SYSTEM_IS_NEWEST = _of_the_system() > _OURS
OURS_IS_NEWEST = pytest.mark.skipif(
    SYSTEM_IS_NEWEST,
    reason="the system's libstdc++ is newer than the wheel's and serves every process (L-5): needs "
    "a system of GCC 14 or older",
)
"""For a test of what the loader does where the wheel's copy is the newest."""
