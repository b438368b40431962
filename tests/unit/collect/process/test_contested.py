"""Which references have to be looked at in a process: those that somebody else may have won."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.collect.process.contested import Exports, contested, read_exports
from cxxrt_toolchain.collect.process.references import (
    NOTHING,
    ObjectReferences,
    narrowed,
    read_object,
)
from cxxrt_toolchain.elf.image import PT_LOAD, ElfImage
from cxxrt_toolchain.elf.name_hashes import NameHashes, hash_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    ElfFixture = Callable[[str], Path]

FIRST = 3
"""The first symbol of an object below that is in its hash table."""


def _exports(*names: str) -> Exports:
    return Exports(0, 0x5000, NameHashes(FIRST, array("I", map(hash_of, names))))


def _references(*symbols: int, modules: tuple[str, ...] = ()) -> ObjectReferences:
    """One place for each symbol, side by side."""
    return NOTHING._replace(
        runs=((0x1000, array("I", range(len(symbols))).tobytes()),),
        symbols=array("I", symbols).tobytes(),
        modules=tuple((0x2000 + 16 * number, name) for number, name in enumerate(modules)),
        own_module=0x3000,
    )


def _open(path: str) -> BinaryIO:
    return open(path, "rb")  # noqa: PTH123 - as the observer does it


def _group(path: str) -> str:
    return path.split("/")[1]


def _symbols(facts: ObjectReferences) -> list[int]:
    return list(array("I", facts.symbols))


def _places(facts: ObjectReferences) -> list[int]:
    return [first + 8 * word for first, words in facts.runs for word in array("I", words)]


def test_what_another_package_defines_is_contested() -> None:
    exports = {
        "/one/a.so": _exports("mine", "ours", "shared"),
        "/one/b.so": _exports("ours"),
        "/two/c.so": _exports("theirs", "shared"),
    }
    found = contested({"/one/a.so": _references(3, 4, 5)}, exports, _group)
    assert _symbols(found["/one/a.so"]) == [FIRST + 2]
    assert _places(found["/one/a.so"]) == [0x1010]


def test_a_symbol_that_is_not_in_the_hash_table_stays() -> None:
    exports = {"/one/a.so": _exports("mine"), "/two/c.so": _exports("theirs")}
    found = contested({"/one/a.so": _references(1, 3, 9)}, exports, _group)
    assert _symbols(found["/one/a.so"]) == [1, 9]


def test_what_only_the_same_package_defines_is_not_contested() -> None:
    exports = {
        "/one/a.so": _exports("ours", "local"),
        "/one/b.so": _exports("ours", "local"),
        "/two/c.so": _exports("theirs"),
    }
    references = {"/one/a.so": _references(3, modules=("local",)), "/one/b.so": _references(3)}
    found = contested(references, exports, _group)
    assert [_symbols(each) for each in found.values()] == [[], []]
    assert [each.modules for each in found.values()] == [(), ()]


def test_symbols_that_nothing_is_bound_to_do_not_contest_each_other() -> None:
    """An old hash table covers the whole symbol table, with 0 for what others define."""
    names = NameHashes(0, array("I", [0, 0, hash_of("mine")]))
    exports = {"/one/a.so": Exports(0, 1, names), "/two/c.so": Exports(0, 1, names)}
    found = contested({"/one/a.so": _references(0, 1, 2)}, exports, _group)
    assert _symbols(found["/one/a.so"]) == [2]


def test_an_object_that_has_no_references_may_contest() -> None:
    exports = {"/one/a.so": _exports("both", "mine"), "/bin/python": _exports("x", "both")}
    found = contested({"/one/a.so": _references(3, 4)}, exports, _group)
    assert list(found) == ["/one/a.so"]
    assert _symbols(found["/one/a.so"]) == [3]


def test_nothing_is_left_out_where_one_object_may_define_anything() -> None:
    references = {"/one/a.so": _references(3, modules=("mine",))}
    exports = {"/one/a.so": _exports("mine"), "/two/c.so": None}
    assert contested(references, exports, _group) == references


def test_thread_local_variables_are_looked_at_all_or_not_at_all() -> None:
    references = {
        "/one/a.so": _references(modules=("alone", "both")),
        "/two/c.so": _references(modules=("other",)),
    }
    apart = {"/one/a.so": _exports("alone", "both"), "/two/c.so": _exports("other")}
    found = contested(references, apart, _group)
    assert [(each.modules, each.own_module) for each in found.values()] == [((), None)] * 2
    shared = apart | {"/two/c.so": _exports("other", "both")}
    assert contested(references, shared, _group) == {
        path: facts._replace(runs=()) for path, facts in references.items()
    }


def test_a_narrowed_object_keeps_places_and_symbols_together() -> None:
    facts = _references(*range(5000))
    found = narrowed(facts, lambda symbol: symbol in {0, 7, 4999})
    assert _symbols(found) == [0, 7, 4999]
    assert _places(found) == [0x1000, 0x1038, 0x1000 + 8 * 4999]
    assert len(found.runs) == 2, "what is far apart is not read in one piece"
    assert found._replace(runs=(), symbols=b"") == facts._replace(runs=(), symbols=b"")


def test_a_narrowed_object_keeps_to_words_that_lie_apart() -> None:
    facts = _references(3, 4, 5, 6)._replace(
        runs=(
            (0x1000, array("I", [0, 2]).tobytes()),
            (0x1014, array("I", [0, 3]).tobytes()),  # half a word further
        )
    )
    assert _places(facts) == [0x1000, 0x1010, 0x1014, 0x102C]
    found = narrowed(facts, lambda symbol: symbol != 4)
    assert _symbols(found) == [3, 5, 6]
    assert _places(found) == [0x1000, 0x1014, 0x102C]
    assert narrowed(facts, lambda _: True) == facts
    assert narrowed(facts, lambda _: False) == facts._replace(runs=(), symbols=b"")


def test_real_objects_of_one_build_contest_each_other(elf_fixture: ElfFixture) -> None:
    path = str(elf_fixture("libown.so"))
    facts, exports = read_object(path, _open), read_exports(path, _open)
    assert facts.modules
    both = {"/one/a.so": exports, "/two/c.so": exports}
    assert contested({"/one/a.so": facts}, both, _group) == {"/one/a.so": facts}
    other = read_exports(str(elf_fixture("libunique.so")), _open)
    found = contested({"/one/a.so": facts}, both | {"/two/c.so": other}, _group)
    assert _symbols(found["/one/a.so"]) == []


def test_the_range_of_an_objects_memory_is_that_of_its_segments(elf_fixture: ElfFixture) -> None:
    path = str(elf_fixture("libown.so"))
    found = read_exports(path, _open)
    with _open(path) as stream:
        loads = [load for load in ElfImage(stream, path).segments if load.type == PT_LOAD]
    assert found is not None
    assert found.high > 0x2018
    assert (found.low, found.high) == (
        loads[0].address,
        loads[-1].address + loads[-1].memory_size,
    )


def test_what_cannot_be_read_exports_nobody_knows_what(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ELF file")
    assert read_exports(str(tmp_path / "text"), _open) is None
    assert read_exports(str(tmp_path / "absent"), _open) is None
