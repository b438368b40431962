"""A wheel that our writer made is accepted by the tools that users have."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wheel.writer import CopiedMember, write_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeWheel


def _copy(source: Path, folder: Path) -> Path:
    folder.mkdir()
    with Wheel.open(source) as wheel:
        return write_wheel(
            folder, source.name, [CopiedMember(wheel, member.name) for member in wheel.members]
        )


def test_pip_installs_a_written_and_a_copied_wheel(make_wheel: MakeWheel, tmp_path: Path) -> None:
    written = make_wheel({"demo/__init__.py": b"x = 1\n", "demo/\u00e4.txt": b"umlaut"})
    for number, path in enumerate((written, _copy(written, tmp_path / "copied"))):
        target = tmp_path / f"target{number}"
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
        subprocess.run([*command, "--target", str(target), str(path)], check=True)
        assert (target / "demo" / "\u00e4.txt").read_bytes() == b"umlaut"


def test_wheel_unpack_verifies_every_hash(make_wheel: MakeWheel, tmp_path: Path) -> None:
    path = make_wheel({"demo/__init__.py": b"x = 1\n", "demo/empty": b""})
    target = tmp_path / "unpacked"
    subprocess.run(
        [sys.executable, "-m", "wheel", "unpack", "-d", str(target), str(path)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (target / "demo-1.0" / "demo" / "__init__.py").read_bytes() == b"x = 1\n"
