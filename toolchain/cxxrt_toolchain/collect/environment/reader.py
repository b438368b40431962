"""The installed distributions and the environment variables -> `EnvironmentFacts`.

Starts a process to ask the CUDA driver, and only if a package needs CUDA; imports and loads
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache as cache_calls
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect import crossings
from cxxrt_toolchain.collect import files as objects
from cxxrt_toolchain.collect.answers import Answers
from cxxrt_toolchain.collect.environment.loads import read_loads
from cxxrt_toolchain.collect.environment.machine import CACHE_FILE, file_content
from cxxrt_toolchain.collect.environment.search import Search
from cxxrt_toolchain.collect.interactions import find_interactions
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import (
    LIBSTDCXX,
    RuntimeFamily,
    canonical_soname,
    family_of_name,
)
from cxxrt_toolchain.facts.installed import Environment, Found, Step
from cxxrt_toolchain.facts.interactions import InteractingObject
from cxxrt_toolchain.facts.libraries import RUNTIME_DISTRIBUTION
from cxxrt_toolchain.facts.members import Member
from cxxrt_toolchain.facts.wheel import UnreadableObject
from cxxrt_toolchain.host.runtime_folder import has_hook

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.store import Store
    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.facts.objects import ObjectFacts

VARIABLES = (
    *("CONDA_PREFIX", "CXXRT_CUDART", "CXXRT_CXX", "CXXRT_DISABLE", "GLIBC_TUNABLES"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"),
)
"""Environment variables that decide what is loaded."""

_OWN = (Step.OWN_RPATH, Step.OWN_RUNPATH)


def collect_environment(
    environment: Environment, environ: Mapping[str, str], store: Store, *, workers: int = 1
) -> EnvironmentFacts:
    """The facts of an environment with the variables that its programs run with.

    `workers` is as for `files.read`.

    Raises:
        InputError: The interpreter does not run on glibc.
    """
    files = [path for each in environment.distributions for path in each.files]
    read = objects.read([environment.interpreter.program, *files], store, workers=workers)
    program = _program(environment, read)
    every = tuple(_members(environment, read.found, program))
    members = tuple(each for each in every if each.distribution.key != RUNTIME_DISTRIBUTION)
    runtime = next((each for each in every if each not in members), None)
    names = sorted({LIBSTDCXX, *(n for each in every for n in each.needed if _is_runtime(n))})
    path, is_file = environment.interpreter.program, cache_calls(os.path.isfile)
    cache, first = file_content(CACHE_FILE), environment.interpreter.searched_first

    def search_with(variables: Mapping[str, str]) -> Search:
        return Search(path, program, variables, cache, is_file, first)

    search = search_with(environ)
    candidates, outside = _outside(search, names, store, program)
    own = _own(search, every, frozenset(names), read.found)
    answers = Answers(store, "environment")
    activated = runtime is not None and has_hook(environment.interpreter.path, environ)
    facts = EnvironmentFacts(
        environment=environment,
        members=members,
        runtime=runtime,
        activated=activated,
        outside=outside,
        candidates=candidates,
        own=own,
        variables=tuple((name, environ[name]) for name in VARIABLES if environ.get(name)),
        driver=_driver(names, environ),
        strings=tuple(crossings.string_conflicts(members, answers)),
        interactions=find_interactions(_interacting_objects(members), answers),
        builds=tuple(crossings.differing_builds(members, answers)),
        loads=read_loads(
            environment,
            members,
            runtime,
            read.found,
            activated=activated,
            environ=environ,
            search=search_with,
            store=store,
            answers=answers,
        ),
        unreadable=(
            *(each for each in read.unreadable if each.member != environment.interpreter.program),
            *_gone(environment),
            *_no_library(environment, read),
        ),
        machine=program.machine,
    )
    answers.save()
    return facts


def _gone(environment: Environment) -> Iterator[UnreadableObject]:
    """For each distribution with links to files that are gone (a cleaned cache): one of them."""
    for each in environment.distributions:
        gone = [path for path in each.files if os.path.islink(path) and not os.path.exists(path)]  # noqa: PTH110, PTH114 - hundreds
        if gone:
            more = f" (as are {len(gone) - 1} more files of the package)" if len(gone) > 1 else ""
            reason = f"it is a link to {os.readlink(gone[0])}, which does not exist{more}"  # noqa: PTH115 - a text
            yield UnreadableObject(member=gone[0], reason=reason)


def _no_library(environment: Environment, read: objects.Objects) -> Iterator[UnreadableObject]:
    """The runtime wheel's libraries that are no ELF files any more, as after a power cut."""
    known = {*read.found, *(each.member for each in read.unreadable)}
    for each in environment.distributions:
        if each.key == RUNTIME_DISTRIBUTION:
            for path in each.files:
                if path not in known and ".so." in path and os.path.isfile(path):  # noqa: PTH113 - as in `_gone`
                    yield UnreadableObject(member=path, reason="it is no ELF file any more")


