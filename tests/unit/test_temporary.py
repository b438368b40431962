"""A file appears complete or not at all, and leaves nothing behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain import temporary
from cxxrt_toolchain.temporary import whole_file

if TYPE_CHECKING:
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
