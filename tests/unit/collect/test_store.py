"""The store: the identity of a file decides, and nothing that is wrong with a shelf is an error."""

from __future__ import annotations

import marshal
import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from cxxrt_toolchain.collect import store as module
from cxxrt_toolchain.collect.store import VERSION, Store, cache_folder, identity, shelf_of
from cxxrt_toolchain.elf.facts import SharedObject
from cxxrt_toolchain.facts.objects import WATCHED, ObjectFacts
from cxxrt_toolchain.facts.traits import Traits
from cxxrt_toolchain.facts.wheel import UnreadableObject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.collect.store import Identity

SITE = "/nowhere/lib/python3.12/site-packages"
PATH = f"{SITE}/demo/_core.so"
IDENTITY = (1, 2, 3, 4, 5)


def filled(folder: Path, path: str = PATH, value: object = "value") -> Store:
    store = Store(folder)
    store.put("facts", path, IDENTITY, value)
    store.save()
    return store


def only_shelf(folder: Path) -> Path:
    (shelf,) = folder.glob("*.shelf")
    return shelf


def sealed(value: Any) -> bytes:  # noqa: ANN401 - what marshal takes
    """A shelf whose first line is right, whatever it holds."""
    body = marshal.dumps(value)
    return module._head(body, KEY) + b"\n" + body


KEY = bytes(range(32))


@pytest.fixture(autouse=True)
def _known_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)


def test_a_shelf_that_was_sealed_with_another_key_is_a_miss(tmp_path: Path) -> None:
    filled(tmp_path)
    shelf = only_shelf(tmp_path)
    _, _, body = shelf.read_bytes().partition(b"\n")
    for key in (b"", bytes(32)):
        shelf.write_bytes(module._head(body.replace(b"value", b"false"), key) + b"\n" + body)
        assert Store(tmp_path).get("facts", PATH, IDENTITY) is None


@pytest.mark.parametrize("key", [None, b"short", "FIFO"])
def test_a_key_that_is_missing_or_damaged_is_made_again(tmp_path: Path, key: object) -> None:
    (tmp_path / "key").unlink()
    if isinstance(key, bytes):
        (tmp_path / "key").write_bytes(key)
    elif key:
        os.mkfifo(tmp_path / "key")
    filled(tmp_path)
    assert Store(tmp_path).get("facts", PATH, IDENTITY) == "value"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_value_comes_back_for_the_same_identity(tmp_path: Path) -> None:
    value = (1, "\udcff\n\t", (b"x", None), {"a": [True]})
    filled(tmp_path, value=value)
    assert Store(tmp_path).get("facts", PATH, IDENTITY) == value
    assert Store(tmp_path).get("answers", PATH, IDENTITY) is None
    assert Store(tmp_path).get("facts", f"{SITE}/other.so", IDENTITY) is None


@pytest.mark.parametrize("place", range(5))
def test_a_change_of_any_field_of_the_identity_is_a_miss(tmp_path: Path, place: int) -> None:
    filled(tmp_path)
    changed = [*IDENTITY]
    changed[place] += 1
    other: Identity = (changed[0], changed[1], changed[2], changed[3], changed[4])
    assert Store(tmp_path).get("facts", PATH, other) is None


def test_a_file_with_its_old_size_and_mtime_is_another_file(tmp_path: Path) -> None:
    file = tmp_path / "x.so"
    file.write_bytes(b"old")
    before = file.stat()
    while file.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of the file system is coarse
        file.write_bytes(b"new")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert identity(after) != identity(before)


def test_a_file_that_changed_a_moment_ago_is_not_kept(tmp_path: Path) -> None:
    """Its identity may be the same after the next change."""
    (tmp_path / "x.so").write_bytes(b"x")
    store = Store(tmp_path / "cache")
    store.put("facts", "/x.so", identity((tmp_path / "x.so").stat()), "value")
    store.save()
    assert not (tmp_path / "cache").exists()


def fifo(shelf: Path) -> None:
    shelf.unlink()
    os.mkfifo(shelf)


def folder(shelf: Path) -> None:
    shelf.unlink()
    shelf.mkdir()


def too_large(shelf: Path) -> None:
    with shelf.open("ab") as stream:
        stream.truncate(1 << 40)