def _program(environment: Environment, read: objects.Objects) -> SharedObject:
    program = read.found.get(environment.interpreter.program)
    if not environment.interpreter.glibc or program is None:
        raise InputError(
            f"{environment.interpreter.executable} does not run on glibc.",
            "The doctor knows only glibc's way of loading libraries.",
        )
    return program.facts


def _driver(names: Iterable[str], environ: Mapping[str, str]) -> int | None:
    """The newest CUDA major of the driver; asked only if a package needs CUDA, in a process."""
    if not any(family_of_name(name) is RuntimeFamily.LIBCUDART for name in names):
        return None
    from cxxrt_toolchain.abi.spec import load_spec
    from cxxrt_toolchain.host.probe import cuda_driver

    return cuda_driver(load_spec(), environ)


def _members(
    environment: Environment, found: Mapping[str, ObjectFacts], program: SharedObject
) -> Iterable[Member]:
    for distribution in environment.distributions:
        inside = (found[path] for path in distribution.files if path in found)
        loadable = tuple(each for each in inside if _is_loadable(each, program))
        if loadable:
            yield Member(distribution=distribution, objects=loadable)


def _interacting_objects(members: Iterable[Member]) -> Iterator[InteractingObject]:
    for member in members:
        for each in member.objects:
            if each.copy_of is None:
                yield InteractingObject(
                    path=each.path,
                    place=each.path,
                    name=each.name,
                    owner=member.name,
                    needed=each.facts.needed,
                    traits=each.traits,
                )


def _is_loadable(found: ObjectFacts, program: SharedObject) -> bool:
    """Whether it is a shared object for this machine; packages also bring programs."""
    facts = found.facts
    return (
        facts.kind == "dyn"
        and (facts.machine, facts.bits) == (program.machine, program.bits)
        and ".so" in found.path.rpartition("/")[2]
    )


def _is_runtime(name: str) -> bool:
    return family_of_name(name) is not None and canonical_soname(name) == name


def _outside(
    search: Search, names: Iterable[str], store: Store, program: SharedObject
) -> tuple[dict[str, tuple[Found, ...]], dict[str, ObjectFacts]]:
    """Where an object without search paths finds each library, and the facts of those files."""
    every = {name: _once(search.all(name)) for name in names}
    paths = [found.path for all_found in every.values() for found in all_found]
    read = objects.read(paths, store).found
    usable = {
        path: each
        for path, each in read.items()
        if (each.facts.machine, each.facts.bits) == (program.machine, program.bits)
    }
    candidates = {
        name: tuple(found for found in all_found if found.path in usable)
        for name, all_found in every.items()
    }
    return candidates, usable


def _once(found: Iterable[Found]) -> list[Found]:
    """Each file once: ``/lib`` and ``/usr/lib`` are one folder on most machines."""
    seen: dict[str, Found] = {}
    for each in found:
        seen.setdefault(os.path.realpath(each.path), each)
    return list(seen.values())


def _own(
    search: Search, members: Iterable[Member], wanted: frozenset[str], found: Collection[str]
) -> dict[tuple[str, str], str]:
    """(Object, library) to the file that its search path leads to, or that its package brings."""
    own: dict[tuple[str, str], str] = {}
    for member in members:
        brought = {each.name: each.path for each in member.objects if each.name in wanted}
        for each in member.objects:
            for name in wanted.intersection(each.facts.needed):
                place = _by_search_path(search, each, name)
                if place in found:
                    own[each.path, name] = place
                elif name in brought:
                    own[each.path, name] = brought[name]
    return own


def _by_search_path(search: Search, user: ObjectFacts, name: str) -> str:
    if user.facts.rpath is None and user.facts.runpath is None:
        return ""
    place = search.find(name, path=user.path, facts=user.facts)
    return place.path if place is not None and place.step in _OWN else ""
