"""Paths -> the facts of those that are ELF files, through the store.

Of a library of gigabytes only kilobytes are read: symbols are looked up by name, and only if a
runtime may be linked in and hidden, the constants are searched for its texts. A file that vanishes
or cannot be opened is skipped.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from stat import S_ISREG
from typing import BinaryIO

from cxxrt_toolchain.collect.shares import work_on
from cxxrt_toolchain.collect.store import Identity, Store, identity
from cxxrt_toolchain.elf.image import MAX_HEADER
from cxxrt_toolchain.elf.reader import ElfError, SparseElf, is_elf, machine_of
from cxxrt_toolchain.facts.families import family_of_object
from cxxrt_toolchain.facts.needs.protos import registered_protos
from cxxrt_toolchain.facts.objects import (
    WATCHED,
    Facts,
    Needs,
    ObjectFacts,
    decode,
    encode,
    static_families,
)
from cxxrt_toolchain.facts.traits import LARGEST_TABLE, NO_TRAITS, read_traits
from cxxrt_toolchain.facts.wheel import UnreadableObject

BUFFER = 1 << 14
"""Bytes that are read where fewer are asked for: the tables at the beginning of most objects."""
_KIND = "facts"
_MAGIC_SIZE = 4
ANY_EXECUTE = 0o111
"""The permission bits with which somebody may execute a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """The ELF files among some paths."""

    found: Mapping[str, ObjectFacts]
    """By path, in the order of the paths."""
    unreadable: tuple[UnreadableObject, ...]
    """Files that start like an ELF file and cannot be read."""


def read(paths: Iterable[str], store: Store, *, workers: int = 1) -> Objects:
    """The facts of the ELF files among some absolute paths; other files are left out.

    `workers` are processes that read at once. More than one forks: only for a program without
    threads.
    """
    stats = dict(_stats(dict.fromkeys(paths)))
    known: Needs = {}
    facts = dict(_kept(stats, store, known))
    missing = {path: identity[2] for path, identity in stats.items() if path not in facts}
    for path, row in zip(missing, work_on(missing, _row, workers), strict=True):
        if row is not None:
            facts[path] = decode(row, path, stats[path][2], known)
            store.put(_KIND, path, stats[path], row)
    store.save()
    ordered = [facts[path] for path in stats if path in facts]
    return Objects(
        found={each.path: each for each in ordered if isinstance(each, ObjectFacts)},
        unreadable=tuple(each for each in ordered if isinstance(each, UnreadableObject)),
    )


def _stats(paths: Iterable[str]) -> Iterator[tuple[str, Identity]]:
    for path in paths:
        try:
            found = os.stat(path)  # noqa: PTH116 - thousands of them: Path would double the time
        except (OSError, ValueError):  # gone; or a name that no file can have
            continue
        if S_ISREG(found.st_mode) and found.st_size >= _MAGIC_SIZE:
            yield path, identity(found)


def _kept(stats: Mapping[str, Identity], store: Store, known: Needs) -> Iterator[tuple[str, Facts]]:
    for path, key in stats.items():
        row = store.get(_KIND, path, key)
        if row is not None:
            with contextlib.suppress(ValueError):  # a row of another shape: read the file again
                yield path, decode(row, path, key[2], known)


def _row(path: str) -> tuple[object, ...] | None:
    """The encoded facts of one file; None where it cannot be opened."""
    try:
        with open(path, "rb", BUFFER) as stream:  # noqa: PTH123 - called for each object
            if sys.platform.startswith("linux"):  # what lies around a small piece is not needed
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            if not is_elf(stream.read(_MAGIC_SIZE)):
                return encode(None)
            try:
                return encode(read_object(stream, path))
            except ElfError as error:
                return encode(_broken(stream, error))
    except OSError:
        return None


def _broken(stream: BinaryIO, error: ElfError) -> UnreadableObject:
    stream.seek(0)
    return UnreadableObject(
        member=error.member,
        reason=error.reason,
        machine=machine_of(stream.read(MAX_HEADER)),
        executable=bool(os.fstat(stream.fileno()).st_mode & ANY_EXECUTE),
    )


def read_object(stream: BinaryIO, path: str) -> ObjectFacts:
    """The facts of one ELF file; raises `ElfError` if it cannot be read."""
    elf = SparseElf(stream, path)
    with contextlib.suppress(ElfError):  # a table that is wrong somewhere may do for what is asked
        elf.name_table(LARGEST_TABLE)  # all names in one read, where they are not many
    facts = elf.facts()
    copy_of = family_of_object(path, facts)
    init = "PyInit_" + path.rpartition("/")[2].partition(".")[0]
    exports = elf.exports((*WATCHED, init))
    return ObjectFacts(
        path=path,
        size=stream.seek(0, os.SEEK_END),
        facts=facts,
        copy_of=copy_of,
        exports=exports - {init},
        traits=NO_TRAITS
        if copy_of
        else read_traits(elf, facts, static_families(exports, symbolic=facts.symbolic)),
        span=elf.span(),
        is_module=init in exports,
        protos=registered_protos(facts, stream),
    )
