"""The members of an environment -> `Loads`: what the loader would do, what each module lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.collect.environment.loading import Loader
from cxxrt_toolchain.collect.environment.own_code import OwnCode
from cxxrt_toolchain.collect.environment.unserved import Scopes, absent_libraries, lacking_versions
from cxxrt_toolchain.facts.environment import requires_runtime
from cxxrt_toolchain.facts.families import cuda_major
from cxxrt_toolchain.facts.loading import GRAFTED, Loads, Unserved
from cxxrt_toolchain.host.runtime_folder import hook_majors

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.answers import Answers
    from cxxrt_toolchain.collect.environment.search import Search
    from cxxrt_toolchain.collect.store import Store
    from cxxrt_toolchain.facts.installed import Environment
    from cxxrt_toolchain.facts.members import Member
    from cxxrt_toolchain.facts.objects import ObjectFacts
    from cxxrt_toolchain.host.interpreter import Interpreter

_SUFFIX = re.compile(r"(?:\.cpython-(?P<tag>\d+[a-z]*)-(?!.*musl)[^.]*|\.(?P<stable>abi3t?))?\.so")
_FIRST_WITH_ABI3T = (3, 15)
"""CPython of PEP 803: all of its builds import ``.abi3t.so``; those without the global lock no
longer import ``.abi3.so``."""


def read_loads(
    environment: Environment,
    members: tuple[Member, ...],
    runtime: Member | None,
    found: Mapping[str, ObjectFacts],
    *,
    activated: bool,
    environ: Mapping[str, str],
    search: Callable[[Mapping[str, str]], Search],
    store: Store,
    answers: Answers,
) -> Loads:
    """What importing each extension module of an environment would load, or opening a library.

    `search` makes the loader's search with some environment variables; `found` are the facts of the
    interpreter and of the members' objects.
    """
    loader = Loader(search(environ), found, store)
    modules = [
        (member, each)
        for member in members
        for each in member.objects
        if is_importable(each, environment.interpreter)
    ]
    by_name = _opened_by_name(members)
    modules += by_name
    loader.prefetch([found[environment.interpreter.program], *(each for _, each in modules)])
    program = environment.interpreter.program
    own = environment.interpreter.starts_with
    start = loader.start(program, (*loader.search.preloaded, *own))
    ours = runtime.objects if runtime else ()
    brought = {e.name: e for e in (*ours, *(each for m in members for each in m.objects))}
    majors = hook_majors(environment.interpreter.path) if activated else ()
    asked = (f"libcudart.so.{major}" for major in majors)
    wired = loader.with_runtime(start, ours, [brought[n] for n in asked if n in brought])
    starts = {}
    for member, each in modules:
        starts[each.path] = wired if activated else start
        if requires_runtime(member.distribution):
            cudart = [brought[n] for n in sorted(member.needed) if cuda_major(n) and n in brought]
            starts[each.path] = loader.with_runtime(wired, ours, cudart)
    first = [loader.open(begin, path) for path, begin in starts.items()]
    absent, before = absent_libraries(first, members, OwnCode(environment, members, first))
    opened = tuple(
        loader.open(starts[each.module], each.module, before) if each.absent and before else each
        for each in first
    )
    inside = frozenset(each.path for member in members for each in member.objects)
    code = OwnCode(environment, members, opened)
    scopes = Scopes(loader, wired.edges, answers)
    preloads = _preloaded(loader, start.edges, program)

    def opens(path: str) -> bool:
        each = loader.open(starts.get(path, start), path)
        return scopes.complete(each) and not any(lacking_versions([each], loader))

    lacking = lacking_versions(opened, loader)
    spare = frozenset(_beside_others(by_name, opens))
    rest = (each for each in opened if each.module not in spare)
    unserved = (
        _explained(each, loader, search, scopes, preloads)
        for each in (*lacking, *scopes.undefined(rest))
    )
    return Loads(
        started=tuple(start.edges),
        preloaded=preloads,
        opened=opened,
        by_name=frozenset(each.path for _, each in by_name),
        spare=spare,
        absent=absent,
        unserved=tuple(_reported(unserved, members, scopes, code, ours)),
        inodes={
            each.path: key[:2]
            for member in members
            for each in member.objects
            if each.facts.soname and (key := loader.identity(each.path))
        },
        objects={path: each for path, each in loader.facts.items() if path not in inside},
    )


def is_importable(found: ObjectFacts, interpreter: Interpreter) -> bool:
    """Whether it is an extension module that this Python imports, by its name and its exports."""
    name = found.path.rpartition("/")[2]
    match = _SUFFIX.fullmatch(name, name.find("."))
    if match is None or not found.is_module:
        return False
    version = interpreter.python.split(".")[:2]
    if match["stable"]:
        newer = version_tuple(".".join(version)) >= _FIRST_WITH_ABI3T
        return newer if match["stable"] == "abi3t" else not (newer and interpreter.free_threaded)
    flags = ("t",) if interpreter.free_threaded else ("", "m")  # "m": before Python 3.8
    return match["tag"] in (None, *("".join(version) + each for each in flags))


def _opened_by_name(members: Iterable[Member]) -> list[tuple[Member, ObjectFacts]]:
    """The libraries of packages that only code can open, by ctypes or cffi.

    Such a package has no extension module, and no object of another package needs its libraries.
    """
    users: dict[str, set[str]] = {}
    for member in members:
        for name in member.needed:
            users.setdefault(name, set()).add(member.distribution.key)
    found = []
    for member in members:
        needed = [
            users.get(each.name, set()) | users.get(each.path.rpartition("/")[2], set())
            for each in member.objects
        ]
        alone = set().union(*needed) <= {member.distribution.key}
        if alone and not any(each.is_module for each in member.objects):
            rows = zip(member.objects, needed, strict=True)
            found += [(member, each) for each, of in rows if not of]
    return found


def _beside_others(
    by_name: Iterable[tuple[Member, ObjectFacts]], opens: Callable[[str], bool]
) -> Iterator[str]:
    """The libraries that code opens, of packages of which it can open some."""
    packages: dict[str, tuple[Member, list[str]]] = {}
    for member, each in by_name:
        packages.setdefault(member.distribution.key, (member, []))[1].append(each.path)
    for member, paths in packages.values():
        own = (each.path for each in member.objects if each.copy_of is None)
        others = (path for path in own if path not in paths and not GRAFTED.search(path))
        if any(map(opens, (*paths, *others))):
            yield from paths


def _preloaded(loader: Loader, started: Iterable[str], program: str) -> dict[str, tuple[str, str]]:
    """What only a preloaded library brings into every process: to that, and what names that."""
    without = loader.start(program, ()).edges
    brought: dict[str, tuple[str, str]] = {}
    for entry, step in loader.search.preloaded.items():
        first, *others = [*loader.start(program, (entry,)).edges][1:] or [""]
        for path in (first, *others):
            if path in started and path not in without:
                brought.setdefault(path, (first, step.value))
    return brought


def _explained(
    found: Unserved,
    loader: Loader,
    search: Callable[[Mapping[str, str]], Search],
    scopes: Scopes,
    preloads: Mapping[str, tuple[str, str]],
) -> Unserved:
    """With the library that serves it where no variable puts another one first."""
    _, variable = preloads.get(found.provider, ("", found.variable))
    if not variable:
        return found
    user, name = loader.facts[found.consumer], loader.facts[found.provider].name
    for each in search({}).all(name, path=user.path, facts=user.facts):
        other = loader.read(each.path)
        defined = frozenset(other.facts.version_definitions if other else ())
        if other and defined.issuperset(found.versions) and scopes.serves(each.path, found.symbols):
            return replace(found, variable=variable, instead=each.path)
    return replace(found, variable="")


def _reported(
    unserved: Iterable[Unserved],
    members: tuple[Member, ...],
    scopes: Scopes,
    code: OwnCode,
    ours: tuple[ObjectFacts, ...],
) -> Iterator[Unserved]:
    """With the installed objects that export the symbols; without those that code makes global.

    Also without what the runtime wheel's loader finds for a package that requires it: it passes
    over a libcudart that lacks what the package needs.
    """
    wired = {e.path for m in members if requires_runtime(m.distribution) for e in m.objects}
    for each in unserved:
        name = each.provider.rpartition("/")[2]
        own = (e.path for e in ours if cuda_major(name) and e.name == name)
        if each.consumer in wired and any(scopes.serves(path, each.symbols) for path in own):
            continue
        exporters: tuple[str, ...] = ()
        if each.symbols and not each.instead:
            exporters = tuple(
                found.path
                for member in members
                for found in member.objects
                if found.path != each.provider and scopes.exports(found.path, each.symbols)
            )
        if not (exporters and code.makes_global(each.consumer, exporters)):
            by_python = bool(each.symbols) and any(map(code.opens, (each.consumer, *each.modules)))
            yield replace(each, exporters=exporters, by_python=by_python)
