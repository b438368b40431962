"""Loader, backend, installer and doctor in every interpreter, subinterpreters and threads too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from machine import need_extension_builder
from system_runtime import SYSTEM_IS_NEWEST

if TYPE_CHECKING:
    from pathlib import Path

    from interpreters import Interpreter

pytestmark = [pytest.mark.runtime, pytest.mark.network]

_MAPPED = """
def mapped(name):
    with open("/proc/self/maps") as maps:
        paths = {line.split(None, 5)[5].strip() for line in maps if "/" in line}
    return sorted(path for path in paths if path.rpartition("/")[2].startswith(name))
"""
_LOADER = (
    _MAPPED
    + """
import json, cxx11_cuda_runtime as runtime
runtime.require(glibcxx="3.4.33", cudart="12", openmp=True, who="demo")
runtime.require(cudart="13", who="demo")
refused = ""
try:
    runtime.require(glibcxx="3.4.99", who="demo")
except ImportError as error:
    refused = error.rule
names = ("libstdc++", "libgcc_s", "libgomp", "libcudart.so.12", "libcudart.so.13")
print(json.dumps([runtime._how, refused, [mapped(name) for name in names]]))
"""
)
_MODULE = """
#include <Python.h>
#include <sstream>
static PyObject* selftest(PyObject*, PyObject*) {
  std::ostringstream out;
  int sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(3)
  for (int each = 0; each < 7; each++) sum += 6;
  out << "cxxrt " << sum;
  return PyUnicode_FromString(out.str().c_str());
}
static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() {
  PyObject* module = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
  PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
  return module;
}
"""
_PROJECT = """
[build-system]
requires = ["cxxrt-toolchain", "setuptools"]
build-backend = "cxxrt_toolchain.backend"
[project]
name = "demo"
version = "1.0"
dependencies = ["cxx11-cuda-runtime>=1,<2"]
[tool.setuptools]
packages = ["demo"]
"""
_SETUP = """
from setuptools import Extension, setup
openmp = ["-fopenmp"] if {openmp} else []
module = Extension(
    "demo._core", ["core.cc"], language="c++", extra_compile_args=openmp, extra_link_args=openmp
)
setup(ext_modules=[module])
"""
_BUILD = "from cxxrt_toolchain import backend; print(backend.build_wheel('..', {0}))"
_TAG = "{'cxxrt.encoding': 'tag'}"
_USE = (
    _MAPPED
    + """
import json, sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("error")
import demo._core
print(json.dumps([demo._core.selftest(), mapped("libstdc++"), mapped("libgomp")]))
"""
)
_SUBINTERPRETER = """
import sys
code = '''
import sys
sys.path[:0] = {path!r}
import cxx11_cuda_runtime as runtime
assert runtime._how in ("vendored", "system", "already-loaded"), runtime._how
runtime.require(glibcxx="3.4.33", cudart="12", openmp=True, who="demo")
'''.format(path=sys.path)
for _ in range(3):
    try:
        from concurrent import interpreters  # 3.14
        inner = interpreters.create()
        inner.exec(code)
        inner.close()
        kind = "concurrent.interpreters"
        continue
    except ImportError:
        pass
    try:
        import _interpreters as interpreters  # 3.13
    except ImportError:
        import _xxsubinterpreters as interpreters
    kind = interpreters.__name__
    identity = interpreters.create()
    failure = interpreters.run_string(identity, code)
    assert failure is None, failure
    interpreters.destroy(identity)
print(kind, end=" ")
"""
_THREADS = (
    _MAPPED
    + """
import sys, threading
threads, failures = 200, []
start = threading.Barrier(threads)
def work(number):
    start.wait()
    try:
        import cxx11_cuda_runtime as runtime
        needs = ({"glibcxx": "3.4.33"}, {"cudart": "12"}, {"openmp": True}, {"cudart": "13"})
        for each in range(4):
            runtime.require(who="demo", **needs[(number + each) % 4])
    except BaseException as error:
        failures.append(repr(error))
running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
for each in running:
    each.start()
for each in running:
    each.join()
assert not failures, (len(failures), failures[:3])
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
names = ("libstdc++", "libgcc_s", "libgomp", "libcudart.so.12", "libcudart.so.13")
print(gil, [len(mapped(name)) for name in names])
"""
)
_LEAK = """
import gc, cxx11_cuda_runtime as runtime
def resident():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096
needs = ({"glibcxx": "3.4.30"}, {"glibcxx": "3.4.30", "cudart": "12"}, {"openmp": True})
def call(times):
    for each in needs:
        for _ in range(times):
            runtime.require(who="demo", **each)
