"""Looking at a process: /proc, the files that are mapped, the memory -> `ProcessView`.

In: `ProcessFacts`, again and again for processes of one program. Out: views. What follows from the
files alone comes from a `SetReader`, which remembers it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.collect.answers import Answers
from cxxrt_toolchain.collect.process.belongings import runtime_version
from cxxrt_toolchain.collect.process.bindings import ObjectInMemory, describe_bound, read_bindings
from cxxrt_toolchain.collect.process.cudart_users import idle_copies
from cxxrt_toolchain.collect.process.memory import AddressMap, load_order, open_memory
from cxxrt_toolchain.collect.process.process_interactions import (
    decode_interactions,
    encode_interactions,
    find_in_process,
    objects_of,
)
from cxxrt_toolchain.collect.process.procfs import files_now
from cxxrt_toolchain.collect.process.set_reader import SetReader, group_of
from cxxrt_toolchain.elf.comment import read_comment
from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.facts.bindings import Bindings
from cxxrt_toolchain.facts.interactions import NO_INTERACTIONS
from cxxrt_toolchain.facts.libraries import Library, Package, Places
from cxxrt_toolchain.facts.process import ProcessView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cxxrt_toolchain.collect.cache import FactsCache
    from cxxrt_toolchain.collect.process.bindings import Symbols
    from cxxrt_toolchain.collect.process.file_table import Kind
    from cxxrt_toolchain.collect.process.load_set import LoadSet
    from cxxrt_toolchain.collect.process.mappings import MappedFile
    from cxxrt_toolchain.collect.process.memory import LoadedEntry, Memory
    from cxxrt_toolchain.collect.process.procfs import ProcessFacts
    from cxxrt_toolchain.facts.bindings import Bound
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.facts.interactions import Interactions
    from cxxrt_toolchain.host.interpreter import Interpreter

VARIABLES = (
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_BIND_NOW", "GLIBC_TUNABLES"),
    *("CONDA_PREFIX", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
    *("CXXRT_DISABLE", "CXXRT_CXX", "CXXRT_CUDART", "CXXRT_DEBUG"),
    *("CUDA_HOME", "CUDA_PATH", "KMP_DUPLICATE_LIB_OK", "OMP_NUM_THREADS"),
)
"""Environment variables that decide what is loaded, or how it behaves together."""

_Loaded = list[tuple["MappedFile", int]]
"""Files with what is added to the addresses in them."""
_Mapped = Callable[[], dict[str, "MappedFile"]]
"""All mapped files by their paths; read when asked for, and once."""


class Observer:
    """Looks at processes of one program."""

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        environment: Environment | None = None,
        cache: FactsCache | None = None,
    ) -> None:
        self.interpreter = interpreter
        self._sets = SetReader(interpreter, environment, cache)
        self._runtime = runtime_version(interpreter.path)

    def look(self, facts: ProcessFacts, *, memory: bool = True) -> ProcessView:
        """Everything that the rules may know of a process at this moment."""
        if not memory:
            return self._blind_view(facts, "it was not asked for")
        with open_memory(facts.pid) as opened:
            if opened is None:
                reason = "the kernel does not let this user read the process's memory"
                return self._blind_view(facts, reason)
            mapped = cache(lambda: {each.path: each for each in files_now(facts.pid)})
            loaded = _as_loaded(facts, opened, mapped)
            if not loaded:
                reason = "the loader's list of objects cannot be found in its memory"
                return self._blind_view(facts, reason)
            known = self._sets.read(facts.root, [file for file, _ in loaded], memory=True)
            bindings = _bindings(facts.root, loaded, known, opened, mapped)
        return self._view(facts, loaded, known, bindings, "")

    def save(self) -> None:
        """Keep what was learned of the sets of files that were looked at."""
        self._sets.save()

    def _blind_view(self, facts: ProcessFacts, why_no_memory: str) -> ProcessView:
        known = self._sets.read(facts.root, facts.files, memory=False)
        return self._view(facts, [(each, 0) for each in facts.files], known, None, why_no_memory)

    def _view(
        self,
        facts: ProcessFacts,
        loaded: _Loaded,
        known: LoadSet,
        bindings: Bindings | None,
        why_no_memory: str,
    ) -> ProcessView:
        ordered = not why_no_memory
        libraries = []
        needed: dict[str, tuple[str, ...]] = {}
        places = None
        heads = {id(kind): kind[:5] for kind in known.kinds if kind}
        rows = zip(loaded, known.sonames, known.kinds, strict=True)
        for number, ((file, _), soname, kind) in enumerate(rows):
            order = number if ordered else None
            path, deleted = file.path, file.deleted
            if kind is not None:
                # As tuples are made: a process has hundreds, and `Library` takes thrice as long.
                row = (path, soname, *heads[id(kind)], order, deleted)
                libraries.append(tuple.__new__(Library, row))
                needed[path] = kind.needed
            else:  # nothing can be read: deleted, or no ELF file
                places = places or Places(environment=self._sets.environment)
                libraries.append(places.library(path, None, order=order, deleted=deleted))
        kinds = tuple({id(kind): kind for kind in known.kinds if kind}.values())
        return ProcessView(
            libraries=tuple(libraries),
            needed=needed,
            packages=self._packages(libraries, kinds),
            ordered=ordered,
            bindings=bindings,
            why_no_memory=why_no_memory,
            variables={
                name: facts.environment[name] for name in VARIABLES if name in facts.environment
            },
            glibc=next((kind.glibc for kind in kinds if kind.glibc), ""),
            python=self.interpreter.python,
            runtime_version=self._runtime,
            compilers=_compilers(facts.root, bindings, known),
            interactions=self._interactions(libraries, needed, known, facts.root),
        )

    def _interactions(
        self,
        libraries: list[Library],
        needed: dict[str, tuple[str, ...]],
        known: LoadSet,
        root: str,
    ) -> Interactions:
        if known.interactions == ():  # as in most processes
            return NO_INTERACTIONS
        rows = zip(libraries, known.kinds, strict=True)
        objects = objects_of([(each, kind.traits) for each, kind in rows if kind], needed, root)
        if known.interactions is None:
            folder = self._sets.folder if not root else None
            found = find_in_process(objects, Answers(folder, self.interpreter.program, "process"))
            known.interactions = encode_interactions(found)
            known.changed = True
            return found
        return decode_interactions(known.interactions, objects)

    def _packages(self, libraries: list[Library], kinds: Iterable[Kind]) -> tuple[Package, ...]:
        counts = Counter(each.package for each in libraries if each.package)
        rows = {
            kind.package: (kind.package_version, kind.location)
            for kind in kinds
            if kind.package and kind.package in counts
        }
        if counts.keys() - rows.keys():  # known only by files that are gone
            named = {
                name: self._sets.environment.named(name) for name in counts.keys() - rows.keys()
            }
            rows |= {name: (row.version, row.location) for name, row in named.items() if row}
        return tuple(
            sorted(
                Package(name=name, version=version, objects=counts[name], location=location)
                for name, (version, location) in rows.items()
            )
        )


def _as_loaded(facts: ProcessFacts, memory: Memory, mapped: _Mapped) -> _Loaded:
    """The loader's list, with the files that are mapped where it says."""
    entries = load_order(facts.pid, memory)
    files = {each.base: each for each in facts.files}  # true where memory has the file's layout
    if entries:  # a program that cannot be moved is at 0
        program = (each for each in facts.files if each.path == facts.executable)
        files.update((entries[0].base, each) for each in program)
    odd = [entry for entry in entries if entry.base not in files]
    if odd:
        files.update(_files_by_code(facts.files, odd))
    if any(base not in files for base, _ in odd):
        files = _files_by_dynamic_section(mapped(), entries)
    found: dict[str, tuple[MappedFile, int]] = {}
    for base, _ in entries:
        file = files.get(base)
        if file is not None and file.path not in found:
            found[file.path] = (file, base)
    return list(found.values())


