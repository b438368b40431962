"""Looking at a process: /proc, the files that are mapped, the memory -> `ProcessView`.

In: `ProcessFacts`, again and again for processes of one program. Out: views. Facts of files are
remembered here and in the cache; what is installed is read only when a file is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.doctor import objects
from cxxrt_toolchain.doctor.answers import Answers
from cxxrt_toolchain.doctor.bindings import Bindings, ObjectInMemory, read_bindings
from cxxrt_toolchain.doctor.diagnosis import Library, Package
from cxxrt_toolchain.doctor.file_facts import describe
from cxxrt_toolchain.doctor.file_table import FileFacts, FileTable, Kind, state_of
from cxxrt_toolchain.doctor.installed import Environment, read_environment
from cxxrt_toolchain.doctor.libraries import Places
from cxxrt_toolchain.doctor.meetings import NO_MEETINGS
from cxxrt_toolchain.doctor.memory import AddressMap, load_order, open_memory
from cxxrt_toolchain.doctor.object_references import ReferenceTable
from cxxrt_toolchain.doctor.process_environment import runtime_version
from cxxrt_toolchain.doctor.process_meetings import may_meet, meetings_of
from cxxrt_toolchain.doctor.process_view import ProcessView
from cxxrt_toolchain.doctor.procfs import files_now
from cxxrt_toolchain.elf.comment import read_comment
from cxxrt_toolchain.elf.image import ElfError, ElfImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cxxrt_toolchain.doctor.cache import FactsCache
    from cxxrt_toolchain.doctor.interpreter import Interpreter
    from cxxrt_toolchain.doctor.mappings import MappedFile
    from cxxrt_toolchain.doctor.meetings import Meetings
    from cxxrt_toolchain.doctor.memory import LoadedEntry, Memory
    from cxxrt_toolchain.doctor.procfs import ProcessFacts

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
        self._environment = environment
        self._cache = cache
        folder = cache.folder if cache else None
        self._table = FileTable(folder, interpreter.program, state_of(interpreter.path))
        self._files: dict[str, FileFacts | None] = {}
        self._runtime = runtime_version(interpreter.path)

    @cached_property
    def environment(self) -> Environment:
        """What is installed for the program."""
        return self._environment or read_environment(self.interpreter, self._cache)

    @cached_property
    def _references(self) -> ReferenceTable:
        return ReferenceTable(self._cache.folder if self._cache else None, self.interpreter.program)

    def look(self, facts: ProcessFacts, *, memory: bool = True) -> ProcessView:
        """Everything that the rules may know of a process at this moment."""
        if not memory:
            return self._blind_view(facts, "it was not asked for")
        with open_memory(facts.pid) as opened:
            mapped = cache(lambda: {each.path: each for each in files_now(facts.pid)})
            if opened is None:
                reason = "the kernel does not let this user read the process's memory"
                return self._blind_view(facts, reason)
            loaded = _as_loaded(facts, opened, mapped)
            if not loaded:
                reason = "the loader's list of objects cannot be found in its memory"
                return self._blind_view(facts, reason)
            self._learn(facts.root, [file for file, _ in loaded])
            bindings = self._bindings(facts, loaded, opened, mapped)
        return self._view(facts, loaded, bindings, "")

    def _blind_view(self, facts: ProcessFacts, why_no_memory: str) -> ProcessView:
        self._learn(facts.root, facts.files)
        return self._view(facts, [(each, 0) for each in facts.files], None, why_no_memory)

    def _learn(self, root: str, files: Sequence[MappedFile]) -> None:
        """Find out about the files that were not met before."""
        known = self._files
        new = [each for each in files if each.path not in known]
        places = {each.path: root + each.path for each in new if not each.deleted}
        if not root:
            known.update(self._table.find(places))
        missing = {place: path for path, place in places.items() if path not in known}
        if missing:
            found = objects.read(missing, None if root else self._cache).found
            here = Places(environment=self.environment)
            for place, path in missing.items():
                known[path] = describe(here, place, found.get(place), root)
                self._keep(root, path, place)
            self._table.save()
        for each in new:
            if each.deleted:
                known[each.path] = None

    def _keep(self, root: str, path: str, place: str) -> None:
        facts = self._files[path]
        if facts is not None and not root:
            self._table.add(path, place, facts)

    def _bindings(
        self, facts: ProcessFacts, loaded: _Loaded, memory: Memory, mapped: _Mapped
    ) -> Bindings:
        known = self._files
        bases = {
            file.path: base
            for file, base in loaded
            if (row := known.get(file.path)) and row.kind.is_cxx and not file.deleted
        }
        if not bases:
            return Bindings()

        def open_file(path: str) -> BinaryIO:
            return open(facts.root + path, "rb")  # noqa: PTH123 - a path of the kernel's, as it is

        def group(path: str) -> str:
            row = known.get(path)
            return (row.kind.package if row else None) or path.rpartition("/")[0]

        spans = mapped()
        places = {path: facts.root + path for path in bases if path in spans}
        table = self._references if not facts.root else ReferenceTable(None, "")
        wanted = [
            ObjectInMemory(path, bases[path], spans[path].start, spans[path].end, references)
            for path, references in table.read(places, open_file).items()
        ]
        others = [
            (each.start, each.end, each.path) for each in spans.values() if each.path not in places
        ]
        return read_bindings(wanted, others, memory, open_file, group)

    def _view(
        self,
        facts: ProcessFacts,
        loaded: _Loaded,
        bindings: Bindings | None,
        why_no_memory: str,
    ) -> ProcessView:
        ordered = not why_no_memory
        libraries = []
        needed: dict[str, tuple[str, ...]] = {}
        places = None
        for number, (file, _) in enumerate(loaded):
            order = number if ordered else None
            known = self._files.get(file.path)
            if known is not None:
                soname, kind = known
                libraries.append(Library(file.path, soname, *kind[:5], order, file.deleted))
                needed[file.path] = kind.needed
            else:  # nothing can be read: deleted, or no ELF file
                places = places or Places(environment=self.environment)
                libraries.append(places.library(file.path, None, order=order, deleted=file.deleted))
        kinds = self._kinds()
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
            compilers=_compilers(facts.root, bindings),
            meetings=self._meetings(libraries, needed, kinds, facts.root),
        )

    def _meetings(
        self,
        libraries: list[Library],
        needed: dict[str, tuple[str, ...]],
        kinds: Iterable[Kind],
        root: str,
    ) -> Meetings:
        if not may_meet({kind.traces for kind in kinds}):  # as in most processes
            return NO_MEETINGS
        folder = self._cache.folder if self._cache and not root else None
        answers = Answers(folder, self.interpreter.program, "process")
        files = ((each.path, self._files.get(each.path)) for each in libraries)
        texts = {path: row.kind.traces for path, row in files if row is not None}
        return meetings_of(libraries, needed, texts, root, answers)

    def _kinds(self) -> tuple[Kind, ...]:
        kinds = [facts.kind for facts in self._files.values() if facts is not None]
        return tuple({id(kind): kind for kind in kinds}.values())

    def _packages(self, libraries: list[Library], kinds: Iterable[Kind]) -> tuple[Package, ...]:
        counts = Counter(each.package for each in libraries if each.package)
        rows = {
            kind.package: (kind.package_version, kind.location)
            for kind in kinds
            if kind.package and kind.package in counts
        }
        if counts.keys() - rows.keys():  # known only by files that are gone
            named = {name: self.environment.named(name) for name in counts.keys() - rows.keys()}
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
    if not files.keys() >= {base for base, _ in entries}:
        files = _files_by_dynamic_section(mapped(), entries)
    found: dict[str, tuple[MappedFile, int]] = {}
    for base, _ in entries:
        file = files.get(base)
        if file is not None and file.path not in found:
            found[file.path] = (file, base)
    return list(found.values())


def _files_by_dynamic_section(
    mapped: dict[str, MappedFile], entries: Iterable[LoadedEntry]
) -> dict[int, MappedFile]:
    """Which file holds an object's dynamic section, by the object's load address."""
    owners = AddressMap((each.start, each.end, each.path) for each in mapped.values())
    paths = ((base, owners.owner(dynamic)) for base, dynamic in entries)
    return {base: mapped[path] for base, path in paths if path}


def _compilers(root: str, bindings: Bindings | None) -> dict[str, tuple[str, ...]]:
    """The compilers of objects that are bound to one another."""
    paths = {path for pair in bindings.pairs for path in pair} if bindings else set()
    return {path: _comment(root + path) for path in sorted(paths)}


def _comment(path: str) -> tuple[str, ...]:
    try:
        with Path(path).open("rb") as stream:
            return read_comment(ElfImage(stream, path))
    except (OSError, ElfError):
        return ()
