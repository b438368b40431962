"""The cache of facts: identity decides, and nothing that is wrong with it fails a diagnosis."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect import cache as module
from cxxrt_toolchain.collect.cache import FactsCache, cache_folder, shelf_of
from cxxrt_toolchain.elf.facts import SharedObject
from cxxrt_toolchain.facts.objects import VERSION, WATCHED, ObjectFacts
from cxxrt_toolchain.facts.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SITE = "/nowhere/lib/python3.12/site-packages"
PATH = f"{SITE}/demo/_core.so"
IDENTITY = (1, 2, 3, 4)


def filled(folder: Path) -> FactsCache:
    cache = FactsCache(folder)
    cache.put(PATH, IDENTITY, "{}")
    cache.save()
    return cache


def only_shelf(folder: Path) -> Path:
    (shelf,) = folder.glob("*.shelf")
    return shelf


def test_a_line_comes_back_for_the_same_identity(tmp_path: Path) -> None:
    filled(tmp_path)
    assert FactsCache(tmp_path).get(PATH, IDENTITY) == "{}"


@pytest.mark.parametrize("place", range(4))
def test_a_change_of_any_part_of_the_identity_forgets_it(tmp_path: Path, place: int) -> None:
    filled(tmp_path)
    parts = list(IDENTITY)
    parts[place] += 1
    assert FactsCache(tmp_path).get(PATH, (parts[0], parts[1], parts[2], parts[3])) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"{}", b"[]"),
        lambda data: data[:0],
        lambda data: b"\0" * len(data),
        lambda data: data.replace(b"cxxrt-doctor-", b"cxxrt-doctor-0"),
    ],
)
def test_a_damaged_shelf_is_empty_and_is_written_anew(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    filled(tmp_path)
    shelf = only_shelf(tmp_path)
    shelf.write_bytes(damage(shelf.read_bytes()))
    assert FactsCache(tmp_path).get(PATH, IDENTITY) is None
    filled(tmp_path)
    assert FactsCache(tmp_path).get(PATH, IDENTITY) == "{}"


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    assert filled(blocked / "cache").get(PATH, IDENTITY) == "{}"


def test_two_runs_that_write_at_once_keep_each_others_facts(tmp_path: Path) -> None:
    here = tmp_path / "site-packages"
    here.mkdir()
    for name in ("a.so", "b.so"):
        (here / name).write_bytes(b"")
    one, two = FactsCache(tmp_path / "cache"), FactsCache(tmp_path / "cache")
    one.put(f"{here}/a.so", IDENTITY, "1")
    two.put(f"{here}/b.so", IDENTITY, "2")
    one.save()
    two.save()
    later = FactsCache(tmp_path / "cache")
    assert later.get(f"{here}/a.so", IDENTITY) == "1"
    assert later.get(f"{here}/b.so", IDENTITY) == "2"


def test_files_that_are_gone_are_forgotten_with_the_next_write(tmp_path: Path) -> None:
    filled(tmp_path)
    other = FactsCache(tmp_path)
    other.put(f"{SITE}/other.so", IDENTITY, "1")
    other.save()
    assert FactsCache(tmp_path).get(PATH, IDENTITY) is None
    assert FactsCache(tmp_path).get(f"{SITE}/other.so", IDENTITY) == "1"


def test_the_number_of_shelves_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SHELVES", 3)
    for number in range(5):
        cache = FactsCache(tmp_path)
        cache.put(f"/opt/{number}/x.so", IDENTITY, "1")
        cache.save()
    assert len(list(tmp_path.glob("*.shelf"))) == 3


def test_a_line_end_in_a_path_cannot_forge_a_row(tmp_path: Path) -> None:
    cache = FactsCache(tmp_path)
    cache.put(f"{SITE}/a\n{PATH}\t1:2:3:4\tforged", IDENTITY, "1")
    cache.save()
    assert FactsCache(tmp_path).get(PATH, IDENTITY) is None


def test_packages_share_the_shelf_of_their_site_folder() -> None:
    assert shelf_of(PATH) == SITE
    assert shelf_of("/usr/lib/x86_64-linux-gnu/libz.so.1") == "/usr/lib/x86_64-linux-gnu"


def test_the_folder_follows_the_environment() -> None:
    assert str(cache_folder({"CXXRT_CACHE": "/c"})) == "/c/doctor"
    assert str(cache_folder({"XDG_CACHE_HOME": "/x"})) == "/x/cxxrt/doctor"


def test_the_version_is_raised_when_what_is_kept_changes() -> None:
    """Whoever changes one of these changes `encoding` and raises `encoding.VERSION`, too."""
    assert VERSION == 5
    assert [each.name for each in fields(ObjectFacts)] == [
        *("path", "size", "facts", "copy_of", "exports", "cudart_needed", "traits")
    ]
    assert [each.name for each in fields(Traits)] == [
        *("hidden", "old_string", "new_strings", "unprovided", "made", "opened")
    ]
    assert [each.name for each in fields(SharedObject)] == [
        *("bits", "little_endian", "machine", "kind", "soname", "needed", "rpath", "runpath"),
        *("version_needs", "version_definitions", "executable_stack", "static_tls"),
        *("gnu_properties", "symbolic", "build_id", "symbols", "groups"),
    ]
    assert len(WATCHED) == 21
