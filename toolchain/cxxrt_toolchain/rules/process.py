"""Copies of runtimes, their age and who brought them, and what steers the loader.

In: a `ProcessView`. Out: findings of L101 to L105 and L109 as far as maps and files show them, of
D10 (variables) and D24 (memory that may not be read). Pure; what the process's memory shows is
judged by `binding_rules`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import OPENMP_FAMILIES, RuntimeFamily
from cxxrt_toolchain.facts.libraries import Library, Origin
from cxxrt_toolchain.facts.process import LIBSTDCXX, ProcessView, names_of
from cxxrt_toolchain.rules import captures as binding_rules
from cxxrt_toolchain.rules.captures import runtime_first
from cxxrt_toolchain.rules.remedies import COMPETING_THREADS, ONE_OPENMP
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.rules.strings import check_interactions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NUMBER = re.compile(r"(\d+)")
_ABORTS = frozenset({RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP})


def judge(view: ProcessView) -> tuple[Finding, ...]:
    """Everything that is wrong, or worth knowing, worst first."""
    found = [
        *binding_rules.findings(view),
        *_unread_copies(view),
        *check_interactions(view.interactions, frozenset(each.name for each in view.packages)),
        *_duplicates(view),
        *_openmp(view),
        *_older_first(view),
        *_variables(view),
        *_replaced(view),
        *_unread(view),
    ]
    return tuple(sorted(found, key=lambda each: each.sort_key))


def version_key(version: str) -> tuple[int, ...]:
    """Order versions by their numbers: ``GLIBCXX_3.4.9`` before ``GLIBCXX_3.4.30``."""
    return tuple(int(number) for number in _NUMBER.findall(version))


def _unread_copies(view: ProcessView) -> Iterator[Finding]:
    """Copies of libstdc++ where no memory tells which of them is damaged."""
    if view.bindings is not None:
        return
    copies = [
        each
        for each in view.libraries
        if each.family is RuntimeFamily.LIBSTDCXX
        or (RuntimeFamily.LIBSTDCXX in each.static and each.family is None)
    ]
    for each in copies:
        if each.soname == LIBSTDCXX and each.family is RuntimeFamily.LIBSTDCXX:
            continue
        rule = "CXXRT-L101" if each.family else "CXXRT-L103"
        yield Finding(
            rule=rule,
            severity=Severity.WARNING if len(copies) > 1 else Severity.NOTE,
            message=f"{view.label(each.path)} brings a libstdc++ of its own, {each.path}; which "
            "copy is damaged, and whether one is, cannot be seen without reading the memory",
            culprits=names_of(view, [each.path]),
            libraries=tuple(copy.path for copy in copies),
            remedies=runtime_first(view) if len(copies) > 1 else (),
        )


def _duplicates(view: ProcessView) -> Iterator[Finding]:
    for name, copies in view.runtime_copies().items():
        families = {each.family for each in copies}
        if len(copies) < 2 or families & OPENMP_FAMILIES:  # noqa: PLR2004 - two are a duplicate
            continue
        if RuntimeFamily.LIBSTDCXX in families:
            same = [each for each in copies if each.soname == LIBSTDCXX]
            if len(same) > 1:
                yield _twice(view, LIBSTDCXX, tuple(same), Severity.WARNING)
        elif RuntimeFamily.LIBCUDART in families:
            yield from _cudarts(view, name, copies)
        elif RuntimeFamily.LIBGCC in families:
            yield _twice(view, name, copies, Severity.NOTE)


def _cudarts(view: ProcessView, name: str, copies: tuple[Library, ...]) -> Iterator[Finding]:
    """A copy that nobody is bound to has no state that matters."""
    idle = view.bindings.idle if view.bindings else ()
    used = tuple(each for each in copies if each.path not in idle)
    if len(used) > 1:
        yield _twice(view, name, used, Severity.WARNING)
    for each in copies:
        if each.path in idle:
            yield Finding(
                rule="CXXRT-L102",
                severity=Severity.NOTE,
                message=f"{view.label(each.path)} brings a copy of {name}, {each.path}; it is "
                f"inert, because {used[0].path} came first and is global",
                libraries=(each.path, used[0].path),
            )


def _twice(
    view: ProcessView, name: str, copies: tuple[Library, ...], severity: Severity
) -> Finding:
    serious = severity is not Severity.NOTE
    owners = " and ".join(dict.fromkeys(view.label(each.path) for each in copies))
    bundled = [each.path for each in copies if each.origin is Origin.WHEEL]
    return Finding(
        rule="CXXRT-L102",
        severity=severity,
        message=f"{len(copies)} copies of {name} are loaded, from {owners}; each has its own state",
        culprits=names_of(view, bundled) if serious else (),
        libraries=tuple(each.path for each in copies),
        remedies=runtime_first(view) if serious else (),
    )


def _openmp(view: ProcessView) -> Iterator[Finding]:
    copies = view.of_family(*OPENMP_FAMILIES)
    if len(copies) < 2:  # noqa: PLR2004 - two are a duplicate
        return
    serious = sum(each.family in _ABORTS for each in copies) > 1
    owners = ", ".join(
        each.path + (f" ({view.label(each.path)})" if each.package else "") for each in copies
    )
    yield Finding(
        rule="CXXRT-L105",
        severity=Severity.WARNING if serious else Severity.NOTE,
        message=f"{len(copies)} OpenMP runtimes are loaded: {owners}; each has its own threads "
        "and settings",
        culprits=names_of(view, [each.path for each in copies]) if serious else (),
        libraries=tuple(each.path for each in copies),
        evidence=("two of Intel's or LLVM's kind abort with OMP: Error #15",) if serious else (),
        remedies=(_openmp_remedy(copies, serious=serious),),
    )


def _openmp_remedy(copies: Sequence[Library], *, serious: bool) -> str:
    """The runtime wheel serves libgomp, and no other vendor's."""
    if all(each.family is RuntimeFamily.LIBGOMP for each in copies):
        return "cxx11_cuda_runtime.require(openmp=True) before the packages that bring them"
    return ONE_OPENMP if serious else COMPETING_THREADS


