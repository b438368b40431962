"""Looking at a process: /proc, the files that are mapped, the memory -> `ProcessView`.

In: `ProcessFacts`, again and again for processes of one program. Out: views. Facts of files are
remembered here and in the cache; what is installed is read only when a file is new.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.audit.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.doctor import objects
from cxxrt_toolchain.doctor.bindings import ObjectInMemory, read_bindings
from cxxrt_toolchain.doctor.diagnosis import Library, Origin, Package
from cxxrt_toolchain.doctor.file_table import FileFacts, FileTable
from cxxrt_toolchain.doctor.installed import Environment, read_environment
from cxxrt_toolchain.doctor.libraries import Places
from cxxrt_toolchain.doctor.memory import AddressMap, load_order, open_memory
from cxxrt_toolchain.doctor.process_environment import runtime_version
from cxxrt_toolchain.doctor.process_view import ProcessView
from cxxrt_toolchain.elf.comment import read_comment
from cxxrt_toolchain.elf.image import ElfError, ElfImage

if TYPE_CHECKING:
    from cxxrt_toolchain.doctor.bindings import Bindings
    from cxxrt_toolchain.doctor.cache import FactsCache
    from cxxrt_toolchain.doctor.encoding import ObjectFacts
    from cxxrt_toolchain.doctor.interpreter import Interpreter
    from cxxrt_toolchain.doctor.memory import Memory
    from cxxrt_toolchain.doctor.procfs import MappedFile, ProcessFacts

VARIABLES = (
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_BIND_NOW", "GLIBC_TUNABLES"),
    *("CONDA_PREFIX", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
    *("CXXRT_DISABLE", "CXXRT_CXX", "CXXRT_CUDART", "CXXRT_DEBUG"),
    *("CUDA_HOME", "CUDA_PATH", "KMP_DUPLICATE_LIB_OK", "OMP_NUM_THREADS"),
)
"""Environment variables that decide what is loaded, or how it behaves together."""
_CXX = frozenset({RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCXX})
_FAMILIES = {family.value: family for family in RuntimeFamily}
_ORIGINS = {origin.value: origin for origin in Origin}
_GLIBC = re.compile(r"GLIBC_(2\.\d+)(?:\.\d+)?")

_Loaded = list[tuple["MappedFile", ObjectInMemory]]


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
        self._table = FileTable(cache.folder if cache else None, interpreter.program)
        self._files: dict[str, FileFacts | None] = {}
        self._runtime = runtime_version(interpreter.path)

    @cached_property
    def environment(self) -> Environment:
        """What is installed for the program."""
        return self._environment or read_environment(self.interpreter)

    def look(self, facts: ProcessFacts, *, memory: bool = True) -> ProcessView:
        """Everything that the rules may know of a process at this moment."""
        code = [each for each in facts.files if each.is_code or ".so" in each.path]
        self._learn(facts.root, code)
        if not memory:
            return self._view(facts, _as_mapped(code), None, "it was not asked for")
        with open_memory(facts.pid) as opened:
            if opened is None:
                reason = "the kernel does not let this user read the process's memory"
                return self._view(facts, _as_mapped(code), None, reason)
            loaded = _as_loaded(facts, opened)
            if not loaded:
                reason = "the loader's list of objects cannot be found in its memory"
                return self._view(facts, _as_mapped(code), None, reason)
            bindings = self._bindings(facts, loaded, opened)
        return self._view(facts, loaded, bindings, "")

    def _learn(self, root: str, files: list[MappedFile]) -> None:
        """Find out about the files that were not met before."""
        known = self._files
        new = [each for each in files if each.path not in known]
        places = {each.path: root + each.path for each in new if not each.deleted}
        kept = self._table.find(places) if not root else {}
        known.update(kept)
        missing = {place: path for path, place in places.items() if path not in kept}
        if missing:
            found = objects.read(missing, None if root else self._cache).found
            here = Places(environment=self.environment)
            for place, path in missing.items():
                self._files[path] = _described(here, place, found.get(place), root)
                self._keep(root, path, place)
            self._table.save()
        for each in new:
            self._files.setdefault(each.path, None)

    def _keep(self, root: str, path: str, place: str) -> None:
        facts = self._files[path]
        if facts is not None and not root:
            self._table.add(path, place, facts)

    def _bindings(self, facts: ProcessFacts, loaded: _Loaded, memory: Memory) -> Bindings:
        wanted = [place for file, place in loaded if not file.deleted and self._is_cxx(file.path)]
        names = {place.path for place in wanted}
        others = [
            (each.start, each.end, each.path) for each in facts.files if each.path not in names
        ]

        def open_file(path: str) -> BinaryIO:
            return open(facts.root + path, "rb")  # noqa: PTH123 - a path of the kernel's, as it is

        return read_bindings(wanted, others, memory, open_file)

    def _is_cxx(self, path: str) -> bool:
        facts = self._files.get(path)
        return facts is not None and bool(facts.cxx)

    def _view(
        self,
        facts: ProcessFacts,
        loaded: _Loaded,
        bindings: Bindings | None,
        why_no_memory: str,
    ) -> ProcessView:
        ordered = not why_no_memory
        here = Places(environment=self.environment) if self._blind(loaded) else None
        libraries = []
        needed: dict[str, tuple[str, ...]] = {}
        for number, (file, _) in enumerate(loaded):
            known = self._files.get(file.path)
            order = number if ordered else None
            if known is not None:
                libraries.append(_library(file, known, order))
                needed[file.path] = _words(known.needed)
            elif here is not None:
                libraries.append(here.library(file.path, None, order=order, deleted=file.deleted))
        return ProcessView(
            libraries=tuple(libraries),
            needed=needed,
            packages=self._packages(libraries),
            ordered=ordered,
            bindings=bindings,
            why_no_memory=why_no_memory,
            variables={
                name: facts.environment[name] for name in VARIABLES if name in facts.environment
            },
            glibc=next(
                (row.glibc for row in self._files.values() if row is not None and row.glibc), ""
            ),
            python=self.interpreter.python,
            runtime_version=self._runtime,
            compilers=_compilers(facts.root, bindings),
        )

    def _blind(self, loaded: _Loaded) -> bool:
        """Whether something is loaded of which no file tells: deleted, or unreadable."""
        return any(self._files.get(file.path) is None for file, _ in loaded)

    def _packages(self, libraries: list[Library]) -> tuple[Package, ...]:
        counts = Counter(each.package for each in libraries if each.package)
        rows = {
            row.package: (row.package_version, row.location)
            for row in self._files.values()
            if row is not None and row.package in counts
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


def _described(here: Places, place: str, report: ObjectFacts | None, root: str) -> FileFacts | None:
    """A row of a file, None where it is no ELF file that can be read."""
    if report is None:
        return None
    library = here.library(place, report)
    owner = here.environment.owner(place)
    needed = report.facts.needed
    families = {report.copy_of, *(family_of_name(name) for name in needed)}
    return FileFacts(
        soname=library.soname,
        origin=library.origin.value,
        package=library.package or "",
        package_version=owner.version if owner else "",
        location=owner.location.removeprefix(root) if owner else "",
        family=library.family.value if library.family else "",
        static=",".join(each.value for each in library.static),
        version=library.version,
        needed=",".join(needed),
        cxx="yes" if families & _CXX or report.locale_ids else "",
        glibc=_glibc(place, report),
    )


def _glibc(place: str, report: ObjectFacts) -> str:
    """The newest numbered version that a C library defines."""
    if not place.rpartition("/")[2].startswith(("libc.so", "libc-2")):
        return ""
    matches = map(_GLIBC.fullmatch, report.facts.version_definitions)
    return max((match[1] for match in matches if match), key=lambda text: int(text[2:]), default="")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _library(file: MappedFile, known: FileFacts, order: int | None) -> Library:
    return Library(
        path=file.path,
        soname=known.soname,
        origin=_ORIGINS[known.origin],
        package=known.package or None,
        family=_FAMILIES[known.family] if known.family else None,
        static=tuple(_FAMILIES[name] for name in _words(known.static)),
        version=known.version,
        order=order,
        deleted=file.deleted,
    )


def _as_mapped(files: list[MappedFile]) -> _Loaded:
    return [(each, ObjectInMemory(each.path, each.start, each.start, each.end)) for each in files]


def _as_loaded(facts: ProcessFacts, memory: Memory) -> _Loaded:
    """The loader's list, with the files that are mapped where it says."""
    files = {each.path: each for each in facts.files}
    owners = AddressMap((each.start, each.end, each.path) for each in facts.files)
    found: dict[str, tuple[MappedFile, ObjectInMemory]] = {}
    for entry in load_order(facts.pid, memory):
        file = files.get(owners.owner(entry.dynamic))
        if file is not None and file.path not in found:
            place = ObjectInMemory(file.path, entry.base, file.start, file.end)
            found[file.path] = (file, place)
    return list(found.values())


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
