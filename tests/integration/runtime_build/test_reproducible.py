"""Two builds from nothing, in unlike surroundings: the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.cold, pytest.mark.network]


def _build(cache: Path, downloads: Path, umask: str, **environment: str) -> dict[str, bytes]:
    """Build with an empty cache that shares only the downloads; the libraries' bytes."""
    command = f"umask {umask}; exec '{sys.executable}' -m cxxrt_toolchain runtime compiler"
    done = subprocess.run(
        ["sh", "-c", command, "sh"],
        env={
            **os.environ,
            **environment,
            "CXXRT_CACHE": str(cache),
            "CXXRT_DOWNLOADS": str(downloads),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.splitlines()[-1]).parents[1]
    files = [*(folder / "lib").iterdir(), *(folder / "licenses").iterdir(), folder / "figures.json"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_libraries_do_not_depend_on_folder_umask_time_zone_or_locale(
    tmp_path: Path, downloads: Path, built: Callable[[str, str], Path]
) -> None:
    built("gcc-runtime", "x86_64")  # fills the downloads, or skips
    first = _build(tmp_path / "one", downloads, "022", TZ="UTC", LC_ALL="C")
    second = _build(
        tmp_path / "a-much-longer-name" / "two",
        downloads,
        "077",
        TZ="Pacific/Kiritimati",
        LC_ALL="C.UTF-8",
    )
    assert len(first) == 9
    assert [name for name in first if first[name] != second[name]] == []