def _older_first(view: ProcessView) -> Iterator[Finding]:
    copies = [each for each in view.of_family(RuntimeFamily.LIBSTDCXX) if each.soname == LIBSTDCXX]
    if not copies or not copies[0].version:
        return
    first = copies[0]
    bringer = view.bringer(first)
    by = f", brought by {bringer}" if bringer else ""
    by += f" of {view.label(bringer)}" if view.package_of(bringer) else ""
    newest = max((each.version for each in copies), key=version_key)
    if version_key(first.version) < version_key(newest):
        yield Finding(
            rule="CXXRT-L104",
            severity=Severity.WARNING,
            message=f"{first.path} ({first.version}) was loaded first{by}; what needs more, up "
            f"to {newest}, cannot be imported or gets another copy",
            culprits=names_of(view, [first.path]) or names_of(view, [bringer] if bringer else []),
            libraries=tuple(path for path in (first.path, bringer) if path),
            remedies=runtime_first(view),
        )
    elif first.origin is not Origin.RUNTIME:
        installed = view.runtime_version
        older = version_key(first.version) < version_key(installed)
        yield Finding(
            rule="CXXRT-L104",
            severity=Severity.NOTE,
            message=f"The process's libstdc++ is {first.path} ({first.version}){by}"
            + (f"; the installed runtime has {installed}" if older else ""),
            libraries=(first.path,),
            remedies=runtime_first(view) if older else (),
        )


def _variables(view: ProcessView) -> Iterator[Finding]:
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH"):
        value = view.variables.get(name, "")
        entries = re.split(r"[: ]" if name == "LD_PRELOAD" else ":", value)
        steered = [
            each
            for each in view.runtimes
            if each.origin not in {Origin.RUNTIME, Origin.WHEEL}
            and any(_comes_from(each.path, entry) for entry in entries if entry)
        ]
        if steered:
            yield Finding(
                rule="CXXRT-D10",
                severity=Severity.NOTE,
                message=f"{name} decides that {steered[0].path} is used",
                libraries=tuple(each.path for each in steered),
                evidence=(f"{name}={value}",),
            )


def _comes_from(path: str, entry: str) -> bool:
    return path == entry or path.startswith(entry.rstrip("/") + "/")


def _replaced(view: ProcessView) -> Iterator[Finding]:
    for each in view.runtimes:
        if each.deleted:
            yield Finding(
                rule="CXXRT-L109",
                severity=Severity.WARNING,
                message=f"{each.path} was removed or replaced while it is in use",
                culprits=names_of(view, [each.path]),
                libraries=(each.path,),
                remedies=("restart the process",),
            )


def _unread(view: ProcessView) -> Iterator[Finding]:
    if view.why_no_memory:
        yield Finding(
            rule="CXXRT-D24",
            severity=Severity.NOTE,
            message=f"Judged by maps and files only: {view.why_no_memory}",
            evidence=("the order of the libraries is that of their addresses",)
            if not view.ordered
            else (),
        )
