"""A fact has one rule, one severity and the same words, in every scene that shows it.

Each case builds one fact as every scene in which it can occur: a wheel, an environment, a process
with and without its memory, and the list of libraries that the runtime's own doctor judges. Of an
import run the same rules judge the process (`ImportScene.view`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import environment_case as env_case
import process_samples as samples
import pytest
from environment_case import SITE, asking, binary, local

from cxx11_cuda_runtime import _diagnosis as runtime_doctor
from cxx11_cuda_runtime._diagnosis import LoadedLibrary, LoadedObject, ProcessFacts
from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.facts.bindings import Bindings
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports.run import ImportRun, ImportScene
from cxxrt_toolchain.facts.installed import Step
from cxxrt_toolchain.facts.interactions import Crossing, InteractingObject, Interactions
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.facts.loading import Absent, Loads, Opened, Unserved
from cxxrt_toolchain.facts.traits import Traits
from cxxrt_toolchain.facts.wheel import (
    ObjectReport,
    SymbolDigest,
    SymbolSample,
    UnreadableObject,
    WheelReport,
)
from cxxrt_toolchain.repair.options import PlanOptions
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.rules.every import CATALOGUE, judge
from cxxrt_toolchain.rules.wheel.claim import make_claim

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.facts.libraries import Library
    from cxxrt_toolchain.facts.objects import ObjectFacts
    from cxxrt_toolchain.facts.process import ProcessView
    from cxxrt_toolchain.rules.wheel.claim import Claim

    Scene = Claim | EnvironmentFacts | ProcessView | ProcessFacts | WheelReport

SPOKEN_OF = {
    *("D4", "D5", "D10", "D13", "D20", "H1", "H4", "H5", "H7", "H8", "H12", "H13", "H18"),
    *("L102", "L104", "L105", "L109", "P1", "P7", "W5"),
}
"""The rules that several scenes show, and their neighbours: only one of them may report a case."""
GOMP, IOMP, OMP = RuntimeFamily.LIBGOMP, RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP
STDCXX, GCC, CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBGCC, RuntimeFamily.LIBCUDART
LOCALE_ID = "_ZNSt5ctypeIcE2idE"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fact, what is said of it, and the scenes that show it."""

    rule: str
    severity: str
    words: str
    """Part of every message."""
    scenes: dict[str, Scene]
    besides: tuple[str, ...] = ()
    """Rules about another fact that the scenes show."""


def environment(
    packages: dict[str, list[ObjectFacts]],
    **facts: Any,  # noqa: ANN401 - fields of EnvironmentFacts
) -> dict[str, Scene]:
    """An environment whose only library outside the packages is the machine's libstdc++."""
    return {"environment": env_case.environment(packages, **facts)}


def brought(owner: str, soname: str) -> ObjectFacts:
    """A bundled runtime."""
    return binary(f"{owner}.libs/{soname}", (), soname=soname)


def loaded(owner: str, soname: str, family: RuntimeFamily) -> Library:
    """A bundled runtime that is mapped."""
    return samples.library(f"{SITE}/{owner}.libs/{soname}", family=family)


def process(*libraries: Library, **more: Any) -> dict[str, Scene]:  # noqa: ANN401 - fields of a view
    """One view of a process: of a running one, and of one after imports."""
    view = samples.view(*libraries, **more)
    return {"process": view, "imports": _imported(view)}


def _imported(view: ProcessView) -> ProcessView:
    run: ImportRun[ProcessView | None] = ImportRun(before=view, attempts=(), noise="")
    return ImportScene(run=run, environment=samples.environment()).view


def wheel(*unreadable: UnreadableObject, **changes: Any) -> dict[str, Scene]:  # noqa: ANN401 - fields of an object's report
    """The claim of a wheel with one object."""
    return _claimed(_report(*unreadable, **changes))


def _claimed(report: WheelReport) -> dict[str, Scene]:
    return {"wheel": make_claim(report, load_spec(), load_symbol_tables(), None)}


def _report(*unreadable: UnreadableObject, **changes: Any) -> WheelReport:  # noqa: ANN401 - fields of an object's report
    given: dict[str, Any] = {
        "member": "demo/core.so",
        "size": 1,
        "facts": binary("core.so", ("libstdc++.so.6",)).facts,
        "copy_of": None,
        "symbols": SymbolDigest(),
        "static": (),
    }
    name = "demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    return WheelReport(
        filename=name,
        tags=parse_wheel_name(name),
        wheel_file=None,
        requires_dist=(),
        metadata_issues=(),
        record_issues=(),
        dist_info="demo-1.0.dist-info",
        members=(),
        objects=(ObjectReport(**(given | changes)),),
        unreadable=unreadable,
    )


