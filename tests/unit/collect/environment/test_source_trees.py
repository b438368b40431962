"""Source trees: what is found, what is passed over, and what is remembered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cxxrt_toolchain.collect.environment import source_trees
from cxxrt_toolchain.collect.environment.source_trees import Listing, SourceTrees
from cxxrt_toolchain.collect.store import Store, identity

pytestmark = pytest.mark.usefixtures("settled")


def put(*places: Path) -> None:
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")


def below(trees: SourceTrees, folder: Path) -> list[str]:
    return [os.path.relpath(each, folder.resolve()) for each in trees.shared_below(str(folder))]


def test_only_what_an_import_may_lead_to_is_entered(tmp_path: Path) -> None:
    put(
        *(tmp_path / "core.so", tmp_path / "a.py", tmp_path / "sub" / "x.abi3.so"),
        *(tmp_path / ".libs" / "libz.so.1", tmp_path / ".git" / "no.so"),
        *(tmp_path / "node_modules" / "no.so", tmp_path / "__pycache__" / "no.so"),
        *(tmp_path / "venv" / "pyvenv.cfg", tmp_path / "venv" / "lib" / "no.so"),
        *(tmp_path / "conda" / "conda-meta" / "history", tmp_path / "conda" / "lib" / "no.so"),
        *(tmp_path / "lib" / "site-packages" / "no.so", tmp_path / "CMakeFiles" / "no.so"),
    )
    assert below(SourceTrees(Store()), tmp_path) == ["core.so", ".libs/libz.so.1", "sub/x.abi3.so"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    tree, other = tmp_path / "tree", tmp_path / "other"
    put(tree / "a" / "one.so", other / "two.so", other / "three.so")
    (tree / "a" / "up").symlink_to(tree)
    (tree / "self").symlink_to("self")
    (tree / "a" / "self.so").symlink_to("self.so")
    (tree / "linked").symlink_to(other)
    (tree / "again").symlink_to(other)
    (tree / "b.so").symlink_to(other / "three.so")
    (tree / "gone.so").symlink_to("nowhere.so")
    found = [
        os.path.relpath(each, tmp_path.resolve())
        for each in SourceTrees(Store()).shared_below(str(tree))
    ]
    assert sorted(set(found) - {"tree/a/self.so", "tree/nowhere.so"}) == [
        *("other/three.so", "other/two.so", "tree/a/one.so")
    ]
    assert found.count("other/two.so") == 1


def test_a_folder_that_is_none_holds_nothing(tmp_path: Path) -> None:
    put(tmp_path / "file.so")
    trees = SourceTrees(Store())
    for name in ("gone", "file.so", "nul\0"):
        assert trees.listing(f"{tmp_path}/{name}") == Listing()
    assert below(trees, tmp_path / "gone") == []


def test_at_most_so_many_folders_are_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_trees, "MOST_FOLDERS", 5)
    put(*(tmp_path / f"d{number}" / "x.so" for number in range(9)))
    assert len(below(SourceTrees(Store()), tmp_path)) == 4, "the tree itself is one"


def test_modules_are_found_by_their_name(tmp_path: Path) -> None:
    suffixes = (".cpython-312-x86_64-linux-gnu.so", ".abi3.so", ".so")
    put(*(tmp_path / f"top{suffix}" for suffix in suffixes), tmp_path / "topple.so")
    for path in (tmp_path / "top", tmp_path / "top.py", tmp_path / "top.so"):
        found = {Path(each).name for each in SourceTrees(Store()).modules(str(path))}
        assert found == {f"top{suffix}" for suffix in suffixes}


def test_what_a_folder_holds_is_remembered_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, kept = tmp_path / "tree", Store(tmp_path / "cache")
    put(tree / "a.so", tree / "sub" / "b.so", tree / "empty" / "x.py")
    first = SourceTrees(kept)
    first.gather(str(tree))
    assert below(first, tree) == ["a.so", "sub/b.so"]
    kept.save()
    assert len(list((tmp_path / "cache").glob("*.shelf"))) == 2, "the tree's own folder, and below"

    with monkeypatch.context() as blind:
        blind.setattr(os, "scandir", lambda _: pytest.fail("it is known"))
        again = SourceTrees(Store(tmp_path / "cache"))
        again.gather(str(tree))
        assert below(again, tree) == ["a.so", "sub/b.so"]
    put(tree / "sub" / "c.so")
    assert below(SourceTrees(Store(tmp_path / "cache")), tree) == ["a.so", "sub/b.so", "sub/c.so"]


def test_a_row_of_another_shape_is_read_anew(tmp_path: Path) -> None:
    put(tmp_path / "tree" / "a.so")
    found = (tmp_path / "tree").stat()
    kept = Store(tmp_path / "cache")
    kept.put("folders", str(tmp_path / "tree"), identity(found), "-")
    assert below(SourceTrees(kept), tmp_path / "tree") == ["a.so"]


def test_names_that_no_line_can_hold_are_found_all_the_same(tmp_path: Path) -> None:
    tree, kept = tmp_path / "tree", Store(tmp_path / "cache")
    put(tree / "a\nb.so", tree / os.fsdecode(b"\xff.so"))
    for _ in range(2):
        assert len(below(SourceTrees(kept), tree)) == 2
