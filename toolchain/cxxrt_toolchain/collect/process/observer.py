"""A running process: /proc, the files that it has mapped, its memory -> `ProcessView`.

A process can be looked at several times. What files say is read through the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.collect.answers import Answers
from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.interactions import find_interactions
from cxxrt_toolchain.collect.process.belongings import host_of, runtime_of
from cxxrt_toolchain.collect.process.bindings import ObjectInMemory, describe_bound, read_bindings
from cxxrt_toolchain.collect.process.cudart_users import idle_copies, read_places
from cxxrt_toolchain.collect.process.loaded import LoadedObject, describe, placed
from cxxrt_toolchain.collect.process.memory import AddressMap, Memory, load_order, open_memory
from cxxrt_toolchain.collect.process.references import read_all
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.elf.sections import read_comment
from cxxrt_toolchain.facts.interactions import InteractingObject
from cxxrt_toolchain.facts.libraries import Package
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.host.runtime_folder import has_hook
from cxxrt_toolchain.plain_files import open_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.process.procfs import Mapping, ProcessFacts
    from cxxrt_toolchain.facts.bindings import Bindings, Bound
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.host.interpreter import Interpreter

VARIABLES = (
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_BIND_NOW", "GLIBC_TUNABLES"),
    *("CONDA_PREFIX", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
    *("CXXRT_DISABLE", "CXXRT_CXX", "CXXRT_CUDART", "CXXRT_DEBUG"),
    *("CUDA_HOME", "CUDA_PATH", "KMP_DUPLICATE_LIB_OK", "OMP_NUM_THREADS"),
)
"""Environment variables that decide what is loaded, or how it behaves together."""


class Observer:
    """Looks at processes of one program.

    `environment` holds the distributions installed for it; None: it is read when it is needed.
    `workers` are processes that read files at once, for a program without threads.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        store: Store,
        *,
        environment: Environment | None = None,
        workers: int = 1,
    ) -> None:
        self.interpreter = interpreter
        self._store = store
        self._in_other_root = Store()  # the paths below /proc/PID/root end with the process
        self._given = environment
        self._workers = workers
        self._runtime, self._runtime_library = runtime_of(interpreter.path)

    @cached_property
    def _environment(self) -> Environment:
        return self._given or read_environment(self.interpreter, self._store)

    def look(self, facts: ProcessFacts, *, memory: bool = True) -> ProcessView:
        """All facts of a process at this moment that rules ask for."""
        if not memory:
            return self._without_memory(facts, "it was not asked for")
        with open_memory(facts.pid) as opened:
            if opened is None:
                reason = "the kernel does not let this user read the process's memory"
                return self._without_memory(facts, reason)
            files = placed(facts, load_order(facts.pid, opened))
            if not files:
                reason = "the loader's list of objects cannot be found in its memory"
                return self._without_memory(facts, reason)
            loaded = self._described(facts, files, ordered=True)
            bindings = self._bindings(facts, loaded, opened)
        return self._view(facts, loaded, bindings, "")

    def _without_memory(self, facts: ProcessFacts, why: str) -> ProcessView:
        loaded = self._described(facts, [(each, 0) for each in facts.code], ordered=False)
        return self._view(facts, loaded, None, why)

    def _described(
        self, facts: ProcessFacts, files: list[tuple[Mapping, int]], *, ordered: bool
    ) -> tuple[LoadedObject, ...]:
        store, workers = self._store_of(facts), self._workers
        return describe(facts, files, self._environment, store, ordered=ordered, workers=workers)

    def _store_of(self, facts: ProcessFacts) -> Store:
        return self._in_other_root if facts.root else self._store

    def _bindings(
        self, facts: ProcessFacts, loaded: tuple[LoadedObject, ...], memory: Memory
    ) -> Bindings:
        by_path = {each.path: each for each in loaded}

        def open_file(path: str) -> BinaryIO:
            if by_path[path].facts is None:
                raise ElfError(path, "the file is gone, or not ELF")
            return open_plain(facts.root + path)

        def described(
            source: ObjectInMemory, target: str, symbols: tuple[int | str, ...]
        ) -> tuple[Bound, ...]:
            try:
                return describe_bound(source, target, symbols, open_file)
            except OSError:
                return ()

        def bound(path: str, place: int) -> str:
            return owners.owner(memory.word(by_path[path].base + place) or 0)

        cxx = {each.path: facts.root + each.path for each in loaded if each.is_cxx}
        store = self._store_of(facts)
        references = read_all(cxx, open_file, store, workers=self._workers)
        owners = AddressMap((*each.span, each.path) for each in loaded)
        objects = [
            ObjectInMemory(path, by_path[path].base, *by_path[path].span, each)
            for path, each in references.items()
        ]
        found = read_bindings(objects, owners, memory, described, lambda path: by_path[path].group)
        needed = {each.path: each.facts.facts.needed for each in loaded if each.facts}
        cudart = read_places([each.library for each in loaded], needed, open_file)
        return replace(found, idle=idle_copies(cudart, bound))

    def _view(
        self,
        facts: ProcessFacts,
        loaded: tuple[LoadedObject, ...],
        bindings: Bindings | None,
        why_no_memory: str,
    ) -> ProcessView:
        answers = Answers(self._store_of(facts), "process")
        interactions = find_interactions(_interacting(loaded), answers)
        answers.save()
        host, frozen = host_of(facts.executable, [each.path for each in facts.code])
        return ProcessView(
            libraries=tuple(each.library for each in loaded),
            needed={each.path: each.facts.facts.needed for each in loaded if each.facts},
            packages=tuple(sorted(self._packages(facts.root, loaded))),
            ordered=not why_no_memory,
            bindings=bindings,
            why_no_memory=why_no_memory,
            variables={
                name: facts.environment[name] for name in VARIABLES if name in facts.environment
            },
            glibc=next((each.glibc for each in loaded if each.glibc), ""),
            python=self.interpreter.python,
            host=host,
            frozen=frozen,
            runtime_version=self._runtime,
            runtime_library=self._runtime_library.removeprefix(facts.root),
            activated=bool(self._runtime) and has_hook(self.interpreter.path, facts.environment),
            static_tls=tuple(
                each.path for each in loaded if each.facts and each.facts.facts.static_tls
            ),
            compilers=_compilers(facts.root, bindings),
            interactions=interactions,
            objects={each.path: each.facts for each in loaded if each.facts},
        )

    def _packages(self, root: str, loaded: tuple[LoadedObject, ...]) -> Iterator[Package]:
        counts = Counter(each.library.package for each in loaded)
        for name, count in counts.items():
            row = self._environment.named(name) if name else None
            if row is not None:
                yield Package(
                    name=row.name,
                    version=row.version,
                    objects=count,
                    location=row.location.removeprefix(root),
                )


def _interacting(loaded: tuple[LoadedObject, ...]) -> Iterator[InteractingObject]:
    for each in loaded:
        if each.facts is not None and each.facts.copy_of is None:
            yield InteractingObject(
                path=each.path,
                place=each.facts.path,
                name=each.library.soname,
                owner=each.group,
                needed=each.facts.facts.needed,
                traits=each.facts.traits,
            )


def _compilers(root: str, bindings: Bindings | None) -> dict[str, tuple[str, ...]]:
    paths = {path for pair in bindings.pairs for path in pair} if bindings else set()
    return {path: _comment(root + path) for path in sorted(paths)}


def _comment(path: str) -> tuple[str, ...]:
    try:
        with open_plain(path) as stream:
            return read_comment(ElfImage(stream, path))
    except (OSError, ElfError):
        return ()