def listed(*objects: LoadedObject, version: str = "3.4.33") -> dict[str, Scene]:
    """What the runtime's own doctor knows of a process."""
    libraries = tuple(
        LoadedLibrary(each.soname, each.path, "already-loaded", version) for each in objects
    )
    facts = ProcessFacts(
        state="already-loaded",
        version="1.16.0",
        python="3.12.1",
        glibc="2.36",
        objects=objects,
        libraries=libraries,
        package="/site/cxx11_cuda_runtime",
        vendored_glibcxx=33,
    )
    return {"runtime's doctor": facts}


RENAMED = "libstdc++-1a2b3c4d.so.6"
USER = binary("user/core.so", needs=["GLIBCXX_3.4.11"])
MAKER = [
    env_case.libstdcxx(f"{SITE}/maker.libs/{RENAMED}", soname=RENAMED),
    binary("maker/core.so", [RENAMED]),
]
STATIC = binary("maker/core.so", (), exports=[LOCALE_ID])
IDS = SymbolDigest(locale_ids=SymbolSample(count=8, examples=(LOCALE_ID,)))
PRIVATE = samples.stdcxx(f"{SITE}/maker.libs/{RENAMED}", soname=RENAMED)
EXPORTING = samples.library(samples.MAKER, static=(STDCXX,))
SHARED = samples.stdcxx(origin=Origin.RUNTIME)
SYSTEM = samples.stdcxx()
OURS = [env_case.libstdcxx(f"{SITE}/{env_case.RUNTIME}", env_case.NEW)]


def live(copy: Library) -> dict[str, Scene]:
    """A process in which a private libstdc++ and the machine's are used."""
    tables = [samples.table(each.path, samples.UNUSED) for each in (copy, SHARED)]
    return process(copy, SHARED, bindings=Bindings(locales=tuple(tables)))


def inert(copy: Library) -> dict[str, Scene]:
    """A process in which the machine's libstdc++ was loaded first and is global."""
    tables = (
        samples.table(SHARED.path, samples.HEALTHY),
        samples.table(copy.path, samples.HEALTHY, SHARED.path),
    )
    return process(SHARED, copy, bindings=Bindings(locales=tables))


def hidden(family: RuntimeFamily, library: str) -> Interactions:
    """Two packages of which one has a hidden runtime, the other a shared one; nothing crosses."""
    rows = (("maker", Traits(hidden=(family,)), ()), ("user", Traits(), (library,)))
    return Interactions(
        objects=tuple(
            InteractingObject(f"{SITE}/{owner}/core.so", "", "core.so", owner, needed, traits)
            for owner, traits, needed in rows
        )
    )


def capturing(name: str, *symbols: str) -> dict[str, Scene]:
    """A package with an object that exports symbols that libstdc++ looks up, beside a user."""
    exporter = binary(f"maker/{name}", exports=symbols)
    digest = SymbolDigest(captures=SymbolSample(count=len(symbols), examples=symbols))
    return wheel(member=f"maker/{name}", facts=exporter.facts, symbols=digest) | environment(
        {"maker": [exporter], "user": [USER]}
    )


def broken(name: str, machine: str) -> dict[str, Scene]:
    """A wheel and an environment with a file that starts like an ELF file."""
    inside = UnreadableObject(member=name, reason="the file ends", machine=machine)
    installed = replace(inside, member=f"{SITE}/{name}")
    return wheel(inside) | environment({"user": [USER]}, unreadable=(installed,))


def bundles(*copies: tuple[str, str]) -> dict[str, Scene]:
    """An environment with bundled runtimes, by owner and SONAME."""
    return environment({owner: [brought(owner, soname)] for owner, soname in copies})


def mapped(*copies: tuple[str, str, RuntimeFamily], **more: Any) -> dict[str, Scene]:  # noqa: ANN401 - fields of a view
    """A process with bundled runtimes, by owner, SONAME and family."""
    return process(*(loaded(*each) for each in copies), **more)


def opened(*objects: ObjectFacts, **more: Any) -> Loads:  # noqa: ANN401 - fields of the loads
    """A process that imports each of the objects, none of which needs another."""
    each_alone = tuple(Opened(module=each.path, edges={each.path: {}}) for each in objects)
    return Loads(opened=each_alone, **more)


def static_tls(*sizes: int) -> dict[str, Scene]:
    """An environment whose packages take static TLS, each for itself."""
    takers = {f"p{at}": local(binary(f"p{at}/core.so", ()), size) for at, size in enumerate(sizes)}
    return environment(
        {name: [each] for name, each in takers.items()}, loads=opened(*takers.values())
    )