def writes(data: bytes) -> Callable[[Path], object]:
    return lambda shelf: shelf.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda shelf: shelf.write_bytes(shelf.read_bytes()[:-1]),
        lambda shelf: shelf.write_bytes(shelf.read_bytes().replace(b"value", b"other")),
        lambda shelf: shelf.write_bytes(shelf.read_bytes().replace(b"cxxrt-store-", b"x-")),
        writes(b""),
        writes(b"\n"),
        writes(b"\0" * 1000),
        writes(sealed(None)),
        writes(sealed(("facts /another/folder", {PATH: (IDENTITY, "value")}))),
        writes(sealed((f"facts {SITE}", [PATH]))),
        writes(sealed((f"facts {SITE}", {PATH: None}))),
        writes(sealed((f"facts {SITE}", {PATH: (IDENTITY,)}))),
        writes(sealed((f"facts {SITE}", {}))[:-1] + b"\xff"),
        lambda shelf: shelf.chmod(0o666),
        fifo,
        folder,
        too_large,
    ],
)
def test_what_is_wrong_with_a_shelf_makes_its_values_misses(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    filled(tmp_path)
    damage(only_shelf(tmp_path))
    assert Store(tmp_path).get("facts", PATH, IDENTITY) is None
    filled(tmp_path)  # writes it anew, if that can be done


def test_a_shelf_of_another_user_is_a_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert Store(tmp_path).get("facts", PATH, IDENTITY) is None


def test_a_damaged_shelf_is_replaced(tmp_path: Path) -> None:
    filled(tmp_path)
    only_shelf(tmp_path).write_bytes(b"")
    filled(tmp_path)
    assert Store(tmp_path).get("facts", PATH, IDENTITY) == "value"


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert filled(tmp_path / "file" / "cache").get("facts", PATH, IDENTITY) == "value"


def test_without_a_folder_values_live_as_long_as_the_store(tmp_path: Path) -> None:
    store = Store()
    store.put("facts", PATH, IDENTITY, "value")
    store.save()
    assert store.get("facts", PATH, IDENTITY) == "value"
    assert Store().get("facts", PATH, IDENTITY) is None


def test_two_runs_that_write_at_once_keep_each_others_values(tmp_path: Path) -> None:
    here = tmp_path / "site-packages"
    here.mkdir()
    for name in ("a.so", "b.so"):
        (here / name).write_bytes(b"")
    one, two = Store(tmp_path / "cache"), Store(tmp_path / "cache")
    one.put("facts", f"{here}/a.so", IDENTITY, "1")
    two.put("facts", f"{here}/b.so", IDENTITY, "2")
    one.save()
    two.save()
    later = Store(tmp_path / "cache")
    assert later.get("facts", f"{here}/a.so", IDENTITY) == "1"
    assert later.get("facts", f"{here}/b.so", IDENTITY) == "2"


def test_files_that_are_gone_are_dropped_with_the_next_write(tmp_path: Path) -> None:
    filled(tmp_path)
    filled(tmp_path, f"{SITE}/other.so")
    assert Store(tmp_path).get("facts", PATH, IDENTITY) is None
    assert Store(tmp_path).get("facts", f"{SITE}/other.so", IDENTITY) == "value"


def test_a_source_tree_has_one_shelf(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.gather("/project")
    for path in ("/project/a/x.so", "/project/b/c/y.so", "/projects/z.so"):
        store.put("facts", path, IDENTITY, path)
    store.save()
    assert len(list(tmp_path.glob("*.shelf"))) == 2


def test_a_shelf_that_grows_too_large_keeps_what_was_used_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGEST", 1_000)
    store = Store(tmp_path)
    for number in range(9):
        store.put("facts", f"{SITE}/{number}.so", IDENTITY, str(number) * 200)
    store.save()
    assert only_shelf(tmp_path).stat().st_size <= 1_000 + module._HEAD
    kept = [Store(tmp_path).get("facts", f"{SITE}/{n}.so", IDENTITY) for n in range(9)]
    assert any(kept)
    assert not all(kept)


@pytest.mark.parametrize(("name", "value"), [("_MOST_SHELVES", 3), ("_MOST_BYTES", 350)])
def test_the_number_and_the_size_of_shelves_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(module, name, value)
    for number in range(6):
        filled(tmp_path, f"/opt/{number}/x.so")
    assert 0 < len(list(tmp_path.glob("*.shelf"))) <= 3
    assert Store(tmp_path).get("facts", "/opt/5/x.so", IDENTITY) == "value"


def test_packages_share_the_shelf_of_their_site_folder() -> None:
    assert shelf_of(PATH) == SITE
    assert shelf_of("/usr/lib/x86_64-linux-gnu/libz.so.1") == "/usr/lib/x86_64-linux-gnu"


def test_the_folder_follows_the_environment() -> None:
    assert str(cache_folder({"CXXRT_CACHE": "/c"})) == "/c/doctor"
    assert str(cache_folder({"XDG_CACHE_HOME": "/x"})) == "/x/cxxrt/doctor"


def test_the_version_is_raised_when_what_is_kept_changes() -> None:
    """Whoever changes one of these changes `facts.objects.encode` and raises `VERSION`, too."""
    assert VERSION == 14
    assert [each.name for each in fields(ObjectFacts)] == [
        *("path", "size", "facts", "copy_of", "exports", "traits", "span", "is_module"),
        "protos",
    ]
    assert [each.name for each in fields(Traits)] == [
        *("hidden", "old_string", "new_strings", "unprovided", "made", "opened")
    ]
    assert [each.name for each in fields(SharedObject)] == [
        *("bits", "little_endian", "machine", "kind", "soname", "needed", "rpath", "runpath"),
        *("version_needs", "version_definitions", "executable_stack", "static_tls"),
        *("thread_local", "gnu_properties", "symbolic", "build_id", "symbols"),
    ]
    assert [each.name for each in fields(UnreadableObject)] == [
        *("member", "reason", "machine", "executable")
    ]
    assert len(WATCHED) == 27
