"""Programs that were packed with their interpreter: folders of PyInstaller, cx_Freeze, Nuitka.

The folders here are made by hand, around a copy of the interpreter; ``-m corpus`` packs with the
real PyInstaller and cx_Freeze (a minute, from the index).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from environment_workshop import findings, run_doctor
from fixture_cache import compiled
from machine import need_extension_builder

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.host.frozen import find_frozen

pytestmark = pytest.mark.compile

MODULE = """
#include <Python.h>
int add(int);
static struct PyModuleDef core = {PyModuleDef_HEAD_INIT, "core", 0, -1, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_core(void) { add(1); return PyModule_Create(&core); }
"""
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def packed(folder: Path, contents: str, archive: str) -> Path:
    """A packed program with one module, which needs a library that lies beside it."""
    need_extension_builder()
    inside = folder / contents
    inside.mkdir(parents=True)
    (inside / archive).write_bytes(b"PK\5\6" + bytes(18))
    program = folder / "prog"
    shutil.copy(os.path.realpath(sys.executable), program)
    library = inside / "libadd.so.1"
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", "@"]
    compiled(library, [*command, "-Wl,-soname,libadd.so.1"], "int add(int a) { return a + 1; }\n")
    include = f"-I{sysconfig.get_paths()['include']}"
    path = [] if archive.startswith("base") else ["-Wl,-rpath,$ORIGIN"]
    name = f"core{sysconfig.get_config_var('EXT_SUFFIX')}"
    compiled(inside / name, [*command, include, str(library), *path], MODULE)
    return program


def judged(place: Path) -> tuple[int, list[tuple[str, str, list[str], list[str]]]]:
    done = run_doctor("--python", str(place), "--json")
    document = json.loads(done.stdout)
    assert document["python"].startswith(VERSION)
    return done.returncode, findings(document)


@pytest.mark.parametrize(
    ("contents", "archive"),
    [("_internal", "base_library.zip"), (".", "base_library.zip"), ("lib", "library.zip")],
)
def test_a_packed_program_is_judged_without_being_started(
    tmp_path: Path, contents: str, archive: str
) -> None:
    program = packed(tmp_path / "app", contents, archive)
    assert judged(program) == judged(program.parent) == (0, [])
    (program.parent / contents / "libadd.so.1").unlink()
    assert judged(program) == (1, [("CXXRT-P1", "error", ["prog"], ["prog"])])
    done = run_doctor("--python", str(program), "--import", "core")
    assert (done.returncode, "--pid" in done.stderr) == (2, True)


def test_one_file_can_be_looked_at_only_while_it_runs(tmp_path: Path) -> None:
    program = tmp_path / "prog"
    program.write_bytes(b"\x7fELF" + bytes(1000) + b"MEI\014\013\012\013\016" + bytes(80))
    program.chmod(0o755)
    with pytest.raises(InputError, match="one file"):
        find_frozen(str(program))


def test_the_starter_of_one_file_leads_to_the_program(tmp_path: Path) -> None:
    program = tmp_path / "prog"
    program.write_bytes(Path("/bin/bash").read_bytes() + b"MEI\014\013\012\013\016" + bytes(80))
    program.chmod(0o755)
    inner = f"{program} -c 'echo $$; read line; true'; true"
    with subprocess.Popen(
        [program, "-c", inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        started = starter.stdout.readline().strip()
        done = run_doctor("--pid", str(starter.pid))
        assert (done.returncode, f"cxxrt doctor --pid {started}" in done.stderr) == (2, True)
        assert run_doctor("--pid", started).returncode == 0
        starter.communicate("\n")


@pytest.mark.parametrize("name", ["python3", "python3.12", "pypy3", "other"])
def test_an_interpreter_and_other_programs_are_not_taken_for_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libpython3.12.so.1.0").write_bytes(b"")
    shutil.copy("/bin/true", tmp_path / name)
    assert find_frozen(str(tmp_path / name)) is None
    assert find_frozen(sys.executable) is None
    assert find_frozen(sys.prefix) is None
    assert find_frozen(str(tmp_path / "nowhere")) is None


@pytest.mark.corpus
def test_one_file_of_the_real_packer_is_judged_by_its_program(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    tools = tmp_path / "env" / "bin"
    subprocess.run([tools / "pip", "install", "-q", "pyinstaller", "numpy"], check=True)
    text = "import numpy, os\nprint(os.getpid(), flush=True)\ninput()\n"
    (tmp_path / "prog.py").write_text(text)
    command = [str(tools / "pyinstaller"), "--onefile", "prog.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with subprocess.Popen(
        [tmp_path / "dist" / "prog"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        program = starter.stdout.readline().strip()
        done = run_doctor("--pid", str(starter.pid))
        assert (done.returncode, f"cxxrt doctor --pid {program}" in done.stderr) == (2, True)
        done = run_doctor("--pid", program, "--json")
        assert "numpy" in {each["name"] for each in json.loads(done.stdout)["packages"]}
        assert done.returncode == 0
        starter.communicate("\n")


@pytest.mark.corpus
@pytest.mark.parametrize("packer", ["pyinstaller", "cxfreeze"])
def test_what_the_real_packers_make_is_judged_as_it_behaves(tmp_path: Path, packer: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    tools = tmp_path / "env" / "bin"
    subprocess.run(
        [tools / "pip", "install", "-q", "pyinstaller", "cx_Freeze", "numpy"], check=True
    )
    (tmp_path / "prog.py").write_text("import numpy\nprint(numpy.arange(3).sum())\n")
    options = ["--onedir", "prog.py"]
    if packer == "cxfreeze":
        options = ["build", "--script=prog.py", "--target-dir=dist/prog"]
    subprocess.run([tools / packer, *options], cwd=tmp_path, check=True, capture_output=True)
    program = tmp_path / "dist" / "prog" / "prog"
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"3\n"
    code, found = judged(program.parent)
    assert (code, {each[1] for each in found} - {"note"}) == (0, set())
    for each in program.parent.rglob("libscipy_openblas*"):
        each.unlink()
    assert subprocess.run([program], capture_output=True, check=False).returncode != 0
    assert "CXXRT-P1" in {each[0] for each in judged(program)[1] if each[1] == "error"}