def _files_by_code(
    files: Sequence[MappedFile], entries: Iterable[LoadedEntry]
) -> Iterator[tuple[int, MappedFile]]:
    """Which code lies between an object's load address and its dynamic section: its own."""
    starts = [each.start for each in files]
    for base, dynamic in entries:
        index = bisect_left(starts, base)
        if index < len(files) and starts[index] < dynamic:
            yield base, files[index]


def _files_by_dynamic_section(
    mapped: dict[str, MappedFile], entries: Iterable[LoadedEntry]
) -> dict[int, MappedFile]:
    """Which file holds an object's dynamic section, by the object's load address."""
    owners = AddressMap((each.start, each.end, each.path) for each in mapped.values())
    paths = ((base, owners.owner(dynamic)) for base, dynamic in entries)
    return {base: mapped[path] for base, path in paths if path}


def _bindings(
    root: str, loaded: _Loaded, known: LoadSet, memory: Memory, mapped: _Mapped
) -> Bindings:
    if not known.references and not known.cudart:
        return Bindings()

    kinds = {file.path: kind for (file, _), kind in zip(loaded, known.kinds, strict=True)}

    def open_file(path: str) -> BinaryIO:
        if kinds.get(path) is None:
            raise ElfError(path, "it is gone, or no ELF file")
        return open(root + path, "rb")  # noqa: PTH123 - a path of the kernel's, as it is

    def describe(source: ObjectInMemory, target: str, symbols: Symbols) -> tuple[Bound, ...]:
        return known.describe(source, target, symbols, partial(describe_bound, open_file=open_file))

    spans = {
        file.path: (base, base + low, base + high)
        for (file, base), (low, high) in zip(loaded, known.ranges, strict=True)
    }
    if (0, 0) in known.ranges:  # some cannot be read; what is mapped has to do for all
        _from_mappings(spans, mapped())
    wanted = [
        ObjectInMemory(path, *spans[path], references)
        for path, references in known.references.items()
    ]
    owners = AddressMap((start, end, path) for path, (_, start, end) in spans.items())
    found = read_bindings(
        wanted, owners, memory, describe, lambda path: group_of(path, kinds.get(path))
    )

    def bound(path: str, place: int) -> str:
        return owners.owner(memory.word(spans[path][0] + place) or 0)

    return replace(found, idle=idle_copies(known.cudart, bound)) if known.cudart else found


def _from_mappings(spans: dict[str, tuple[int, int, int]], mapped: dict[str, MappedFile]) -> None:
    """Fill in the ranges of memory that no file tells."""
    for path, (base, start, end) in spans.items():
        file = mapped.get(path)
        if start == end and file is not None:
            spans[path] = (base, file.start, file.end)


def _compilers(root: str, bindings: Bindings | None, known: LoadSet) -> dict[str, tuple[str, ...]]:
    """The compilers of objects that are bound to one another."""
    paths = {path for pair in bindings.pairs for path in pair} if bindings else set()
    return {
        path: known.compiler(path, lambda path: _comment(root + path)) for path in sorted(paths)
    }


def _comment(path: str) -> tuple[str, ...]:
    try:
        with Path(path).open("rb") as stream:
            return read_comment(ElfImage(stream, path))
    except ElfError:
        return ()
