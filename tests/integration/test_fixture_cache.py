"""Kept fixtures: built once per content, built again when damaged, and all of them when cold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fixture_cache
import pytest
from fixture_cache import compiled, kept
from machine import need_extension_builder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of kept fixtures."""
    monkeypatch.setenv("CXXRT_FIXTURES", str(tmp_path / "fixtures"))
    return tmp_path / "fixtures"


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new process, which has compared no folder with its list."""
    monkeypatch.setattr(fixture_cache, "_verified", set())


@pytest.mark.usefixtures("root")
def test_a_folder_is_built_once_per_content(tmp_path: Path) -> None:
    source, built = tmp_path / "source", []
    source.write_text("one")

    def build(folder: Path) -> None:
        built.append(source.read_text())
        (folder / "copy").write_text(source.read_text())

    first = kept("demo", ("text", source), build)
    assert kept("demo", ("text", source), build) == first
    source.write_text("two")
    second = kept("demo", ("text", source), build)
    assert built == ["one", "two"]
    assert [(each / "copy").read_text() for each in (first, second)] == ["one", "two"]


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("damage", ["change", "remove", "list"])
def test_a_damaged_folder_is_built_again(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(folder: Path) -> None:
        (folder / "file").write_text("whole")

    folder = kept("demo", (), build)
    if damage == "change":
        (folder / "file").write_text("hole!")
    elif damage == "remove":
        (folder / "file").unlink()
    else:
        (folder / ".sha256.json").write_text("[")
    _forget(monkeypatch)
    assert (kept("demo", (), build) / "file").read_text() == "whole"


def test_a_build_that_fails_leaves_no_folder(root: Path) -> None:
    def build(_: Path) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept("demo", (), build)
    assert [each for each in root.iterdir() if each.is_dir()] == []


def test_the_least_recently_used_folders_go(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixture_cache, "MOST", 2)
    for number in range(3):
        os.utime(kept("old", (number,), lambda _: None), (number, number))
    kept("new", (), lambda _: None)
    assert sorted(each.name[:3] for each in root.iterdir() if each.is_dir()) == ["new", "old"]


@pytest.mark.compile
def test_an_object_that_names_its_folder_is_not_kept(root: Path, tmp_path: Path) -> None:
    need_extension_builder()
    library = compiled(
        tmp_path / "library.so", ["g++", "-shared", "-xc++", "-", "-o", "@"], "int a;"
    )
    link = ["g++", "-shared", "-xc++", "-", "-xnone", str(library), "-Wl,--no-as-needed", "-o", "@"]
    user = compiled(tmp_path / "user.so", link, "extern int a; int *b = &a;")
    assert str(library).encode() in user.read_bytes()
    assert len(list(root.glob("object-*[!k]"))) == 1


@pytest.mark.cold
@pytest.mark.isolated
@pytest.mark.network
@pytest.mark.compile
@pytest.mark.runtime
def test_nothing_that_is_kept_is_needed(tmp_path: Path) -> None:
    """A sample, an environment with pip, loader probes and a crash, twice: cold, then warm."""
    need_extension_builder()
    folder = Path(__file__).parent
    tests = [
        f"{folder}/backend/test_samples.py::test_both_frontends_give_the_same_bytes",
        f"{folder}/installer/test_resolver.py::test_an_index_without_the_runtime",
        f"{folder}/loader/test_process.py",
        f"{folder.parent}/crashes/test_matrix.py::test_a_case_does_what_is_recorded[exception]",
    ]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", *tests],
            env={**os.environ, "CXXRT_FIXTURES": str(tmp_path / "fixtures")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "skipped" not in done.stdout