call(10_000)
before = resident()
call(350_000)
print(resident() - before)
"""


def _system_wins(interpreter: Interpreter) -> bool:
    """Its libstdc++ is newer than ours (L-5): in sid, and on a machine like it."""
    return interpreter.is_sid or (interpreter.root is None and SYSTEM_IS_NEWEST)


def _libstdcxx(interpreter: Interpreter, folder: Path) -> str:
    """The beginning of the path of the copy that serves it."""
    ours = f"{interpreter.home(folder)}/site/cxx11_cuda_runtime/lib/libstdc++.so.6"
    system = not interpreter.is_cpython or _system_wins(interpreter)
    return "/usr/lib/x86_64-linux-gnu/libstdc++.so.6." if system else ours


def test_the_loader_serves_it(interpreter: Interpreter, folder: Path) -> None:
    done = interpreter.run(folder, "-c", _LOADER)
    assert done.returncode == 0, done.stderr
    how, refused, mapped = json.loads(done.stdout)
    if not interpreter.is_cpython:
        assert (how, refused) == ("unsupported", "")
        return
    assert (how, refused) == ("system" if _system_wins(interpreter) else "vendored", "CXXRT-L002")
    assert all(len(each) == 1 for each in mapped), mapped
    assert mapped[0][0].startswith(_libstdcxx(interpreter, folder))


@pytest.mark.compile
@pytest.mark.parametrize(("encoding", "openmp"), [("plain", False), ("tag", True)])
def test_a_module_is_built_installed_used_and_diagnosed(
    interpreter: Interpreter, folder: Path, encoding: str, *, openmp: bool
) -> None:
    asked = "import sys; sys.exit(sys.version_info < (3, 10))"
    if interpreter.run(folder, "-c", asked).returncode:
        pytest.skip("the toolchain needs Python 3.10; the runtime does not")
    need_extension_builder()
    project = folder / "project"
    (project / "demo").mkdir(parents=True)
    for name, text in (
        *(("pyproject.toml", _PROJECT), ("setup.py", _SETUP.format(openmp=openmp))),
        *(("core.cc", _MODULE), ("demo/__init__.py", "")),
    ):
        (project / name).write_text(text)
    home, tagged = interpreter.home(folder), encoding == "tag" and interpreter.is_cpython
    build = _BUILD.format(_TAG if encoding == "tag" else None)
    built = interpreter.run(folder, "-c", build, cwd="project")
    assert built.returncode == 0, built.stderr
    name = built.stdout.split()[-1]
    if interpreter.is_cpython:
        python = f"cp3{interpreter.minor}"
        assert name.startswith(f"demo-1.0-{python}-{'cxxrt1_' if tagged else ''}{interpreter.abi}-")
    else:
        assert "-pp3" in name
        assert "cxxrt" not in name
    tags = interpreter.run(folder, "-m", "cxxrt_toolchain", "tags")
    assert (f"-cxxrt1_{interpreter.abi} " in tags.stdout) == interpreter.is_cpython, tags.stderr
    install = ("-m", "cxxrt_toolchain", "pip", "install", "-q", "--no-index", "--no-deps")
    target = f"{home}/installed"
    done = interpreter.run(folder, *install, "--target", target, f"{home}/{name}")
    assert done.returncode == 0, done.stderr
    used = interpreter.run(folder, "-c", _USE, target)
    assert used.returncode == 0, used.stderr
    answer, libraries, libgomp = json.loads(used.stdout)
    assert answer == "cxxrt 42"
    assert len(libgomp) == openmp
    (library,) = libraries
    assert library.startswith(_libstdcxx(interpreter, folder))
    path = f"{home}/site:{target}"
    doctor = ("-m", "cxxrt_toolchain", "doctor", "--import", "demo._core")
    done = interpreter.run(folder, *doctor, PYTHONPATH=path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_runtimes_doctor_finds_nothing_wrong(interpreter: Interpreter, folder: Path) -> None:
    done = interpreter.run(folder, "-m", "cxx11_cuda_runtime", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr


def test_subinterpreters_share_the_one_copy(cpython: Interpreter, folder: Path) -> None:
    done = cpython.run(folder, "-c", _SUBINTERPRETER + _MAPPED + "print(*mapped('libstdc++'))")
    assert done.returncode == 0, done.stderr
    kind, library = done.stdout.split()
    assert library.startswith(_libstdcxx(cpython, folder))
    newer = cpython.minor >= 14  # PEP 734
    assert (kind == "concurrent.interpreters") == newer


def test_two_hundred_threads_import_it_at_once(cpython: Interpreter, folder: Path) -> None:
    done = cpython.run(folder, "-c", _THREADS, PYTHON_GIL="0" if cpython.free_threaded else "")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{not cpython.free_threaded} [1, 1, 1, 1, 1]\n"


def test_a_million_calls_leak_nothing(cpython: Interpreter, folder: Path) -> None:
    """1,050,000 calls in three forms after 30,000; less than one byte for each."""
    if cpython.emulated:
        pytest.skip("takes minutes under emulation")
    done = cpython.run(folder, "-c", _LEAK)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000
