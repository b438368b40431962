"""What a machine may lack that a test needs: skips that say how to get it."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest


def need_extension_builder() -> None:
    """Skip where no extension module can be compiled: no compiler, or Python without its headers.

    Debian and Ubuntu have the headers in a package of their own.
    """
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: apt-get install g++")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        pytest.skip("needs Python.h: apt-get install python3-dev")


def need_pip(python: str) -> None:
    """Skip where an interpreter has no pip, as Debian's own has none."""
    done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"needs pip for {python}: apt-get install python3-pip")
