"""Findings for the error messages of glibc's loader: D1, D3, D6, D8, D11, D12, H12, H13, L004, P1.

The messages are glibc's, untranslated: elf/dl-version.c, dl-lookup.c, dl-load.c, dl-tls.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.platforms import parse_platform, promise_of
from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.families import (
    LIBSTDCXX,
    RuntimeFamily,
    canonical_soname,
    family_of_name,
)
from cxxrt_toolchain.facts.imports.run import Event, needed_by
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION, Library, Origin, numbers
from cxxrt_toolchain.facts.symbols import spells_old_string
from cxxrt_toolchain.rules.imports.refusals import Failure, absent, no_room, refused
from cxxrt_toolchain.rules.remedies import imported_before, newer_runtime, runtime_first, upgrade
from cxxrt_toolchain.rules.rule import Finding, error

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.installed import Distribution, Environment
    from cxxrt_toolchain.facts.process import ProcessView

# What the dynamic loader says.
VERSION = re.compile(
    r"(?P<library>\S+): version `(?P<node>[^']+)' not found \(required by (?P<by>[^)]+)\)"
)
UNDEFINED = re.compile(
    r"(?P<by>\S+): undefined symbol: (?P<name>[^\s,]+)(?:, version (?P<version>\S+))?"
)
ABSENT = re.compile(r"(?P<library>[^\s:]+): cannot open shared object file: No such file")
TLS = re.compile(r"(?P<by>\S+): cannot allocate memory in static TLS block")
STACK = re.compile(r"(?P<by>\S+): cannot enable executable stack")


def is_message(text: str) -> bool:
    """Whether a text has a message of the loader."""
    return any(each.search(text) for each in (VERSION, UNDEFINED, ABSENT, TLS, STACK))


def findings(
    text: str, view: ProcessView, environment: Environment, events: tuple[Event, ...] = ()
) -> Iterator[Finding]:
    """The finding for the first message of the loader in a text of one or more lines.

    `events` are what the loader did before; the environment has the distributions that may own the
    objects that the message names.
    """
    if match := VERSION.search(text):
        yield _too_old(Failure(match, match["by"], view, environment))
    elif match := UNDEFINED.search(text):
        yield from _undefined(Failure(match, match["by"], view, environment))
    elif match := ABSENT.search(text):
        by = needed_by(events, match["library"])
        yield absent(Failure(match, by, view, environment))
    elif match := TLS.search(text):
        yield no_room(Failure(match, match["by"], view, environment))
    elif match := STACK.search(text):
        failure = Failure(match, match["by"], view, environment)
        yield refused(
            "CXXRT-H12", failure, "requires an executable stack, which this system forbids"
        )


def _too_old(failure: Failure) -> Finding:
    match, view, user = failure.match, failure.view, failure.user
    path, node, by = match["library"], match["node"], failure.by
    if node.startswith("GLIBC_") or node == "GLIBC_ABI_DT_RELR":
        return error(
            f"{failure.label} needs {node}, which this system's glibc lacks",
            rule="CXXRT-D8",
            culprits=failure.names,
            libraries=(by, path),
            evidence=(match[0],),
            remedies=("install a release that was built for this glibc",),
        )
    library = _mapped(view, path)
    if family_of_name(path) is None:
        return _other_build(failure, library)
    culprits, reason = _guilty(failure, library)
    return error(
        f"{failure.label} needs {node}, and {path} lacks it: {reason}",
        rule="CXXRT-D1",
        version=node,
        culprits=culprits,
        victims=(user.name,) if user and user.name not in culprits else (),
        libraries=(path, by),
        evidence=(match[0], *((f"{path} is {library.version}",) if library else ())),
        remedies=_newer(view, node, user),
    )


def _newer(view: ProcessView, node: str, user: Distribution | None) -> tuple[str, ...]:
    """A trial with a runtime that lacks the version disproves the remedy of a newer one no less."""
    whole = numbers(node, "GLIBCXX_"), numbers(view.runtime_version, "GLIBCXX_")
    older = f"install a release of {user.name if user else 'the package'} for older systems"
    if view.has_runtime and whole[0] <= whole[1]:
        return (*runtime_first(view), older)
    newer = newer_runtime(LIBSTDCXX, node)
    if newer != upgrade(RUNTIME_DISTRIBUTION):  # no published one is as new
        return (newer, older)
    if not view.has_runtime:
        return (*map(str, runtime_first(view)), older)
    return (" && ".join([newer, *runtime_first(view)]), older)


def _other_build(failure: Failure, library: Library | None) -> Finding:
    """A library other than a runtime, such as OpenSSL: the first build of a SONAME serves all."""
    match, user = failure.match, failure.user
    path = match["library"]
    name = path.rpartition("/")[2]
    owner = failure.environment.owner(library.path if library else path)
    own = user is not None and any(_same_library(file, path) for file in user.files)
    whose = f"that of {owner.name} {owner.version}" if owner else "the machine's"
    reason = f"{whose} was loaded before its own" if own else f"it gets {whose}"
    culprits = (owner.name,) if owner and owner is not user else ()
    name_of_user = user.name if user else "it"
    before = imported_before(name_of_user, "the package that loads the other build")
    return error(
        f"{failure.label} needs {match['node']}, and {path} lacks it: {reason}",
        rule="CXXRT-D3",
        culprits=culprits,
        victims=(user.name,) if user and user.name not in culprits else (),
        libraries=(path, failure.by),
        evidence=(match[0],),
        remedies=(before if own else f"install a newer {owner.name if owner else name}",),
    )


def _same_library(file: str, path: str) -> bool:
    """Whether two files have one SONAME, judged by their names."""
    names = (each.rpartition("/")[2].partition(".so") for each in (file, path))
    (mine, suffix, _), (theirs, _, _) = names
    return bool(suffix) and mine == theirs


def _mapped(view: ProcessView, path: str) -> Library | None:
    """The mapped library that a message names; the message may name a symbolic link."""
    if path in view.by_path:
        return view.by_path[path]
    name = canonical_soname(path)
    return next((each for each in view.libraries if each.soname == name), None)


def _guilty(failure: Failure, library: Library | None) -> tuple[tuple[str, ...], str]:
    """Who caused the older library: another package, a variable, the user's package or nobody."""
    view, environment, user = failure.view, failure.environment, failure.user
    path, node = failure.match["library"], failure.match["node"]
    owner = environment.owner(library.path if library else path)
    if owner is not None and owner is not user:
        return (owner.name,), f"{owner.name} {owner.version} loaded it first"
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH"):
        folder = path.rpartition("/")[0]
        if folder and folder in view.variables.get(name, "").replace(" ", ":").split(":"):
            return (), f"{name} selects it"
    if library is not None and (bringer := view.bringer(library)) in view.preloaded:
        return (), f"{bringer}, which LD_PRELOAD names, brings it before Python starts"
    if user is not None and _carries(user):
        bringer = view.bringer(library) if library else ""
        first = environment.owner(bringer) if bringer else None
        who = f"{first.name} {first.version}" if first else bringer or "something else"
        return (first.name,) if first else (), f"{who} loaded it before the package's own copy"
    in_conda = library is not None and library.origin is Origin.CONDA
    whose = "the conda environment's" if in_conda else "the machine's"
    if user is not None and (too_little := _promised(user, node)):
        return (user.name,), f"{too_little}, and {whose} libstdc++ is older"
    return (), f"{whose} libstdc++ is older than the package's tag assumes"