def held(*objects: ObjectFacts, **more: Any) -> dict[str, Scene]:  # noqa: ANN401 - fields of a view
    """A process that maps objects of a package."""
    libraries = [samples.library(each.path, package="maker") for each in objects]
    return process(*libraries, objects={each.path: each for each in objects}, **more)


def twice() -> dict[str, Scene]:
    """A wheel and an environment with a library under two names."""
    report = _report(member="maker/libx.so.1", facts=TWINS[0].facts)
    (first,) = report.objects
    second = replace(first, member="maker.libs/libx-1234.so.1", facts=TWINS[1].facts)
    inodes = {each.path: (1, number) for number, each in enumerate(TWINS)}
    return _claimed(replace(report, objects=(first, second))) | environment(
        {"maker": [*TWINS]}, loads=Loads(inodes=inodes)
    )


STACK = asking(binary("maker/core.so", ()))
LACKING = binary("maker/core.so", ["libfoo.so.3"])
UNDEFINED = "_ZN3foo3barEv"
TWINS = (
    binary("maker/libx.so.1", (), soname="libx.so.1"),
    binary("maker.libs/libx-1234.so.1", (), soname="libx.so.1"),
)
ELSEWHERE = samples.stdcxx("/opt/other/libstdc++.so.6", origin=Origin.OTHER)
OLD_AND_NEW = [
    InteractingObject(f"{SITE}/{owner}/core.so", "", "core.so", owner, ("libstdc++.so.6",), traits)
    for owner, traits in (
        ("maker", Traits(old_string="_ZNSs4swapERSs")),
        ("user", Traits(new_strings=True)),
    )
]
CROSSING = Interactions(
    objects=(*OLD_AND_NEW,),
    crossings=(Crossing(user=OLD_AND_NEW[0], provider=OLD_AND_NEW[1], symbols=("_Z3putRKSs",)),),
)
HIDDEN_CUDART = hidden(CUDART, "libcudart.so.12")
GOMPS = (("a", "libgomp-1a2b.so.1.0.0"), ("b", "libgomp-3c4d.so.1.0.0"))
INTEL = (("a", "libgomp-1a2b.so.1.0.0"), ("b", "libiomp5.so"))
CLASH = (("a", "libiomp5.so"), ("b", "libomp.so"))
UNWINDERS = (("a", "libgcc_s-1a2b.so.1"), ("b", "libgcc_s-3c4d.so.1"))
CUDARTS = (("nvidia", "libcudart.so.12"), ("b", "libcudart-1a2b.so.12"))
BOTH = tuple((*each, CUDART) for each in CUDARTS)
DELETED = "/opt/lib/libstdc++.so.6"
CASES = {
    "two libgomp": Case(
        rule="L105",
        severity="note",
        words="2 OpenMP runtimes are",
        scenes=bundles(*GOMPS) | mapped(*((*each, GOMP) for each in GOMPS)),
    ),
    "libgomp beside libiomp5": Case(
        rule="L105",
        severity="note",
        words="2 OpenMP runtimes are",
        scenes=bundles(*INTEL) | mapped((*INTEL[0], GOMP), (*INTEL[1], IOMP)),
    ),
    "two OpenMP runtimes of Intel's and LLVM's kind": Case(
        rule="L105",
        severity="warning",
        words="2 OpenMP runtimes are",
        scenes=bundles(*CLASH) | mapped((*CLASH[0], IOMP), (*CLASH[1], OMP)),
    ),
    "two libgcc_s": Case(
        rule="L102",
        severity="note",
        words="2 copies of libgcc_s.so.1 are",
        scenes=bundles(*UNWINDERS) | mapped(*((*each, GCC) for each in UNWINDERS)),
    ),
    "two libcudart of one major, use unknown": Case(
        rule="L102",
        severity="note",
        words="2 copies of libcudart.so.12 are",
        scenes=bundles(*CUDARTS) | mapped(*BOTH, bindings=None),
    ),
    "two libcudart of one major, both used": Case(
        rule="L102",
        severity="warning",
        words="2 copies of libcudart.so.12 are",
        scenes=mapped(*BOTH),
    ),
    "idle second libcudart": Case(
        rule="L102",
        severity="note",
        words="is loaded first and is global",
        scenes=mapped(*BOTH, bindings=Bindings(idle=(f"{SITE}/b.libs/{CUDARTS[1][1]}",))),
    ),
    "renamed libstdc++ beside another": Case(
        rule="H1",
        severity="error",
        words="a private copy of libstdc++",
        scenes=wheel(member=f"maker.libs/{RENAMED}", facts=MAKER[0].facts, copy_of=STDCXX)
        | environment({"maker": MAKER, "user": [USER]})
        | live(PRIVATE),
    ),
    "renamed libstdc++ behind the shared one": Case(
        rule="H1",
        severity="note",
        words="a private copy of libstdc++",
        scenes=environment({"maker": MAKER, "user": [USER]}, runtime=OURS, activated=True)
        | inert(PRIVATE),
    ),
    "exported static libstdc++": Case(
        rule="H4",
        severity="error",
        words="contains a static libstdc++ and exports",
        scenes=wheel(static=(STDCXX,), symbols=IDS)
        | environment({"maker": [STATIC], "user": [USER]})
        | live(EXPORTING)
        | {"repair": _report(static=(STDCXX,), symbols=IDS)},
    ),
    "hidden static libstdc++": Case(
        rule="H5",
        severity="note",
        words="a static libstdc++, hidden",
        scenes=wheel(static=(STDCXX,))
        | environment(
            {"maker": [binary("maker/core.so", ())]}, interactions=hidden(STDCXX, "libstdc++.so.6")
        )
        | process(samples.library(samples.MAKER), interactions=hidden(STDCXX, "libstdc++.so.6")),
    ),
    "hidden static libcudart": Case(
        rule="H7",
        severity="note",
        words="a static libcudart, hidden",
        scenes=wheel(static=(CUDART,))
        | environment({"maker": [binary("maker/core.so", ())]}, interactions=HIDDEN_CUDART)
        | process(samples.library(samples.MAKER), interactions=HIDDEN_CUDART),
    ),
    "exports of std::call_once": Case(
        rule="H8",
        severity="error",
        words="that libstdc++ looks up by name",
        scenes=capturing("libcore.so", "__once_proxy"),
    ),
    "exports of exceptions": Case(
        rule="H8",
        severity="warning",
        words="that libstdc++ looks up by name",
        scenes=capturing("core.so", "__cxa_throw"),
    ),
    "exports of exceptions in a library for users": Case(
        rule="H8",
        severity="note",
        words="that libstdc++ looks up by name",
        scenes=capturing("libtrace.so", "__cxa_throw"),
    ),
    "truncated module": Case(
        rule="W5",
        severity="error",
        words="cannot be read: the file ends",
        scenes=broken("demo/core.abi3.so", "x86_64"),
    ),
    "zeroed library": Case(
        rule="W5",
        severity="error",
        words="cannot be read: the file ends",
        scenes=broken("demo/libcore.so.1.2", ""),
    ),
    "data that begins like ELF": Case(
        rule="W5",
        severity="note",
        words="nothing loads it as one: the file ends",
        scenes=broken("demo/test_kernel.so.ir", ""),
    ),
    "damaged library of another machine": Case(
        rule="W5",
        severity="note",
        words="nothing loads it as one: the file ends",
        scenes=broken("demo/libdsp.so", "em_164"),
    ),
    "executable stack where glibc refuses it": Case(
        rule="H12",
        severity="error",
        words="asks for an executable stack",
        scenes=wheel(facts=STACK.facts)
        | environment({"maker": [STACK]}, glibc="2.41", loads=opened(STACK)),
    ),
    "executable stack where glibc permits it": Case(
        rule="H12",
        severity="note",
        words="asks for an executable stack",
        scenes=environment({"maker": [STACK]}, glibc="2.40", loads=opened(STACK))
        | held(STACK, glibc="2.41"),
    ),
    "static TLS that is enough for one alone": Case(
        rule="H13",
        severity="warning",
        words="static TLS, of which a process has",
        scenes=wheel(facts=local(LACKING, 1000).facts, symbols=SymbolDigest())
        | static_tls(1000, 1000),
        besides=("P1",),
    ),
    "static TLS that is not enough": Case(
        rule="H13",
        severity="error",
        words="static TLS, of which a process has",
        scenes=static_tls(2000),
    ),
    "static TLS that leaves little": Case(
        rule="H13",
        severity="note",
        words="static TLS, of which a process has",
        scenes=held(local(binary("maker/core.so", ()), 1400)),
    ),
    "one library under two names": Case(
        rule="H18",
        severity="note",
        words="several copies",
        scenes=twice() | held(*TWINS, needed={"a.so": ("libx.so.1", "libx-1234.so.1")}),
    ),
    "one library under two names, opened by its path": Case(
        rule="H18",
        severity="warning",
        words="with variables of its own",
        scenes=held(*TWINS, needed={"a.so": ("libx.so.1",)}),
    ),
    "library that nobody has": Case(
        rule="P1",
        severity="error",
        words="needs libfoo.so.3, which is n",
        scenes=wheel(facts=LACKING.facts)
        | environment(
            {"maker": [LACKING]},
            loads=opened(
                LACKING,
                absent=(
                    Absent(consumer=LACKING.path, name="libfoo.so.3", modules=(LACKING.path,)),
                ),
            ),
        ),
    ),
    "symbol that nothing defines": Case(
        rule="P7",
        severity="error",
        words="defines",
        scenes=wheel(
            facts=binary("core.so", ["libstdc++.so.6", "libc.so.6"]).facts,
            symbols=SymbolDigest(unversioned=(UNDEFINED,), exported=("PyInit_core",)),
        )
        | environment(
            {"user": [USER]},
            loads=opened(
                USER,
                unserved=(
                    Unserved(consumer=USER.path, modules=(USER.path,), symbols=(UNDEFINED,)),
                ),
            ),
        ),
    ),
    "variable that leads to another libstdc++": Case(
        rule="D10",
        severity="note",
        words="LD_LIBRARY_PATH",
        scenes=environment(
            {"user": [USER]},
            system=(
                env_case.libstdcxx(ELSEWHERE.path, env_case.NEW),
                env_case.libstdcxx(SYSTEM.path),
            ),
            steps=(Step.LD_LIBRARY_PATH, Step.CACHE),
        )
        | process(ELSEWHERE, variables={"LD_LIBRARY_PATH": "/opt/other"}),
        besides=("L104",),
    ),
    "string ABIs of both kinds": Case(
        rule="D13",
        severity="warning",
        words="is compiled for the old std::string",
        scenes=environment(
            {"maker": [binary("maker/core.so")], "user": [binary("user/core.so")]},
            interactions=CROSSING,
        )
        | process(samples.library(samples.MAKER), interactions=CROSSING),
    ),
    "older libstdc++ first": Case(
        rule="L104",
        severity="warning",
        words="was loaded first",
        scenes=process(samples.stdcxx(f"{SITE}/old/libstdc++.so.6", "GLIBCXX_3.4.28"), SHARED),
        besides=("L102",),
    ),
    "libstdc++ that is older than the runtime's": Case(
        rule="L104",
        severity="note",
        words="(GLIBCXX_3.4.30); the installed runtime has GLIBCXX_3.4.33",
        scenes=process(SYSTEM, runtime_version="GLIBCXX_3.4.33")
        | listed(LoadedObject(path=SYSTEM.path, soname="libstdc++.so.6"), version="3.4.30"),
    ),
    "deleted library": Case(
        rule="L109",
        severity="warning",
        words=f"{DELETED} was removed or replaced while it is in use",
        scenes=process(samples.stdcxx(DELETED, origin=Origin.RUNTIME, deleted=True))
        | listed(LoadedObject(path=DELETED, soname="libstdc++.so.6", deleted=True), version=""),
    ),
}


