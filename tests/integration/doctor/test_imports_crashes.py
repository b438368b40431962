"""Pairs of packages that break each other: the doctor names the one that is to blame."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bodies import CALLS_ONCE, DIES, GLOBALLY, LARGE_BOX, ONLY_NEEDS, PRINTS, SMALL_BOX
from doctor_workshop import call, of_compiler

from cxxrt_toolchain.collect.imports.import_run import run_imports
from cxxrt_toolchain.collect.imports.watched_child import Variant
from cxxrt_toolchain.doctor.imports import diagnose_imports
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.imports.run import Outcome
from cxxrt_toolchain.report.diagnosis import Diagnosis, Relation
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from doctor_workshop import Workshop

pytestmark = pytest.mark.compile


def diagnose(*modules: str, timeout: float = 60, experiments: bool = True) -> Diagnosis:
    return diagnose_imports(sys.executable, modules, timeout=timeout, experiments=experiments)


def finding(diagnosis: Diagnosis, rule: str) -> Finding:
    found = [each for each in diagnosis.findings if each.rule == f"CXXRT-{rule}"]
    assert found, [(each.rule, each.message) for each in diagnosis.findings]
    return found[0]


def failure(diagnosis: Diagnosis) -> Finding:
    """A number prints as nothing; with code of GCC 13 and later, printing it crashes."""
    last = diagnosis.steps[-1]
    if last.outcome is Outcome.CRASHED:
        assert last.detail == "SIGSEGV"
        return finding(diagnosis, "D27")
    assert last.outcome is Outcome.EXCEPTION
    assert "a number prints as nothing" in last.detail
    return finding(diagnosis, "D28")


def test_a_renamed_copy_damages_the_shared_one(workshop: Workshop) -> None:
    private = workshop.renamed(of_compiler("libstdc++.so.6"), "libstdc++-maker.so.6")
    workshop.make("maker", PRINTS, "-lm", "-lgcc_s", linker="gcc", libraries=[private])
    workshop.make("victim", PRINTS)
    diagnosis = diagnose("maker", "victim")
    failed = failure(diagnosis)
    assert (failed.culprits, failed.victims) == (("maker",), ("victim",))
    assert "maker 1.0 brings another libstdc++" in failed.message
    assert "libstdc++ first and global: works" in failed.evidence
    damaged = finding(diagnosis, "D20")
    assert damaged.severity is Severity.ERROR
    assert (damaged.culprits, damaged.victims) == (("maker",), ("victim",))
    assert diagnosis.steps[0].outcome is Outcome.IMPORTED
    copies = [each for each in diagnosis.libraries if each.version.startswith("GLIBCXX_")]
    assert [each.package for each in copies] == ["maker", None]
    assert [each.order for each in diagnosis.libraries] == list(range(len(diagnosis.libraries)))


def test_a_static_exported_copy_does_the_same(workshop: Workshop) -> None:
    workshop.make("maker", PRINTS, "-static-libstdc++")
    workshop.make("victim", PRINTS)
    diagnosis = diagnose("maker", "victim")
    assert failure(diagnosis).culprits == ("maker",)
    assert finding(diagnosis, "D20").culprits == ("maker",)


def test_a_captured_libstdcxx_crashes_and_tells_what_it_was(workshop: Workshop) -> None:
    call("ar", "x", str(of_compiler("libstdc++.a")), "mutex.o", "--output", str(workshop.scrap))
    script = workshop.scrap / "taker.map"
    script.write_text(
        "{ global: PyInit_core; _ZSt15__once_callable; _ZSt11__once_call; local: *; };\n"
    )
    workshop.make(
        "taker", ONLY_NEEDS, str(workshop.scrap / "mutex.o"), f"-Wl,--version-script={script}"
    )
    victim = workshop.make("victim", CALLS_ONCE)
    diagnosis = diagnose("taker", "victim")
    crashed = finding(diagnosis, "D27")
    assert (crashed.culprits, crashed.victims) == (("taker",), ("victim",))
    assert "crashes with SIGSEGV: taker 1.0 has captured symbols of libstdc++" in crashed.message
    assert "victim alone: works" in crashed.evidence
    if os.uname().machine == "x86_64":
        assert any(line.startswith("std::call_once jumps there") for line in crashed.evidence)
    captured = finding(diagnosis, "D21")
    assert captured.severity is Severity.ERROR
    assert captured.culprits == ("taker",)
    assert any(line.startswith("_ZSt11__once_call is bound to") for line in captured.evidence)
    assert diagnosis.steps[1].detail == "SIGSEGV"
    assert diagnosis.steps[1].last_object == str(victim)
    assert str(victim) in diagnosis.steps[1].loaded, "seen in the moment of the crash"


def test_an_interposed_class_is_cured_by_order_only(workshop: Workshop) -> None:
    workshop.make("provider", LARGE_BOX, start=GLOBALLY)
    workshop.make("victim", SMALL_BOX)
    diagnosis = diagnose("provider", "victim")
    failed = finding(diagnosis, "D28")
    assert (failed.culprits, failed.victims) == (("provider",), ("victim",))
    assert "loaded RTLD_GLOBAL, replace those of victim" in failed.message
    assert "victim with RTLD_DEEPBIND: works" in failed.evidence
    assert "the other order: works" in failed.evidence
    assert (
        "libstdc++ first and global: not tried: the process already has a single libstdc++"
        in failed.evidence
    )
    assert failed.remedies[0] == "tried, works: import victim before provider"
    assert failed.remedies[-1].endswith("in two processes (no runtime cures this)")
    interposed = finding(diagnosis, "D22")
    assert interposed.severity is Severity.WARNING
    assert "vendored" in interposed.evidence[0]
    assert "differ in size" in interposed.evidence[1]
    assert any(
        edge.relation is Relation.BINDS and edge.target.endswith("provider/core.so")
        for edge in diagnosis.edges
    )


def test_the_same_class_in_both_is_no_reason_to_worry(workshop: Workshop) -> None:
    workshop.make("provider", SMALL_BOX, start=GLOBALLY)
    workshop.make("other", SMALL_BOX)
    diagnosis = diagnose("provider", "other")
    assert diagnosis.healthy
    assert finding(diagnosis, "D22").severity is Severity.NOTE


def test_an_older_copy_came_first(workshop: Workshop) -> None:
    shared = of_compiler("libstdc++.so.6")
    bundled = workshop.scrap / "libstdc++.so.6"
    bundled.write_bytes(shared.read_bytes())
    older = workshop.make("older", PRINTS, "-lm", "-lgcc_s", linker="gcc", libraries=[bundled])
    _needs_newer(workshop, "newer")
    diagnosis = diagnose("older", "newer")
    found = finding(diagnosis, "D1")
    assert (found.culprits, found.victims) == (("older",), ("newer",))
    assert "newer 1.0 needs GLIBCXX_3.4.99" in found.message
    assert "older 1.0 loaded it first" in found.message
    assert str(older) in finding(diagnosis, "L104").message


def test_a_wheel_whose_tag_promises_too_little(workshop: Workshop) -> None:
    _needs_newer(workshop, "newer")
    found = finding(diagnose("newer"), "D1")
    assert found.culprits == ("newer",)
    assert "its tag manylinux_2_28_x86_64 promises to need at most" in found.message


def _needs_newer(workshop: Workshop, name: str) -> None:
    """Link against a stand-in that gives one reference a version of the future."""
    folder = workshop.scrap / "future"
    folder.mkdir()
    (folder / "stub.cc").write_text('extern "C" void from_the_future() {}\n')
    (folder / "stub.map").write_text("GLIBCXX_3.4.99 { global: from_the_future; };\n")
    stub = folder / "libstdc++.so.6"
    call("g++", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libstdc++.so.6",
         f"-Wl,--version-script={folder / 'stub.map'}", "-o", str(stub),
         str(folder / "stub.cc"))  # fmt: skip
    body = (
        'extern "C" void from_the_future();\n'
        "static const char* check() { from_the_future(); return nullptr; }"
    )
    workshop.make(name, body, str(stub), linker="gcc")


def test_a_crash_in_a_static_initializer_names_the_object(workshop: Workshop) -> None:
    workshop.make("first")
    module = workshop.make("dying", DIES)
    diagnosis = diagnose("first", "dying", "json")
    assert [each.outcome.value for each in diagnosis.steps] == [
        *("imported", "crashed", "not-reached")
    ]
    assert diagnosis.steps[1].last_object == str(module)
    crashed = finding(diagnosis, "D27")
    assert crashed.culprits == ("dying",)
    assert "it fails alone, too" in crashed.message
    assert f"the last object that was initialized was {module}" in crashed.evidence
    assert any("dying/__init__.py:1" in line for line in crashed.evidence)
    if os.uname().machine == "x86_64":
        assert crashed.evidence[0].startswith("it was in ")
        assert "/libc" in crashed.evidence[0], "raise(3)"
        assert "called from core.so" in crashed.evidence[0]


def test_two_openmp_runtimes_are_told(workshop: Workshop) -> None:
    private = workshop.renamed(of_compiler("libgomp.so.1"), "libgomp-c0ffee.so.1.0.0")
    body = """
    extern "C" int omp_get_max_threads();
    static const char* check() { return omp_get_max_threads() ? nullptr : "none"; }
    """
    workshop.make("threads", body, linker="gcc", libraries=[private])
    workshop.make("others", body, "-lgomp", linker="gcc")
    diagnosis = diagnose("threads", "others")
    found = finding(diagnosis, "L105")
    assert found.severity is Severity.NOTE
    assert "threads 1.0" in found.message
    assert len(found.libraries) == 2
    assert diagnosis.healthy


def test_healthy_imports_need_nothing(workshop: Workshop) -> None:
    for name in ("one", "two", "three"):
        workshop.make(name, PRINTS)
    diagnosis = diagnose("one", "two", "three", "json", "decimal")
    assert diagnosis.healthy, diagnosis.findings
    assert {each.severity for each in diagnosis.findings} == {Severity.NOTE}
    assert [each.outcome for each in diagnosis.steps] == [Outcome.IMPORTED] * 5
    assert diagnosis.steps[0].loaded[0] == str(workshop.site / "one" / "core.so")
    assert {each.name for each in diagnosis.packages} == {"one", "two", "three"}
    assert os.path.realpath(diagnosis.executable) == os.path.realpath(sys.executable)


def test_the_oldest_python_that_is_served(workshop: Workshop) -> None:
    old = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(
        "versions/3.6.*/bin/python"
    ))  # fmt: skip
    if not old:
        pytest.skip("needs Python 3.6")
    workshop.pure("falls", "import faulthandler\nfaulthandler._sigsegv()\n")
    diagnosis = diagnose_imports(str(old[0]), ["json", "falls"], timeout=60, experiments=False)
    assert diagnosis.python.startswith("3.6.")
    assert diagnosis.steps[1].outcome is Outcome.CRASHED
    assert any("falls.py:2" in line for line in finding(diagnosis, "D27").evidence)


def test_a_preload_that_crashes_is_told(workshop: Workshop) -> None:
    module = workshop.make("dying", DIES)
    with pytest.raises(InputError, match=r"could not start the imports \(SIGSEGV\)"):
        run_imports(
            sys.executable,
            ["json"],
            timeout=60,
            observe=lambda _: None,
            variant=Variant(preload=(str(module),)),
        )