def _carries(user: Distribution) -> bool:
    """Whether the package has its own ``libstdc++.so.6``."""
    return any(path.rpartition("/")[2].startswith(LIBSTDCXX) for path in user.files)


def _promised(user: Distribution, node: str) -> str:
    """The promise of the package's tag that the need for ``node`` breaks; empty if it holds."""
    namespace, _, number = node.rpartition("_")
    platforms = [parse_platform(tag.rpartition("-")[2]) for tag in user.tags]
    known = [each for each in platforms if each is not None]
    if known and all(each.glibc is None for each in known):
        return f"its WHEEL file says {known[0].tag}, which promises nothing"
    for each in known:
        ceiling = promise_of(each.glibc).ceiling(namespace) if each.glibc else None
        if ceiling and version_tuple(number) > ceiling:
            most = ".".join(map(str, ceiling))
            return f"its tag {each.tag} promises to need at most {namespace}_{most}"
    return ""


def _undefined(failure: Failure) -> Iterator[Finding]:
    match = failure.match
    name, version = match["name"], match["version"] or ""
    if family_of_name(version) is RuntimeFamily.LIBCUDART:
        yield error(
            f"{failure.label} needs {name}, which the loaded {version} lacks",
            rule="CXXRT-D6",
            victims=failure.names,
            libraries=(failure.by,),
            evidence=(match[0],),
            remedies=(f"{upgrade('nvidia-cuda-runtime')} (for CUDA 12: nvidia-cuda-runtime-cu12)",),
        )
    elif (new := "__cxx11" in name or "B5cxx11" in name) or spells_old_string(name):
        mine, other = ("new", "old") if new else ("old", "new")
        cure = "no runtime cures this: install releases with the same _GLIBCXX_USE_CXX11_ABI"
        yield error(
            f"{failure.label} was compiled for the {mine} std::string, but the library that it "
            f"needs for the {other} one",
            rule="CXXRT-D11",
            culprits=failure.names,
            libraries=(failure.by,),
            evidence=(match[0],),
            remedies=(cure,),
        )
