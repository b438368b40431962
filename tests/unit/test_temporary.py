"""A file appears complete or not at all, and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import tempfile
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain import temporary
from cxxrt_toolchain.temporary import removed_by_signals, scratch_folder, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


@pytest.fixture(params=["nameless", "named"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "named":
        monkeypatch.setattr(temporary, "_nameless", lambda _: None)
    elif temporary._nameless(tmp_path) is None:
        pytest.skip(f"the file system of {tmp_path} knows no O_TMPFILE")
    return tmp_path / "new.whl"


def test_the_file_appears_when_the_block_ends(target: Path) -> None:
    with whole_file(target) as file:
        file.write(b"content")
        assert not target.exists()
    assert target.read_bytes() == b"content"
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


def test_a_file_of_that_name_is_replaced_at_the_end(target: Path) -> None:
    target.write_bytes(b"old")
    with whole_file(target) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_a_device_or_fifo_is_written_to_and_stays(tmp_path: Path) -> None:
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    for target in (fifo, link):
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with whole_file(target) as file:
            file.write(b"content")
        assert os.read(reader, 100) == b"content"
        os.close(reader)
    assert fifo.is_fifo()
    assert link.is_symlink()
    with whole_file(tmp_path / "null") as file:
        file.write(b"")
    with pytest.raises(IsADirectoryError), whole_file(tmp_path):
        pass


def _interrupted(target: Path) -> None:
    with whole_file(target) as file:
        file.write(b"half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("old", [None, b"old"])
def test_an_error_leaves_what_was_there(target: Path, old: bytes | None) -> None:
    if old is not None:
        target.write_bytes(old)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert [path.read_bytes() for path in target.parent.iterdir()] == ([old] if old else [])


def _killed(block: Callable[[], AbstractContextManager[object]]) -> None:
    """Let a process die in the middle of a block."""
    child = os.fork()
    if not child:
        with block():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _next_run() -> None:
    """Each process looks once."""
    temporary._remove_left_over.cache_clear()


def test_the_next_run_removes_the_folders_of_killed_ones(folder: Path) -> None:
    _killed(scratch_folder)
    (left,) = folder.iterdir()
    (left / "deep" / "er").mkdir(parents=True)
    with scratch_folder() as running:
        _next_run()
        with scratch_folder() as new:
            assert set(folder.iterdir()) == {running, new}
    assert not list(folder.iterdir())


def test_the_next_run_removes_the_hidden_files_of_killed_ones(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_nameless", lambda _: None)
    _killed(lambda: whole_file(folder / "new.whl"))
    assert len(list(folder.iterdir())) == 1
    _next_run()
    with whole_file(folder / "other.whl"):
        assert len(list(folder.iterdir())) == 1
    assert [path.name for path in folder.iterdir()] == ["other.whl"]


def test_what_others_made_is_not_removed(folder: Path) -> None:
    names = {"cxxrt-scratch", "cxxrt-scratch-of-mine", "cxxrt-1234abcd", ".x.tmp"}
    for name in names:
        (folder / name).mkdir()
    target = folder / "target"
    target.mkdir()
    (folder / "cxxrt-scratch-abcd1234").symlink_to(target)
    with scratch_folder():
        pass
    assert target.is_dir()
    assert names <= {path.name for path in folder.iterdir()}


def test_a_folder_can_be_had_where_nothing_can_be_locked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with scratch_folder() as one:
        _next_run()
        with scratch_folder() as other:
            assert one.is_dir()
            assert other.is_dir()
        with whole_file(folder / "file") as file:
            file.write(b"content")
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_many_runs_at_once_do_not_take_each_others_folders(folder: Path) -> None:
    children = []
    for _ in range(8):
        child = os.fork()
        if not child:
            code = 1
            try:
                for _ in range(40):
                    _next_run()
                    with scratch_folder() as mine:
                        (mine / "file").write_bytes(b"")
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert not list(folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_removes_what_is_temporary(folder: Path, number: signal.Signals) -> None:
    def get_signalled() -> None:
        with removed_by_signals(), scratch_folder():
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as stopped:
        get_signalled()
    assert stopped.value.code == 128 + number
    assert not list(folder.iterdir())
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_signal_that_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with removed_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_process_that_ends_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    if temporary._nameless(tmp_path) is None:
        pytest.skip(f"the file system of {tmp_path} knows no O_TMPFILE")
    child = os.fork()
    if not child:
        with whole_file(tmp_path / "new.whl") as file:
            file.write(b"half" * 1000000)
            os._exit(0)
    os.waitpid(child, 0)
    assert not list(tmp_path.iterdir())
