"""A diagnosis written by hand: a private libstdc++ that poisons the shared one (M2)."""

from __future__ import annotations

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports.run import Outcome, Step
from cxxrt_toolchain.facts.libraries import Library, Origin, Package
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation, Subject
from cxxrt_toolchain.rules.rule import Finding, Severity

SITE = "/env/lib/python3.12/site-packages"
PRIVATE = f"{SITE}/maker.libs/libstdc++-maker.so.6"
MODULE = f"{SITE}/maker/camera.so"
SYSTEM = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"
VICTIM = f"{SITE}/victim/core.so"


def sample() -> Diagnosis:
    """Two packages, two copies, one crash."""
    return Diagnosis(
        subject=Subject.IMPORTS,
        title="import maker, victim",
        python="3.12.1",
        executable="/env/bin/python",
        glibc="2.36",
        variables=(("LD_LIBRARY_PATH", "/opt/old"),),
        packages=(
            Package(name="maker", version="1.0", objects=2, location=SITE),
            Package(name="victim", version="2.0", objects=1, location=SITE),
        ),
        libraries=(
            _library(MODULE, "maker", 0),
            _library(PRIVATE, "maker", 1, RuntimeFamily.LIBSTDCXX, "GLIBCXX_3.4.32"),
            _library(VICTIM, "victim", 2),
            _library(SYSTEM, None, 3, RuntimeFamily.LIBSTDCXX, "GLIBCXX_3.4.30"),
        ),
        edges=(
            Edge(source="package:maker", target=PRIVATE, relation=Relation.OWNS),
            Edge(source=MODULE, target=PRIVATE, relation=Relation.NEEDS),
            Edge(source=VICTIM, target=SYSTEM, relation=Relation.NEEDS),
            Edge(
                source=SYSTEM,
                target=PRIVATE,
                relation=Relation.BINDS,
                count=80,
                symbols=("_ZNSt7num_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEE2idE",),
            ),
        ),
        steps=(
            Step(module="maker", outcome=Outcome.IMPORTED, loaded=(MODULE, PRIVATE), seconds=0.2),
            Step(
                module="victim",
                outcome=Outcome.CRASHED,
                detail="SIGSEGV",
                last_object=VICTIM,
                loaded=(VICTIM, SYSTEM),
                seconds=0.1,
            ),
        ),
        findings=(
            Finding(
                rule="CXXRT-H1",
                severity=Severity.ERROR,
                message="maker 1.0 brings a libstdc++ of its own, and it came first",
                culprits=("maker",),
                victims=("victim",),
                libraries=(PRIVATE, SYSTEM),
                evidence=("num_put<char>::id and codecvt<char16_t>::id are both 5",),
                remedies=("import cxx11_cuda_runtime before maker",),
            ),
        ),
    )


def _library(
    path: str,
    package: str | None,
    order: int,
    family: RuntimeFamily | None = None,
    version: str = "",
) -> Library:
    return Library(
        path=path,
        soname=path.rpartition("/")[2],
        origin=Origin.WHEEL if package else Origin.SYSTEM,
        package=package,
        family=family,
        version=version,
        order=order,
    )
