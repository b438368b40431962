"""Loaded objects: which file each one is, what it says, and whose it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from process_samples import environment

from cxxrt_toolchain.collect.process.loaded import LoadedObject, describe, placed
from cxxrt_toolchain.collect.process.memory import LoadedEntry
from cxxrt_toolchain.collect.process.procfs import Mapping, ProcessFacts
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.facts.installed import Distribution

if TYPE_CHECKING:
    from collections.abc import Callable

    ElfFixture = Callable[[str], Path]

pytestmark = pytest.mark.usefixtures("settled")


def process(*mappings: Mapping, root: str = "") -> ProcessFacts:
    return ProcessFacts(
        pid=1,
        executable="/usr/bin/python3.12",
        arguments=(),
        environment={},
        root=root,
        chroot="",
        mappings=mappings,
    )


def described(
    *mappings: Mapping, store: Store | None = None, root: str = "", owner: str = ""
) -> tuple[LoadedObject, ...]:
    facts = process(*mappings, root=root)
    owners = [
        Distribution(
            name=owner, version="1.0", location="/", requires=(), tags=(), files=(mappings[0].path,)
        )
    ]
    return describe(
        facts,
        [(each, each.start) for each in mappings],
        environment(*owners if owner else ()),
        store or Store(),
        ordered=True,
        workers=1,
    )


@pytest.fixture
def mapping(elf_fixture: ElfFixture, tmp_path: Path) -> Mapping:
    path = shutil.copy(elf_fixture("libuser.so"), str(tmp_path / "libuser.so"))
    return Mapping(path, 0x10000, 0x11000, is_code=False)


def test_a_file_is_found_by_the_dynamic_section() -> None:
    """Code may lie elsewhere, and another file between the pieces of one."""
    pieces = [
        Mapping("/a.so", 0x1000, 0x2000, is_code=False),
        Mapping("/b.so", 0x2000, 0x3000, is_code=True),
        Mapping("/a.so", 0x3000, 0x4000, is_code=False),
    ]
    entries = [LoadedEntry(0x2000, 0x2800), LoadedEntry(0x1000, 0x3800), LoadedEntry(9, 0x9000)]
    found = placed(process(*pieces), entries)
    assert found == [(pieces[1], 0x2000), (pieces[0], 0x1000)]


def test_an_object_is_what_its_file_says(mapping: Mapping) -> None:
    (found,) = described(mapping)
    assert found.facts is not None
    assert (found.library.soname, found.library.order) == ("libuser.so", 0)
    assert found.facts.facts.needed == ("libdep.so.1",)
    start, end = found.facts.span
    assert found.span == (0x10000 + start, 0x10000 + end)
    assert end > start


@pytest.mark.parametrize("owner", ["", "maker"])
def test_it_belongs_to_its_package_or_to_its_folder(mapping: Mapping, owner: str) -> None:
    (found,) = described(mapping, owner=owner)
    assert found.group == (owner or str(Path(mapping.path).parent))


def test_a_file_that_changes_between_two_looks_is_read_again(
    mapping: Mapping, elf_fixture: ElfFixture
) -> None:
    store = Store()
    assert described(mapping, store=store)[0].library.soname == "libuser.so"
    shutil.copy(elf_fixture("libdep.so"), mapping.path)
    assert described(mapping, store=store)[0].library.soname == "libdep.so.1"


def test_a_deleted_file_is_not_the_one_that_has_its_name_now(mapping: Mapping) -> None:
    store = Store()
    assert described(mapping, store=store)[0].facts is not None
    (gone,) = described(mapping._replace(deleted=True), store=store)
    assert gone.facts is None
    assert gone.library.deleted
    assert gone.span == (0x10000, 0x11000), "what is mapped"


def test_what_is_mapped_and_not_elf_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not ELF")
    names = (str(tmp_path / "text"), "/memfd:jit", "/dev/null", str(tmp_path))
    found = described(*(Mapping(name, 1, 2, is_code=True) for name in names))
    assert [(each.facts, each.is_cxx, each.glibc) for each in found] == [(None, False, "")] * 4


def test_a_path_in_another_root_is_another_file(
    mapping: Mapping, elf_fixture: ElfFixture, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    inside = root / mapping.path.lstrip("/")
    inside.parent.mkdir(parents=True)
    shutil.copy(elf_fixture("libdep.so"), inside)
    (found,) = described(mapping, root=str(root))
    assert (found.library.soname, found.path) == ("libdep.so.1", mapping.path)
