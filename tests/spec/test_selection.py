"""One build is selected by tags and by variants, with and without a driver."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tool_matrix import UV, endings, write_wheel

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.abi.variant import variants_text

LABELS = ("cxxrt1", "cxxrt1_cu12", "cxxrt1_cu13")
PLAIN = "plain"
RELEASES = ((PLAIN, *LABELS), LABELS, (PLAIN, "cxxrt1_cu12"))
DRIVERS = {None: ("cxxrt1", PLAIN), "11.8": ("cxxrt1", PLAIN), "12.4": ("cxxrt1_cu12",) * 2}
DRIVERS["13.0"] = ("cxxrt1_cu13", "cxxrt1_cu12")
"""CUDA of the driver to what is selected of a whole release, and of the last one above."""


def write_tagged(folder: Path, release: tuple[str, ...]) -> None:
    python, _, platform = endings()[PLAIN].split("-")
    for label in release:
        abi = python if label == PLAIN else f"{label}_{python}"
        write_wheel(folder, f"{python}-{abi}-{platform}")


def write_variants(folder: Path, release: tuple[str, ...]) -> None:
    """The wheels of uv's preview: a file of the index beside them, and one in each."""
    runtimes = [RuntimeAbi.parse(label) for label in release if label != PLAIN]
    ending = endings()[PLAIN]
    for runtime in runtimes:
        write_wheel(folder, f"{ending}-{runtime}", variants_text([runtime], load_spec()))
    if PLAIN in release:
        write_wheel(folder, ending)
    text = variants_text(runtimes, load_spec())
    (folder / "foo-1.0-variants.json").write_text(text, encoding="utf-8")


def label_of(name: str) -> str:
    found = re.search(r"cxxrt1(?:_cu[0-9]+)?", name)
    return found[0] if found else PLAIN


def by_tag(folder: Path, driver: str | None) -> str | None:
    """What ``cxxrt pip`` takes."""
    command = ("pip", "download", "--no-deps", "--no-index", "--find-links", str(folder))
    with tempfile.TemporaryDirectory() as taken:
        subprocess.run(
            [sys.executable, "-m", "cxxrt_toolchain", *command, "-d", taken, "foo"],
            env={**os.environ, "CXXRT_CUDA": (driver or "none").split(".")[0]},
            capture_output=True,
            check=False,
        )
        return next((label_of(path.name) for path in Path(taken).iterdir()), None)


def by_variant(folder: Path, driver: str | None) -> str | None:
    """What uv takes that reads variants."""
    forced = {"NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION": driver} if driver else {}
    options = ("--python", sys.executable, "--no-cache", "-v", "--dry-run", "--no-index")
    preview = ("--preview-features", "wheel-variants", "--reinstall", "--find-links", str(folder))
    done = subprocess.run(
        [*UV, "pip", "install", *options, *preview, "foo"],
        env={**os.environ, **forced, "UV_NO_CONFIG": "1"},
        capture_output=True,
        check=False,
        text=True,
    )
    chosen = re.findall(r"Selecting: foo==1\.0 .*?(foo-1\.0-[^/\s)]+\.whl)", done.stderr)
    return label_of(chosen[-1]) if done.returncode == 0 and chosen else None


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("release", RELEASES, ids=["all", "no-plain", "plain-and-cuda"])
def test_the_variant_selects_what_the_tag_selects(
    release: tuple[str, ...], driver: str | None, tmp_path: Path
) -> None:
    """M-5: by the tags' order where the driver runs nothing else, too."""
    tagged, variants = tmp_path / "tagged", tmp_path / "variants"
    tagged.mkdir()
    variants.mkdir()
    write_tagged(tagged, release)
    write_variants(variants, release)
    whole, last = DRIVERS[driver]
    expected = last if release == RELEASES[-1] else whole
    assert (by_tag(tagged, driver), by_variant(variants, driver)) == (expected, expected)


def test_only_a_tag_installs_what_the_driver_does_not_run(tmp_path: Path) -> None:
    """M-5a; the plain form has no build but one."""
    write_tagged(tmp_path, ("cxxrt1_cu13",))
    assert by_tag(tmp_path, None) == "cxxrt1_cu13"
    variants = tmp_path / "variants"
    variants.mkdir()
    write_variants(variants, ("cxxrt1_cu13",))
    assert by_variant(variants, None) is None
