"""The same libraries give the same wheel, wherever and by whomever it is assembled."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.runtime


def assemble(folder: Path, umask: str, **environment: str) -> Path:
    """Build the wheel (its libraries come from the cache) in a folder, as another user would."""
    folder.mkdir()
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "-w", "out"]
    done = subprocess.run(
        ["sh", "-c", f'umask {umask} && exec "$@"', "sh", *command, "--arch", "x86_64"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


def test_folder_umask_time_zone_locale_and_hash_seed_do_not_show(
    runtime_wheel: Path, tmp_path: Path
) -> None:
    here = assemble(tmp_path / "one", "022", TZ="UTC", LC_ALL="C", PYTHONHASHSEED="1")
    there = assemble(
        tmp_path / "another place",
        "077",
        TZ="Pacific/Kiritimati",
        LC_ALL="C.UTF-8",
        LANG="tr_TR.UTF-8",
        PYTHONHASHSEED="2",
    )
    assert here.read_bytes() == there.read_bytes() == runtime_wheel.read_bytes()


def test_the_source_date_is_the_one_thing_that_shows(tmp_path: Path, runtime_wheel: Path) -> None:
    """It is the convention of reproducible-builds.org, so whoever sets it wants to see it."""
    dated = assemble(tmp_path / "dated", "022", SOURCE_DATE_EPOCH="1700000000")
    with zipfile.ZipFile(dated) as new, zipfile.ZipFile(runtime_wheel) as usual:
        assert {info.date_time for info in new.infolist()} == {(2023, 11, 14, 22, 13, 20)}
        assert {info.date_time for info in usual.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert [new.read(name) for name in new.namelist()] == [
            usual.read(name) for name in usual.namelist()
        ]
