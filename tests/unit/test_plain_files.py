"""Only regular files are read, and only up to a size: nothing waits, nothing fills the memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.plain_files import open_plain, read_plain

if TYPE_CHECKING:
    from collections.abc import Callable


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


_ODD: dict[str, Callable[[Path], None]] = {
    "FIFO": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "sparse file": _sparse,
    "folder": lambda path: path.mkdir(),
    "loop": lambda path: path.symlink_to(path.name),
}


def test_a_regular_file_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "link") == b"text"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_plain(tmp_path / "link", 3)
    with open_plain(tmp_path / "link") as stream:
        assert stream.read() == b"text"


@pytest.mark.parametrize("kind", _ODD)
def test_what_is_no_regular_file_of_that_size_is_refused(kind: str, tmp_path: Path) -> None:
    _ODD[kind](tmp_path / "odd")
    with pytest.raises(OSError, match="odd"):
        read_plain(tmp_path / "odd")


_LOOK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2)
from cxxrt_toolchain.cli import main
sys.exit(main(["doctor", "--python", sys.argv[1]]))
"""
_SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.mark.parametrize("kind", _ODD)
@pytest.mark.parametrize(
    "name",
    [
        *("x-1.dist-info/METADATA", "x-1.dist-info/RECORD", "x-1.dist-info/WHEEL"),
        *("x-1.dist-info/direct_url.json", "x-1.dist-info/top_level.txt", "x.pth", "x_finder.py"),
        *("x.egg-link", "x.egg-info", "x/m.so", "cxx11_cuda_runtime/lib/libstdc++.so.6"),
        "cxx11_cuda_runtime/manifest.json",
    ],
)
def test_the_doctor_passes_by_what_is_no_text(kind: str, name: str, tmp_path: Path) -> None:
    site = tmp_path / "venv" / _SITE
    info = site / "x-1.dist-info"
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    (tmp_path / "venv/pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    (site / name).parent.mkdir(parents=True)
    info.mkdir(exist_ok=True)
    record = "x/m.so,,\nx.pth,,\nx_finder.py,,\nx-1.dist-info/direct_url.json,,\n"
    for path, text in (
        (info / "METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1\n"),
        (info / "RECORD", record),
        (site / "x.pth", "import x_finder\n"),
    ):
        if path != site / name:
            path.write_text(text)
    _ODD[kind](site / name)
    if name == "x.pth":  # the interpreter itself would wait for it
        (tmp_path / "venv/bin/python").unlink()
        (tmp_path / "venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
        (tmp_path / "venv/bin/python").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, str(tmp_path / "venv")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"CXXRT_CACHE": str(tmp_path / "cache")},
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
