"""Inputs to verified files: the cache's promises, with a downloader of ten lines."""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import InputError, MissingToolError, UsageError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import Input, Kind
from cxxrt_toolchain.runtime.sources.cache import find_cache, locked, new_folder, sweep
from cxxrt_toolchain.runtime.sources.fetch import cached_path, fetch

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"the content of a package" * 1000
PIN = Input(
    kind=Kind.DEBIAN,
    package="thing",
    version="1.0-1",
    architecture="amd64",
    source="thing",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


@dataclass
class Store:
    """A downloader that appends what a list of answers says; an exception is raised."""

    answers: list[bytes | Exception]
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def download(self, item: Input, part: Path, progress: Progress) -> None:
        progress.note(f"asked for {item}")
        with self.lock:
            answer = self.answers[min(self.calls, len(self.answers) - 1)]
            self.calls += 1
        if isinstance(answer, Exception):
            raise answer
        with part.open("ab") as out:
            out.write(answer)


def _fetch(store: Store, downloads: Path) -> dict[Input, Path]:
    progress = Progress(stream=io.StringIO())
    return fetch([PIN], downloads=downloads, downloaders={Kind.DEBIAN: store}, progress=progress)


def _visible(downloads: Path) -> list[str]:
    return sorted(path.name for path in downloads.iterdir() if path.suffix != ".lock")


def test_a_fetched_input_is_named_by_its_hash_and_not_fetched_again(tmp_path: Path) -> None:
    store = Store([CONTENT])
    first, second = _fetch(store, tmp_path), _fetch(store, tmp_path)
    assert first == second == {PIN: tmp_path / f"{PIN.sha256}.deb"}
    assert first[PIN].read_bytes() == CONTENT
    assert store.calls == 1


def test_a_wrong_hash_names_file_expected_and_actual_and_leaves_nothing(tmp_path: Path) -> None:
    actual = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(InputError) as caught:
        _fetch(Store([b"something else"]), tmp_path)
    for word in ("thing 1.0-1 (amd64)", PIN.sha256, actual):
        assert word in str(caught.value)
    assert _visible(tmp_path) == []


def test_a_part_that_does_not_belong_to_the_rest_is_fetched_again_whole(tmp_path: Path) -> None:
    cached_path(PIN, tmp_path).with_suffix(".deb.part").write_bytes(b"another file's start")
    store = Store([CONTENT])
    assert _fetch(store, tmp_path)[PIN].read_bytes() == CONTENT
    assert store.calls == 2


def test_an_interrupted_download_is_kept_as_a_part_and_resumed(tmp_path: Path) -> None:
    part = cached_path(PIN, tmp_path).with_suffix(".deb.part")
    part.write_bytes(CONTENT[:100])
    assert _fetch(Store([CONTENT[100:]]), tmp_path)[PIN].read_bytes() == CONTENT
    assert _visible(tmp_path) == [f"{PIN.sha256}.deb"]


def test_a_downloader_that_fails_leaves_no_file_under_the_hash(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="no network"):
        _fetch(Store([MissingToolError("no network")]), tmp_path)
    assert _visible(tmp_path) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    cached_path(PIN, tmp_path).write_bytes(CONTENT[:-1])
    store = Store([CONTENT])
    assert _fetch(store, tmp_path)[PIN].read_bytes() == CONTENT
    assert store.calls == 1


def test_runs_at_the_same_time_download_once(tmp_path: Path) -> None:
    store = Store([CONTENT])
    runs = [threading.Thread(target=_fetch, args=(store, tmp_path)) for _ in range(8)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert store.calls == 1
    assert _visible(tmp_path) == [f"{PIN.sha256}.deb"]


def test_the_cache_follows_option_then_variable_then_xdg(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": "/x", "CXXRT_CACHE": "/c", "CXXRT_DOWNLOADS": "/d"}
    assert str(find_cache(tmp_path, {}).builds) == f"{tmp_path}/builds"
    assert str(find_cache(None, environ).builds) == "/c/builds"
    assert str(find_cache(None, environ).downloads) == "/d"
    assert str(find_cache(None, {"XDG_CACHE_HOME": "/x"}).downloads) == "/x/cxxrt/downloads"


@pytest.mark.parametrize("name", ["with space", "with:colon", "with'quote"])
def test_a_cache_that_makefiles_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="GCC's makefiles break"):
        find_cache(tmp_path / name, {})


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingToolError, match="cannot be written"):
        _fetch(Store([CONTENT]), tmp_path / "file" / "downloads")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    final = tmp_path / "build"
    with pytest.raises(KeyboardInterrupt):
        _interrupted_build(final)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".build").mkdir()  # what a killed run leaves
    (tmp_path / ".build" / "old").write_text("")
    with new_folder(final) as work:
        (work / "new").write_text("")
    assert [path.name for path in final.iterdir()] == ["new"]


def test_work_folders_of_killed_runs_are_swept_and_of_living_ones_kept(tmp_path: Path) -> None:
    for name in ("dead", "living"):
        (tmp_path / f".{name}").mkdir()
        (tmp_path / f"{name}.lock").touch()
    with locked(tmp_path / "living"):
        sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [".living"]


def _interrupted_build(final: Path) -> None:
    with new_folder(final) as work:
        (work / "half").write_text("")
        raise KeyboardInterrupt