def test_every_rule_of_several_scenes_is_shown_to_each() -> None:
    shown = {
        (f"CXXRT-{case.rule}", type(scene))
        for case in CASES.values()
        for scene in case.scenes.values()
    }
    several = [each for each in CATALOGUE.values() if len(each.scenes) > 1]
    missing = {(each.id, kind) for each in several for kind in each.scenes} - shown
    assert several
    assert missing == set()


@pytest.mark.parametrize(
    ("case", "scene"),
    [
        pytest.param(case, scene, id=f"{name}: {kind}")
        for name, case in CASES.items()
        for kind, scene in case.scenes.items()
    ],
)
def test_everybody_says_the_same_of_one_fact(case: Case, scene: Scene) -> None:
    found = [each for each in _judged(scene) if each[0] in SPOKEN_OF - {*case.besides}]
    assert [each[:2] for each in found] == [(case.rule, case.severity)]
    assert case.words in found[0][2]


def _judged(scene: Scene) -> list[tuple[str, str, str]]:
    """Rule, severity and message of everything that the judge of a scene reports."""
    if isinstance(scene, ProcessFacts):
        own = runtime_doctor.judge(scene).findings
        return [(each.rule.removeprefix("CXXRT-"), each.severity, each.message) for each in own]
    if isinstance(scene, WheelReport):
        findings = make_plan(scene, PlanOptions(), lambda _: b"").refusals
    else:
        findings = judge(scene)
    return [(e.rule.removeprefix("CXXRT-"), e.severity.value, e.message) for e in findings]
