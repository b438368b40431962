"""Which places say who won, compared with ``readelf -r`` of the committed files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import ElfImage
from cxxrt_toolchain.elf.lookup import find_definitions
from cxxrt_toolchain.elf.references import read_definitions, read_imports, read_references
from cxxrt_toolchain.elf.sections import read_comment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ElfFixture = Callable[[str], Path]


@pytest.mark.parametrize(
    ("name", "value", "table", "called", "channel", "own"),
    [
        ("libown.so", 0x1FE0, 0x1FC8, 0x2000, 0x1FD0, 0x1FB8),
        ("libown-aarch64.so", 0x1FE0, 0x1FC8, 0x2000, 0x1FD0, 0x1FB8),
    ],
)
def test_own_definitions_that_are_referred_to(
    elf_fixture: ElfFixture, name: str, value: int, table: int, called: int, channel: int, own: int
) -> None:
    with elf_fixture(name).open("rb") as stream:
        image = ElfImage(stream, name)
        dynamic = Dynamic(image)
        found = read_references(image, dynamic)
        definitions = read_definitions(image, dynamic, found.symbols)
    # not: guarded (protected, so always its own), relative (names no symbol), __tls_get_addr
    names = [each.name for each in definitions]
    assert list(found.places) == sorted(found.places)
    assert dict(zip(names, found.places, strict=True)) == {
        "table": table,
        "value": value,
        "called": called,
    }
    by_name = dict(zip(names, definitions, strict=True))
    assert by_name["table"].size == 8
    assert by_name["value"].address == 0x2018
    assert (by_name["value"].is_object, by_name["called"].is_object) == (True, False)
    assert found.modules == ((channel, "channel"),)
    assert found.own_module == own


def test_a_unique_definition_is_known_as_one(elf_fixture: ElfFixture) -> None:
    with elf_fixture("libunique.so").open("rb") as stream:
        image = ElfImage(stream, "libunique.so")
        dynamic = Dynamic(image)
        found = read_definitions(image, dynamic, read_references(image, dynamic).symbols)
    assert [each.is_unique for each in found] == [True]


@pytest.mark.parametrize("name", ["libplain-32.so", "plain.o", "libuser.so"])
def test_where_nothing_of_its_own_is_referred_to(elf_fixture: ElfFixture, name: str) -> None:
    with elf_fixture(name).open("rb") as stream:
        image = ElfImage(stream, name)
        found = read_references(image, Dynamic(image))
    assert not found.places
    assert found.modules == ()
    assert found.own_module is None


@pytest.mark.parametrize("name", ["libown.so", "libuser-rpath-sysv.so", "libuser-aarch64.so"])
def test_names_are_found_through_either_hash_table(elf_fixture: ElfFixture, name: str) -> None:
    with elf_fixture(name).open("rb") as stream:
        image = ElfImage(stream, name)
        found = find_definitions(image, Dynamic(image), ["guarded", "dep", "nothing", "absent"])
    assert list(found) == ["guarded"]
    assert found["guarded"].address > 0


@pytest.mark.parametrize(
    ("name", "dep", "absent"),
    [("libuser.so", 0x2000, 0x1FE0), ("libuser-rpath-sysv.so", None, None)],
)
def test_places_of_what_an_object_needs(
    elf_fixture: ElfFixture, name: str, dep: int | None, absent: int | None
) -> None:
    with elf_fixture(name).open("rb") as stream:
        image = ElfImage(stream, name)
        dynamic = Dynamic(image)
        places = {
            symbol: read_imports(image, dynamic, lambda each, symbol=symbol: each == symbol)  # type: ignore[misc]  # bound now
            for symbol in ("dep", "absent", "guarded", "none")
        }
        everything = read_imports(image, dynamic, lambda _: True)
    assert places["guarded"] == places["none"] == ()
    assert len(places["dep"]) == len(places["absent"]) == 1
    assert everything == tuple(sorted((*places["dep"], *places["absent"])))
    if dep is not None and absent is not None:
        assert (places["dep"], places["absent"]) == ((dep,), (absent,))


@pytest.mark.parametrize("name", ["libplain-32.so", "plain.o", "libplain-cet.so"])
def test_an_object_that_needs_nothing_or_is_of_another_machine(
    elf_fixture: ElfFixture, name: str
) -> None:
    with elf_fixture(name).open("rb") as stream:
        image = ElfImage(stream, name)
        assert read_imports(image, Dynamic(image), lambda each: each == "dep") == ()


def test_the_compilers_of_an_object(elf_fixture: ElfFixture) -> None:
    comments = {}
    for name in ("libplain-cet.so", "libuser-nosections.so"):
        with elf_fixture(name).open("rb") as stream:
            comments[name] = read_comment(ElfImage(stream, name))
    assert comments["libplain-cet.so"][0].startswith("GCC: (Debian 12.2.0")
    assert comments["libuser-nosections.so"] == ()
