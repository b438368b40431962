"""The same of processes: what is loaded, its files, and who meets whom."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.doctor.imports import diagnose_imports
from cxxrt_toolchain.doctor.process import diagnose_process
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from doctor_workshop import Workshop

    from cxxrt_toolchain.report.diagnosis import Diagnosis

pytestmark = pytest.mark.compile

STATIC = ("-static-libstdc++", "-Wl,--exclude-libs,ALL")
GIVES = """
#include <sstream>
#include <stdexcept>
static const char* say() {
  try { throw; } catch (const std::out_of_range&) { return "range"; } catch (...) { return "?"; }
}
PyObject* give(PyObject*, PyObject*) { return PyCapsule_New((void*)&say, "demo.say", nullptr); }
static const char* check() { return nullptr; }
"""
TAKES = """
#include <stdexcept>
PyObject* take(PyObject*, PyObject* capsule) {
  auto say = (const char* (*)())PyCapsule_GetPointer(capsule, "demo.say");
  try { throw std::out_of_range("x"); } catch (...) { return PyUnicode_FromString(say()); }
}
static const char* check() { return nullptr; }
"""
THROWS = """
#include <stdexcept>
__attribute__((visibility("default"))) int number(int it) {
  if (it < 0) throw std::out_of_range("it");
  return it;
}
static const char* check() { return nullptr; }
"""
CALLS = """
#include <stdexcept>
int number(int);
static const char* check() {
  try { return number(-1) ? "?" : nullptr; } catch (const std::exception&) { return nullptr; }
}
"""


def rows(diagnosis: Diagnosis) -> list[tuple[str, Severity, tuple[str, ...], tuple[str, ...]]]:
    return [
        (each.rule, each.severity, each.culprits, each.victims)
        for each in diagnosis.findings
        if each.rule in {"CXXRT-H5", "CXXRT-H7", "CXXRT-D13"}
    ]


def test_a_pointer_in_a_capsule_between_two_runtimes_is_a_note_before_it_crashes(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.make("giver", GIVES, *STATIC)
    workshop.make("taker", TAKES)
    for _ in range(2):  # from the files, then from the cache
        store = Store(tmp_path / "cache")
        diagnosis = diagnose_imports(sys.executable, ["taker", "giver"], store=store)
        assert rows(diagnosis) == [("CXXRT-H5", Severity.NOTE, ("giver",), ())]
        (note,) = [each for each in diagnosis.findings if each.rule == "CXXRT-H5"]
        told = any("capsule 'demo.say'" in line for line in note.evidence)
        assert told is (platform.machine() == "x86_64")
        assert diagnosis.healthy


def test_symbols_that_cross_between_two_runtimes_are_a_warning(
    workshop: Workshop, tmp_path: Path
) -> None:
    library = workshop.make("thrower", THROWS, "-Wl,-soname,libthrower.so", *STATIC)
    workshop.make("caller", CALLS, str(library), f"-Wl,-rpath,{library.parent}")
    (library.parent / "libthrower.so").symlink_to(library.name)
    code = "import thrower, caller\nprint(flush=True)\nimport sys\nsys.stdin.read()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"\n"
        diagnosis = diagnose_process(child.pid)
        blind = diagnose_process(child.pid, memory=False)
        for _ in range(2):  # from the files, then from what was kept of this set of files
            kept = diagnose_process(child.pid, store=Store(tmp_path / "cache"))
            assert kept == diagnosis
        child.kill()
    assert rows(diagnosis) == [("CXXRT-H5", Severity.WARNING, ("thrower",), ("caller",))]
    assert rows(blind) == rows(diagnosis), "the files say it"


def test_one_runtime_for_both_is_nothing(workshop: Workshop) -> None:
    workshop.make("giver", GIVES)
    workshop.make("taker", TAKES)
    assert rows(diagnose_imports(sys.executable, ["taker", "giver"])) == []
