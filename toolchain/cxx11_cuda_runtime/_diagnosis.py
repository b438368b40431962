"""From what is mapped to what is wrong: pure, so every case can be tried without loading anything.

What goes in: ``ProcessFacts``. What comes out: a ``Diagnosis`` whose findings carry a rule of the
hazard catalogue, a severity and the remedies that apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxx11_cuda_runtime._values import LoadedLibrary

LIBSTDCXX = "libstdc++.so.6"
_SINGLE = ("libgcc_s.so.1", LIBSTDCXX, "libgomp.so.1", "libcudart.so.")
"""SONAMEs (or their beginnings) of which a process must have one."""
_OPENMP = ("libgomp", "libiomp5", "libomp")


@dataclass(frozen=True)
class LoadedObject:
    """One loaded object, with what its file says."""

    path: str
    soname: str
    exports_libstdcxx: bool = False
    deleted: bool = False

    @property
    def name(self) -> str:
        """Its file's name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class ProcessFacts:
    """What the judgement depends on."""

    state: str
    """How libstdc++ came here, or ``disabled``, ``unsupported``, ``unbuilt``."""
    version: str
    """Of the runtime wheel."""
    python: str
    glibc: str
    objects: tuple[LoadedObject, ...]
    """In load order."""
    libraries: tuple[LoadedLibrary, ...]
    vendored_glibcxx: int = 0
    loaded_glibcxx: int = 0
    """0: none is loaded, or its age is unknown."""
    culprit: str = ""
    """Who loaded libstdc++, where we did not."""
    remedies: tuple[str, ...] = ()
    """Against a libstdc++ that is too old."""
    idle: tuple[str, ...] = ()
    """Copies of libcudart that nobody is bound to."""
    damaged: tuple[str, ...] = ()
    """Files of the wheel that are not as they were built, with the reason."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that decide what is loaded."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing."""

    rule: str
    severity: Literal["error", "warning", "note"]
    """A note says what is there and harmless."""
    subject: str
    message: str
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What there is, and what is wrong with it."""

    facts: ProcessFacts
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is nothing beyond notes."""
        return all(finding.severity == "note" for finding in self.findings)


def judge(facts: ProcessFacts) -> Diagnosis:
    """Find everything that is wrong."""
    findings = (
        *_package(facts),
        *_private_copies(facts),
        *_duplicates(facts),
        *_old_libstdcxx(facts),
        *_openmp(facts.objects),
        *_replaced(facts.objects),
    )
    return Diagnosis(facts=facts, findings=findings)


def _package(facts: ProcessFacts) -> Iterator[Finding]:
    if facts.state in {"disabled", "unsupported"}:
        reason = {
            "disabled": "CXXRT_DISABLE is set",
            "unsupported": "this is not CPython on Linux with glibc",
        }[facts.state]
        yield Finding(
            "CXXRT-L107", "note", facts.state, f"The package does nothing here: {reason}."
        )
    if facts.state == "unbuilt":
        yield Finding(
            "CXXRT-L007",
            "error",
            facts.state,
            "This copy of the package carries no libraries (a source checkout).",
            ("pip install cxx11-cuda-runtime",),
        )
    for subject in facts.damaged:
        yield Finding(
            "CXXRT-L108",
            "error",
            subject,
            f"A file of the runtime wheel is not as it was built: {subject}.",
            ("pip install --force-reinstall --no-deps cxx11-cuda-runtime",),
        )


def _private_copies(facts: ProcessFacts) -> Iterator[Finding]:
    shared_seen = False
    for each in facts.objects:
        if each.soname == LIBSTDCXX:
            shared_seen = True
        elif each.exports_libstdcxx:
            renamed = each.name.startswith("libstdc++")
            what = (
                f"is a private copy of libstdc++ (SONAME {each.soname or 'missing'})"
                if renamed
                else "has libstdc++ linked into it and exports it"
            )
            rule = "CXXRT-L101" if renamed else "CXXRT-L103"
            yield _private_copy(rule, each.path, what, neutralised=shared_seen)


def _private_copy(rule: str, path: str, what: str, *, neutralised: bool) -> Finding:
    if neutralised:
        return Finding(
            rule,
            "note",
            path,
            f"{path} {what}; it is neutralised, because the shared libstdc++ came first and is"
            " global.",
        )
    return Finding(
        rule,
        "error",
        path,
        f"{path} {what}, and it came before the shared libstdc++: its iostreams or those of later"
        " packages fail without an error, or crash.",
        (
            "import cxx11_cuda_runtime before the package that it belongs to",
            "python -m cxx11_cuda_runtime activate",
        ),
    )


def _duplicates(facts: ProcessFacts) -> Iterator[Finding]:
    by_soname: dict[str, list[str]] = {}
    for each in facts.objects:
        if each.soname.startswith(_SINGLE):
            by_soname.setdefault(each.soname, []).append(each.path)
    for soname, those in by_soname.items():
        paths = [path for path in those if path not in facts.idle]
        for path in (path for path in those if path in facts.idle):
            yield Finding(
                "CXXRT-L102",
                "note",
                soname,
                f"{path} is another copy of {soname}; it is neutralised, because"
                f" {', '.join(paths)} came first and is global.",
            )
        if len(paths) > 1:
            yield Finding(
                "CXXRT-L102",
                "error",
                soname,
                f"{len(paths)} copies of {soname} are loaded, each with its own state:"
                f" {', '.join(paths)}.",
                ("import cxx11_cuda_runtime before the packages that they belong to",),
            )


def _old_libstdcxx(facts: ProcessFacts) -> Iterator[Finding]:
    if 0 < facts.loaded_glibcxx < facts.vendored_glibcxx:
        path = next((each.path for each in facts.objects if each.soname == LIBSTDCXX), LIBSTDCXX)
        yield Finding(
            "CXXRT-L104",
            "warning",
            path,
            f"{path} (GLIBCXX_3.4.{facts.loaded_glibcxx}) was loaded first, by {facts.culprit};"
            f" packages that need up to GLIBCXX_3.4.{facts.vendored_glibcxx} cannot be imported.",
            facts.remedies,
        )


def _openmp(objects: tuple[LoadedObject, ...]) -> Iterator[Finding]:
    runtimes = [each.path for each in objects if each.name.startswith(_OPENMP)]
    if len(runtimes) > 1:
        yield Finding(
            "CXXRT-L105",
            "warning",
            runtimes[1],
            f"{len(runtimes)} OpenMP runtimes are loaded: {', '.join(runtimes)}. Each has its own"
            " threads; together they oversubscribe, and may deadlock after a fork.",
            ("cxx11_cuda_runtime.require(openmp=True) before the packages that bring them",),
        )


def _replaced(objects: tuple[LoadedObject, ...]) -> Iterator[Finding]:
    for each in objects:
        if each.deleted and each.soname.startswith(_SINGLE):
            yield Finding(
                "CXXRT-L109",
                "warning",
                each.path,
                f"{each.path} was removed or replaced while it is in use (an upgrade in a running"
                " process).",
                ("restart the process",),
            )
