"""Running processes, looked at from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bodies import GLOBALLY, INITIALIZES, PRINTS, SMALL_BOX
from doctor_workshop import call, of_compiler

from cxxrt_toolchain.collect.process import observer
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.doctor.process import diagnose_process
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.report.diagnosis import Diagnosis, Relation
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from doctor_workshop import Workshop

pytestmark = pytest.mark.compile


@contextmanager
def running(code: str, *before: str) -> Iterator[int]:
    """A Python that has run some code and waits; ``before`` is a command that starts it."""
    with subprocess.Popen(
        [
            *before,
            sys.executable,
            "-c",
            code + "\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            yield child.pid
        finally:
            child.kill()


def _rules(diagnosis: Diagnosis) -> dict[str, Severity]:
    return {each.rule.removeprefix("CXXRT-"): each.severity for each in diagnosis.findings}


def test_a_damaged_process_is_recognized_while_it_still_runs(workshop: Workshop) -> None:
    private = workshop.renamed(of_compiler("libstdc++.so.6"), "libstdc++-maker.so.6")
    workshop.make("maker", PRINTS, "-lm", "-lgcc_s", linker="gcc", libraries=[private])
    workshop.make("victim", INITIALIZES)
    with running("import maker, victim") as pid:
        diagnosis = diagnose_process(pid)
        blind = diagnose_process(pid, memory=False)
    (damaged,) = [each for each in diagnosis.findings if each.rule == "CXXRT-D20"]
    assert damaged.severity is Severity.ERROR
    assert (damaged.culprits, damaged.victims) == (("maker",), ("victim",))
    assert any(edge.relation is Relation.OWNS for edge in diagnosis.edges)
    assert diagnosis.python == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert diagnosis.glibc.startswith("2.")
    # Without the memory the copies are known, and not which of them is damaged.
    assert _rules(blind)["H1"] is Severity.WARNING
    assert _rules(blind)["D24"] is Severity.NOTE
    assert "D20" not in _rules(blind)
    assert {each.order for each in blind.libraries} == {None}


def test_a_second_look_from_the_store_says_the_same(workshop: Workshop, tmp_path: Path) -> None:
    workshop.make("provider", SMALL_BOX, start=GLOBALLY)
    workshop.make("other", SMALL_BOX)
    private = workshop.renamed(of_compiler("libstdc++.so.6"), "libstdc++-maker.so.6")
    workshop.make("maker", PRINTS, "-lm", "-lgcc_s", linker="gcc", libraries=[private])
    time.sleep(2.1)  # younger files are not kept
    with running("import provider, other, maker") as pid:
        whole = diagnose_process(pid)
        assert any(edge.relation is Relation.BINDS for edge in whole.edges)
        assert "D22" in _rules(whole)
        for _ in range(2):
            assert diagnose_process(pid, store=Store(tmp_path / "cache")) == whole
    assert list((tmp_path / "cache").glob("references-*"))


_COUNTER = "#include <new>\ninline int& counter() { static int& of = *new int(); return of; }\n"
_COUNTS = _COUNTER + "static const char* check() { return counter()++ ? nullptr : nullptr; }"
_CALLS = """
extern "C" int centre(); extern "C" int edge();
static const char* check() { return centre() + edge() < 0 ? "overflow" : nullptr; }
"""


def test_what_is_unique_in_the_process_is_nobodys_doing(workshop: Workshop) -> None:
    """Though the package's own is not, where a library that is searched first has one that is."""
    workshop.make("provider", _COUNTS)
    libraries = []
    for name, option in (("centre", "-fgnu-unique"), ("edge", "-fno-gnu-unique")):
        source = workshop.scrap / f"{name}.cc"
        source.write_text(f'{_COUNTER}extern "C" int {name}() {{ return counter()++; }}\n')
        library = workshop.scrap / f"lib{name}.so"
        call("g++", "-shared", "-fPIC", option, "-o", str(library), str(source),
             f"-Wl,-soname,{library.name}")  # fmt: skip
        libraries.append(library)
    workshop.make("user", _CALLS, libraries=libraries)
    with running("import provider, user") as pid:
        diagnosis = diagnose_process(pid)
    bound = [edge for edge in diagnosis.edges if edge.relation is Relation.BINDS]
    assert {Path(each.source).name for each in bound} == {"libcentre.so", "libedge.so"}
    assert {each.target for each in bound} == {str(workshop.site / "provider" / "core.so")}
    assert "D22" not in _rules(diagnosis)


_PROGRAM = """
#include <cstdio>
#include <mutex>
#include <string>
static std::once_flag flag;
int main() {
  std::call_once(flag, [] { std::puts("ready"); });
  std::fflush(stdout);
  return std::getchar();
}
"""


