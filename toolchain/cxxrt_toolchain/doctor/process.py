"""A running process -> `Diagnosis`, from /proc and from the files that it has mapped.

In: a process id. Out: what is loaded, where it comes from, and what is wrong with it. The process
is neither stopped nor changed. `Observer` does the looking; `imports` uses it on its children.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cxxrt_toolchain.audit.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.doctor import objects
from cxxrt_toolchain.doctor.bindings import ObjectInMemory, read_bindings
from cxxrt_toolchain.doctor.diagnosis import Diagnosis, Package, Subject
from cxxrt_toolchain.doctor.libraries import Places
from cxxrt_toolchain.doctor.memory import AddressMap, load_order, open_memory
from cxxrt_toolchain.doctor.process_edges import edges_of
from cxxrt_toolchain.doctor.process_environment import environment_of, runtime_version
from cxxrt_toolchain.doctor.process_rules import judge
from cxxrt_toolchain.doctor.process_view import ProcessView
from cxxrt_toolchain.doctor.procfs import MappedFile, ProcessFacts, read_process
from cxxrt_toolchain.elf.comment import read_comment
from cxxrt_toolchain.elf.image import ElfError, ElfImage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxxrt_toolchain.doctor.bindings import Bindings
    from cxxrt_toolchain.doctor.cache import FactsCache
    from cxxrt_toolchain.doctor.diagnosis import Library
    from cxxrt_toolchain.doctor.encoding import ObjectFacts
    from cxxrt_toolchain.doctor.installed import Environment
    from cxxrt_toolchain.doctor.memory import Memory

VARIABLES = (
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_BIND_NOW", "GLIBC_TUNABLES"),
    *("CONDA_PREFIX", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
    *("CXXRT_DISABLE", "CXXRT_CXX", "CXXRT_CUDART", "CXXRT_DEBUG"),
    *("CUDA_HOME", "CUDA_PATH", "KMP_DUPLICATE_LIB_OK", "OMP_NUM_THREADS"),
)
"""Environment variables that decide what is loaded, or how it behaves together."""
_CXX = frozenset({RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCXX})


def diagnose_process(
    pid: int, *, cache: FactsCache | None = None, memory: bool = True
) -> Diagnosis:
    """Look at a running process and judge it.

    Args:
        pid: Its id.
        cache: Of the facts of files.
        memory: Whether to read its memory, where that is allowed.

    Raises:
        InputError: There is no such process, or none that has anything loaded.
        MissingToolError: This is not Linux, or the process is not ours to look at.
    """
    facts = read_process(pid)
    observer = Observer(environment_of(facts), cache=cache)
    view = observer.look(facts, memory=memory)
    command = " ".join(shlex.join(facts.arguments).split())
    return Diagnosis(
        subject=Subject.PROCESS,
        title=f"process {pid}: {command}"[:400],
        python=observer.environment.interpreter.python,
        executable=facts.executable,
        glibc=observer.glibc(facts),
        variables=tuple(sorted(view.variables.items())),
        packages=view.packages,
        libraries=view.libraries,
        edges=edges_of(view),
        steps=(),
        findings=judge(view),
    )


class Observer:
    """Looks at processes that share an environment, and remembers the facts of files."""

    def __init__(self, environment: Environment, *, cache: FactsCache | None = None) -> None:
        self.environment = environment
        self._places = Places(environment=environment)
        self._cache = cache
        self._reports: dict[str, ObjectFacts | None] = {}
        self._runtime = runtime_version(environment)

    def look(self, facts: ProcessFacts, *, memory: bool = True) -> ProcessView:
        """Everything that the rules may know of a process at this moment."""
        code = [each for each in facts.files if each.is_code or ".so" in each.path]
        self._read(facts.root, code)
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

    def glibc(self, facts: ProcessFacts) -> str:
        """The version of the C library that is mapped."""
        for each in facts.files:
            if each.path.rpartition("/")[2].startswith(("libc.so", "libc-2")):
                report = self._reports.get(each.path)
                nodes = report.facts.version_definitions if report else ()
                found = [name for name in nodes if re.fullmatch(r"GLIBC_2\.\d+(\.\d+)?", name)]
                numbers = [tuple(map(int, name[6:].split("."))) for name in found]
                return ".".join(map(str, max(numbers)[:2])) if numbers else ""
        return ""

    def _read(self, root: str, files: Iterable[MappedFile]) -> None:
        wanted = [each for each in files if each.path not in self._reports]
        there = {root + each.path: each.path for each in wanted if not each.deleted}
        found = objects.read(there, None if root else self._cache).found
        for each in wanted:
            self._reports[each.path] = found.get(root + each.path)

    def _bindings(self, facts: ProcessFacts, loaded: list[_Loaded], memory: Memory) -> Bindings:
        wanted = [place for file, place in loaded if not file.deleted and self._is_cxx(file.path)]
        names = {place.path for place in wanted}
        others = [
            (each.start, each.end, each.path) for each in facts.files if each.path not in names
        ]

        def open_file(path: str) -> BinaryIO:
            return open(facts.root + path, "rb")  # noqa: PTH123 - a path of the kernel's, as it is

        return read_bindings(wanted, others, memory, open_file)

    def _is_cxx(self, path: str) -> bool:
        report = self._reports.get(path)
        if report is None:
            return False
        needed = {family_of_name(name) for name in report.facts.needed}
        return report.copy_of in _CXX or bool(needed & _CXX) or bool(report.locale_ids)

    def _view(
        self,
        facts: ProcessFacts,
        loaded: list[_Loaded],
        bindings: Bindings | None,
        why_no_memory: str,
    ) -> ProcessView:
        ordered = not why_no_memory
        libraries = tuple(
            self._places.library(
                file.path,
                self._reports.get(file.path),
                order=number if ordered else None,
                deleted=file.deleted,
            )
            for number, (file, _) in enumerate(loaded)
        )
        needed = {
            file.path: report.facts.needed
            for file, _ in loaded
            if (report := self._reports.get(file.path)) is not None
        }
        return ProcessView(
            libraries=libraries,
            needed=needed,
            packages=self._packages(libraries),
            ordered=ordered,
            bindings=bindings,
            why_no_memory=why_no_memory,
            variables={
                name: facts.environment[name] for name in VARIABLES if name in facts.environment
            },
            runtime_version=self._runtime,
            compilers=_compilers(facts.root, bindings),
        )

    def _packages(self, libraries: tuple[Library, ...]) -> tuple[Package, ...]:
        counts = Counter(each.package for each in libraries if each.package)
        rows = [(name, self.environment.named(name), count) for name, count in counts.items()]
        return tuple(
            sorted(
                Package(name=name, version=found.version, objects=count, location=found.location)
                for name, found, count in rows
                if found is not None
            )
        )


_Loaded = tuple[MappedFile, ObjectInMemory]


def _as_mapped(files: list[MappedFile]) -> list[_Loaded]:
    return [(each, ObjectInMemory(each.path, each.start, each.start, each.end)) for each in files]


def _as_loaded(facts: ProcessFacts, memory: Memory) -> list[_Loaded]:
    """The loader's list, with the files that are mapped where it says."""
    files = {each.path: each for each in facts.files}
    owners = AddressMap((each.start, each.end, each.path) for each in facts.files)
    found: dict[str, _Loaded] = {}
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
