"""Environments written down by hand, for the rules: only what a case is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.elf.facts import NeededVersion, SharedObject, Soname
from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.installed import Distribution, Environment, Found, Step
from cxxrt_toolchain.facts.members import Member
from cxxrt_toolchain.facts.objects import ObjectFacts
from cxxrt_toolchain.host.interpreter import Interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SITE = "/env/lib/python3.12/site-packages"
SYSTEM = "/usr/lib/libstdc++.so.6"
OLD = ("GLIBCXX_3.4", "GLIBCXX_3.4.11", "GLIBCXX_3.4.28", "CXXABI_1.3")
NEW = (*OLD, "GLIBCXX_3.4.33", "CXXABI_1.3.15")
RUNTIME = "cxx11_cuda_runtime/lib/libstdc++.so.6"
FACET = "_ZNSt5ctypeIcE2idE"


def binary(
    path: str,
    needed: Sequence[str] = ("libstdc++.so.6",),
    needs: Sequence[str] = (),
    *,
    defines: Sequence[str] = (),
    soname: str | None = None,
    exports: Sequence[str] = (),
    build_id: str = "",
) -> ObjectFacts:
    """One object; version needs are of the library that their prefix says."""
    libraries = {"GLIBCXX": "libstdc++.so.6", "CXXABI": "libstdc++.so.6", "GLIBC": "libc.so.6"}
    return ObjectFacts(
        path=path if path.startswith("/") else f"{SITE}/{path}",
        size=1,
        facts=SharedObject(
            bits=64,
            little_endian=True,
            machine="x86_64",
            kind="dyn",
            soname=Soname(soname) if soname else None,
            needed=tuple(map(Soname, needed)),
            rpath=None,
            runpath=None,
            version_needs=tuple(
                NeededVersion(soname=Soname(libraries[each.partition("_")[0]]), version=each)
                for each in needs
            ),
            version_definitions=tuple(defines),
            executable_stack=False,
            static_tls=False,
            build_id=build_id,
        ),
        copy_of=_family(soname, defines),
        exports=frozenset(exports),
    )


def _family(soname: str | None, defines: Sequence[str]) -> RuntimeFamily | None:
    if "GLIBCXX_3.4" in defines:
        return RuntimeFamily.LIBSTDCXX
    return family_of_name(soname) if soname else None


def asking(found: ObjectFacts) -> ObjectFacts:
    """The object with an executable stack."""
    return replace(found, facts=replace(found.facts, executable_stack=True))


def local(found: ObjectFacts, size: int, alignment: int = 16) -> ObjectFacts:
    """The object with static TLS."""
    facts = replace(found.facts, static_tls=True, thread_local=(size, alignment))
    return replace(found, facts=facts)


def libstdcxx(
    path: str, defines: Sequence[str] = OLD, soname: str = "libstdc++.so.6"
) -> ObjectFacts:
    """A whole libstdc++."""
    return binary(path, (), defines=defines, soname=soname, exports=(FACET,), build_id=path)


def distribution(
    name: str, version: str = "1.0", requires: Sequence[str] = (), tags: Sequence[str] = ()
) -> Distribution:
    """An installed distribution."""
    return Distribution(
        name=name,
        version=version,
        location=SITE,
        requires=tuple(requires),
        tags=tuple(tags),
        files=(),
    )


def environment(
    packages: Mapping[str, Sequence[ObjectFacts]],
    *,
    system: Sequence[ObjectFacts] = (libstdcxx(SYSTEM),),
    steps: Sequence[Step] = (),
    runtime: Sequence[ObjectFacts] | None = None,
    more: Sequence[Distribution] = (),
    glibc: str = "2.36",
    **facts: Any,  # noqa: ANN401 - fields of EnvironmentFacts, which checks them
) -> EnvironmentFacts:
    """An environment: packages, the system's libraries in search order, the runtime wheel."""
    known = {each.name: each for each in more}
    members = tuple(
        Member(
            distribution=replace(
                known.get(name) or distribution(name), files=tuple(each.path for each in objects)
            ),
            objects=tuple(objects),
        )
        for name, objects in packages.items()
    )
    ours = Member(distribution=distribution("cxx11-cuda-runtime"), objects=tuple(runtime or ()))
    every = known | {each.distribution.name: each.distribution for each in members}
    if runtime is not None:
        every[ours.name] = ours.distribution
    found: dict[str, list[Found]] = {}
    for number, each in enumerate(system):
        step = steps[number] if number < len(steps) else Step.CACHE
        found.setdefault(each.name, []).append(Found(path=each.path, step=step))
    defaults: dict[str, Any] = {
        "activated": False,
        "own": {},
        "variables": (),
        "driver": None,
        "strings": (),
        "builds": (),
        "unreadable": (),
        "machine": "x86_64",
    }
    return EnvironmentFacts(
        environment=Environment(
            interpreter=Interpreter(
                executable="/env/bin/python",
                program="/usr/bin/python3.12",
                python="3.12.1",
                glibc=glibc,
                prefix="/env",
                base_prefix="/usr",
                path=(SITE,),
            ),
            distributions=tuple(sorted(every.values(), key=lambda each: each.key)),
        ),
        members=members,
        runtime=ours if runtime is not None else None,
        outside={each.path: each for each in system},
        candidates={name: tuple(places) for name, places in found.items()},
        **(defaults | facts),
    )