@pytest.mark.parametrize("option", ["-no-pie", "-pie"])
def test_a_program_at_a_fixed_address_captures_nothing(tmp_path: Path, option: str) -> None:
    """It lends ``__once_proxy`` an address of its own, the jump to the real one."""
    (tmp_path / "program.cc").write_text(_PROGRAM)
    options = ["-O1", "-pthread", option, "-fno-pie" if option == "-no-pie" else "-fpie"]
    program = tmp_path / "program"
    call("g++", *options, "-o", str(program), str(tmp_path / "program.cc"))
    with subprocess.Popen(
        [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        diagnosis = diagnose_process(child.pid)
        child.kill()
    assert diagnosis.healthy
    assert not [edge for edge in diagnosis.edges if "__once_proxy" in edge.symbols]


_FREES = """
extern "C" int cudaFree(void*);
static const char* check() { return cudaFree(nullptr) ? "not freed" : nullptr; }
"""


@pytest.mark.parametrize("start", [GLOBALLY, "from . import core\n"], ids=["global", "local"])
def test_a_second_libcudart_matters_only_if_somebody_is_bound_to_it(
    workshop: Workshop, start: str
) -> None:
    """As torchvision 0.29.1 has it: needed by its file's name, and beside another of its SONAME."""
    source = workshop.scrap / "cudart.c"
    source.write_text("int cudaFree(void* of) { return of != 0; }\n")
    first, second = (workshop.scrap / f"libcudart{infix}.so.13" for infix in ("", ".1a2b3c4d"))
    call("gcc", "-shared", "-fPIC", "-o", str(first), str(source), "-Wl,-soname,libcudart.so.13")
    shutil.copy(first, second)
    workshop.make("provider", _FREES, libraries=[first], start=start)
    module = workshop.make("user", _FREES, libraries=[second])
    workshop.needs(module, "libcudart.so.13", second.name)
    with running("import provider, user") as pid:
        diagnosis = diagnose_process(pid)
        blind = diagnose_process(pid, memory=False)
    ours = [each for each in diagnosis.libraries if "/libcudart" in each.path]
    assert [Path(each.path).parent.name for each in ours] == ["provider.libs", "user.libs"]
    (found,) = [each for each in diagnosis.findings if each.rule == "CXXRT-L102"]
    assert _rules(blind)["L102"] is Severity.NOTE
    if start == GLOBALLY:
        assert found.severity is Severity.NOTE
        assert found.libraries == (ours[1].path, ours[0].path)
    else:
        assert found.severity is Severity.WARNING
        assert found.culprits == ("provider", "user")


def test_a_shared_copy_that_came_first_and_global_makes_it_healthy(workshop: Workshop) -> None:
    shared = of_compiler("libstdc++.so.6")
    private = workshop.renamed(shared, "libstdc++-maker.so.6")
    workshop.make("maker", PRINTS, "-lm", "-lgcc_s", linker="gcc", libraries=[private])
    workshop.make("victim", PRINTS)
    first = f"import ctypes\nctypes.CDLL({str(shared)!r}, ctypes.RTLD_GLOBAL)\n"
    with running(first + "import maker, victim") as pid:
        diagnosis = diagnose_process(pid)
    assert diagnosis.healthy, diagnosis.findings
    assert _rules(diagnosis)["H1"] is Severity.NOTE


def test_three_hundred_objects_in_load_order(workshop: Workshop) -> None:
    template = workshop.scrap / "tiny.so"
    (workshop.scrap / "tiny.c").write_text("int tiny(void) { return 1; }\n")
    call("gcc", "-shared", "-fPIC", "-o", str(template), str(workshop.scrap / "tiny.c"))
    folder = workshop.site / "many"
    folder.mkdir()
    names = [f"lib{(index * 37) % 300:03}.so" for index in range(300)]
    for name in names:
        shutil.copy(template, folder / name)
    workshop.record("many", [f"many/{name}" for name in names], "py3-none-linux_x86_64")
    gone = folder / names[5]
    code = (
        f"import ctypes, os\nfor name in {names!r}:\n"
        f"    ctypes.CDLL(os.path.join({str(folder)!r}, name))\nos.unlink({str(gone)!r})"
    )
    with running(code) as pid:
        diagnosis = diagnose_process(pid)
    assert diagnosis.healthy
    ours = [each for each in diagnosis.libraries if each.path.startswith(str(folder))]
    assert [Path(each.path).name for each in ours] == names, "the order in which they were loaded"
    assert [each.path for each in ours if each.deleted] == [str(gone)]
    assert {each.origin for each in ours} == {Origin.WHEEL}
    (package,) = [each for each in diagnosis.packages if each.name == "many"]
    assert package.objects == 300


def test_objects_of_every_linker_and_without_code(workshop: Workshop) -> None:
    """LLD gives code another distance to its file's start; a table of data has no code at all."""
    if shutil.which("ld.lld") is None:
        pytest.skip("needs ld.lld")
    (workshop.scrap / "code.c").write_text("int code(void) { return 1; }\n")
    (workshop.scrap / "data.c").write_text("const int data[5000] = {1};\n")
    names = ["libbfd.so", "liblld.so", "libdata.so"]
    for name, source, linker in zip(
        names, ("code", "code", "data"), ("bfd", "lld", "bfd"), strict=True
    ):
        text = str(workshop.scrap / f"{source}.c")
        options = ("-nostdlib", "-shared", "-fPIC", f"-fuse-ld={linker}")
        call("gcc", *options, "-o", str(workshop.site / name), text)
    opened = "".join(f"ctypes.CDLL({str(workshop.site / name)!r})\n" for name in names)
    with running(f"import ctypes\n{opened}") as pid:
        diagnosis = diagnose_process(pid)
    ours = [each for each in diagnosis.libraries if each.path.startswith(str(workshop.site))]
    assert [Path(each.path).name for each in ours] == names
    assert "libc.so.6" in {each.soname for each in diagnosis.libraries}
    assert diagnosis.libraries[0].path == diagnosis.executable


def test_memory_that_may_not_be_read_is_said(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refused(_pid: int) -> Iterator[None]:
        yield None

    monkeypatch.setattr(observer, "open_memory", refused)
    workshop.make("one", PRINTS)
    with running("import one") as pid:
        diagnosis = diagnose_process(pid)
    assert diagnosis.healthy
    assert "does not let this user read" in next(
        each.message for each in diagnosis.findings if each.rule == "CXXRT-D24"
    )


def test_a_program_without_python() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            time.sleep(1)  # the kernel has started it, its loader may still be at work
            diagnosis = diagnose_process(child.pid)
        finally:
            child.kill()
    assert diagnosis.healthy
    assert diagnosis.python == ""
    assert diagnosis.title.endswith("sleep 60")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare"
)
def test_a_process_that_sees_other_files(workshop: Workshop, tmp_path: Path) -> None:
    """As in a container: the paths that it shows are not ours."""
    workshop.make("boxed", PRINTS)
    inside = tmp_path / "inside"
    inside.mkdir()
    probe = subprocess.run(["unshare", "-m", "mount", "--bind", workshop.site, inside], check=False)
    if probe.returncode:
        pytest.skip("may not mount here")
    script = f'mount --bind {workshop.site} {inside} && exec "$@"'
    before = ("unshare", "-m", "sh", "-c", script, "sh")
    with running(f"import sys\nsys.path.insert(0, {str(inside)!r})\nimport boxed", *before) as pid:
        diagnosis = diagnose_process(pid)
    (library,) = [each for each in diagnosis.libraries if "boxed" in each.path]
    assert library.path == str(inside / "boxed" / "core.so")
    assert library.package == "boxed"
    (package,) = [each for each in diagnosis.packages if each.name == "boxed"]
    assert package.location == str(inside)
    assert diagnosis.healthy
    assert "L104" in _rules(diagnosis), "its libstdc++ was read through /proc/PID/root"
    assert _origins(diagnosis) == {"libc.so.6": Origin.SYSTEM, "libstdc++.so.6": Origin.SYSTEM}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot")
def test_a_process_with_another_root(workshop: Workshop, tmp_path: Path) -> None:
    """The kernel shows its paths as ours; it names its own files as if its root were ours."""
    workshop.make("jailed", PRINTS)
    jail = tmp_path / "jail"
    jail.mkdir()
    if subprocess.run(["mount", "--bind", "/", jail], check=False).returncode:
        pytest.skip("may not mount here")
    try:
        if not (jail / str(workshop.site)[1:]).is_dir():
            pytest.skip("the folder of this test is on a mount of its own")
        before = ("env", f"PYTHONPATH={workshop.site}", "chroot", str(jail))
        with running("import jailed", *before) as pid:
            diagnosis = diagnose_process(pid)
    finally:
        subprocess.run(["umount", jail], check=True)
    (library,) = [each for each in diagnosis.libraries if "jailed" in each.path]
    assert library.path == f"{jail}{workshop.site}/jailed/core.so"
    assert library.package == "jailed"
    assert diagnosis.healthy
    assert diagnosis.glibc.startswith("2.")
    assert _origins(diagnosis) == {"libc.so.6": Origin.SYSTEM, "libstdc++.so.6": Origin.SYSTEM}


def _origins(diagnosis: Diagnosis) -> dict[str, Origin]:
    wanted = ("libc.so.6", "libstdc++.so.6")
    return {each.soname: each.origin for each in diagnosis.libraries if each.soname in wanted}
