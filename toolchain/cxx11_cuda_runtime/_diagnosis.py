"""Judges what is mapped, by those rules that need no more than a list of files. Pure.

``cxxrt doctor`` of the toolchain judges the same facts with the same ids, severities and words, and
reads far more: symbols, relocations, memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LIBSTDCXX = "libstdc++.so.6"
_RUNTIME = re.compile(
    r"lib(?:stdc\+\+|gcc_s|gomp|atomic|quadmath|gfortran|cudart|c\+\+|iomp5|omp)(?:-[^/]*)?\.so(?:\.[0-9.]+)?"
)
"""The vendors' names, and those that auditwheel makes of them: ``libgomp-e985bcbb.so.1.0.0``."""
FoundVia = Literal[
    "vendored",
    "already-loaded",
    "nvidia-wheel",
    "torch-wheel",
    "conda",
    "ld-library-path",
    "system",
    "override",
]
"""How a library was found; ``already-loaded``: something else had loaded it before."""


@dataclass(frozen=True)
class LoadedLibrary:
    """One runtime library of this process."""

    soname: str
    path: str
    """As the dynamic linker has it."""
    found_via: FoundVia
    version: str
    """``3.4.33`` (newest GLIBCXX) for libstdc++, ``12.9`` for libcudart, "" if unknown."""

    def __str__(self) -> str:
        return f"{self.soname} {self.version or '-'} ({self.found_via}) {self.path}"


@dataclass(frozen=True)
class LoadedObject:
    """One loaded object."""

    path: str
    soname: str
    """The file's name where the file has no SONAME or is gone."""
    needed: tuple[str, ...] = ()
    """``DT_NEEDED``."""
    distribution: str = ""
    """``name version`` of the installed distribution that lists the file in its RECORD."""
    deleted: bool = False
    """The file was removed or replaced since."""

    @property
    def is_runtime(self) -> bool:
        """Whether the file has the name of a C++, GCC, OpenMP or CUDA runtime."""
        return _RUNTIME.fullmatch(self.path.rpartition("/")[2]) is not None


@dataclass(frozen=True)
class ProcessFacts:
    """One process at one moment."""

    state: str
    """How libstdc++ was found, or ``disabled``, ``unsupported``, ``unbuilt``."""
    version: str
    python: str
    glibc: str
    objects: tuple[LoadedObject, ...]
    libraries: tuple[LoadedLibrary, ...]
    """The copy of each runtime library that the dynamic linker gives to newcomers."""
    package: str = ""
    vendored_glibcxx: int = 0
    """N of the newest ``GLIBCXX_3.4.N`` in the wheel."""
    remedies: tuple[str, ...] = ()
    """What helps where libstdc++ is older than the wheel's."""
    damaged: tuple[str, ...] = ()
    """Files of the wheel that differ from its manifest, with the reason."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that decide what is loaded."""
    full_doctor: str = ""
    """The command that looks at symbols, relocations and memory, too."""


@dataclass(frozen=True)
class Finding:
    """One rule that fired."""

    rule: str
    severity: Literal["error", "warning", "note"]
    """A note needs no action."""
    subject: str
    """The state or path concerned."""
    message: str
    """One sentence without a full stop."""
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Facts and findings."""

    facts: ProcessFacts
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether every finding is a note."""
        return all(finding.severity == "note" for finding in self.findings)


_NOTHING = "The runtime's loader does nothing here: "
IDLE = {
    "disabled": f"{_NOTHING}CXXRT_DISABLE is set",
    "unsupported": f"{_NOTHING}this is not CPython on Linux with glibc",
}
"""What CXXRT-L107 says, by the state of the loader."""


def judge(facts: ProcessFacts) -> Diagnosis:
    """Apply the rules."""
    findings = (*_package(facts), *_foreign_libstdcxx(facts), *_replaced(facts.objects))
    return Diagnosis(facts=facts, findings=findings)


def _package(facts: ProcessFacts) -> Iterator[Finding]:
    if message := IDLE.get(facts.state):
        yield Finding("CXXRT-L107", "note", facts.state, message)
    if facts.state == "unbuilt":
        yield Finding(
            "CXXRT-L007",
            "error",
            facts.state,
            "This copy of cxx11_cuda_runtime carries no libraries (a source checkout)",
            ("pip install cxx11-cuda-runtime",),
        )
    for subject in facts.damaged:
        yield Finding(
            "CXXRT-L108",
            "error",
            subject,
            f"A file of the runtime wheel differs from its manifest: {subject}",
            ("pip install --force-reinstall --no-deps cxx11-cuda-runtime",),
        )


def _foreign_libstdcxx(facts: ProcessFacts) -> Iterator[Finding]:
    """A single libstdc++ that is not the wheel's; which of two matters takes more than a list."""
    copies = [each for each in facts.objects if each.soname == LIBSTDCXX]
    versions = [each.version for each in facts.libraries if each.soname == LIBSTDCXX]
    if len(copies) != 1 or not any(versions):
        return
    copy, version = copies[0], versions[0]
    if facts.package and copy.path.startswith(facts.package + "/"):
        return
    older = int(version.rpartition(".")[2]) < facts.vendored_glibcxx
    wheel = f"; the installed runtime has GLIBCXX_3.4.{facts.vendored_glibcxx}" if older else ""
    by = _needed_by(facts.objects, copy)
    yield Finding(
        "CXXRT-L104",
        "note",
        copy.path,
        f"The process's libstdc++ is {copy.path} (GLIBCXX_{version}){by}{wheel}",
        facts.remedies if older else (),
    )


def _needed_by(objects: tuple[LoadedObject, ...], library: LoadedObject) -> str:
    """Who made the linker load a library: the nearest earlier object that needs it."""
    for each in reversed(objects[: objects.index(library)]):
        if library.soname in each.needed:
            owner = f" of {each.distribution}" if each.distribution else ""
            return f", needed by {each.path}{owner}"
    return ""


def _replaced(objects: tuple[LoadedObject, ...]) -> Iterator[Finding]:
    for each in objects:
        if each.deleted and each.is_runtime:
            yield Finding(
                "CXXRT-L109",
                "warning",
                each.path,
                f"{each.path} was removed or replaced while it is in use",
                ("restart the process",),
            )
