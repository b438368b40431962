"""A library that lost content but not its size ends no start; nobody plants one in our way."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = [pytest.mark.runtime, pytest.mark.network]

PACKAGE = "cxx11_cuda_runtime"
LIBRARIES = ("lib/libstdc++.so.6", "lib/libgcc_s.so.1", "_anchor.so")
_PAGE = 4096
_SHOW = (
    f"import {PACKAGE} as c; print(c._how, sorted({{l.split()[-1] for l in open('/proc/self/maps')"
    " if '.so.' in l}))"
)


def start(
    *arguments: str,
    site: Path,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    python: str | Path = sys.executable,
) -> subprocess.CompletedProcess[str]:
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CXXRT_", "LD_", "PYTHON"))
    }
    return subprocess.run(
        [str(python), *arguments],
        env={**clean, "PYTHONPATH": str(site), **(environ or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def hole(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(b"")
    os.truncate(path, size)


def zeros_behind_the_first_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:_PAGE] + bytes(len(content) - len(content[:_PAGE])))


def hole_behind_the_first_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:_PAGE])
    os.truncate(path, len(content))


def zeros_at_the_end(path: Path) -> None:
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes(len(content) - half))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = (
    zeros,
    hole,
    zeros_behind_the_first_page,
    hole_behind_the_first_page,
    zeros_at_the_end,
    folder,
    fifo,
)


@OURS_IS_NEWEST
@pytest.mark.parametrize("library", LIBRARIES[:2])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_a_library_that_lost_its_content_is_an_import_error(
    own_site: Path, damage: Callable[[Path], None], library: str
) -> None:
    path = own_site / PACKAGE / library
    damage(path)
    for threads in ("", "import threading; threading.Thread(target=input).start\n"):
        done = start("-c", f"{threads}import {PACKAGE}", site=own_site)
        assert done.returncode == 1, (done.returncode, done.stderr)
        assert f"LibraryLoadError: cannot load {path}" in done.stderr
        assert "pip install --force-reinstall --no-deps cxx11-cuda-runtime" in done.stderr


@OURS_IS_NEWEST
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_without_a_whole_anchor_the_long_way_decides(
    own_site: Path, damage: Callable[[Path], None]
) -> None:
    damage(own_site / PACKAGE / LIBRARIES[2])
    done = start("-c", _SHOW, site=own_site)
    assert done.stdout.startswith("vendored "), done.stderr


@OURS_IS_NEWEST
def test_a_library_that_was_copied_sparsely_is_whole(own_site: Path) -> None:
    path = own_site / PACKAGE / LIBRARIES[0]
    content = path.read_bytes()
    path.unlink()
    with path.open("wb") as file:
        for at in range(0, len(content), _PAGE):
            if any(content[at : at + _PAGE]):
                file.seek(at)
                file.write(content[at : at + _PAGE])
    assert path.read_bytes() == content
    assert start("-c", _SHOW, site=own_site).stdout.startswith("vendored ")


@pytest.fixture
def activated(runtime_env: Callable[..., Path], runtime_wheel: Path, tmp_path: Path) -> Path:
    """The Python of an environment of its own, with the hook."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--no-index", str(runtime_wheel)]
    subprocess.run(install, check=True)
    subprocess.run([str(python), "-m", PACKAGE, "activate"], check=True, capture_output=True)
    return python


@OURS_IS_NEWEST
def test_an_activated_environment_starts_and_can_be_mended(
    activated: Path, runtime_wheel: Path, tmp_path: Path
) -> None:
    (library,) = activated.parent.parent.glob(f"lib/*/site-packages/{PACKAGE}/{LIBRARIES[0]}")
    for damage in (zeros_behind_the_first_page, hole, zeros):
        damage(library)
        done = start("-c", "print('runs')", site=tmp_path, python=activated)
        assert (done.returncode, done.stdout) == (0, "runs\n")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"cannot load {library}")
        for command in ("doctor", "activate"):
            done = start("-m", PACKAGE, command, site=tmp_path, python=activated)
            assert done.returncode == 1
            assert "Traceback" not in done.stderr
            assert "[CXXRT-L001]" in done.stderr
        install = ("install", "-q", "--no-index", "--force-reinstall", "--no-deps")
        assert (
            start(
                "-m", "pip", *install, str(runtime_wheel), site=tmp_path, python=activated
            ).returncode
            == 0
        )
        assert start("-c", "", site=tmp_path, python=activated).stderr == ""
    zeros(library)
    assert start("-m", PACKAGE, "deactivate", site=tmp_path, python=activated).returncode == 0
    assert start("-c", "", site=tmp_path, python=activated).stderr == ""


@OURS_IS_NEWEST
@pytest.mark.parametrize("flag", ["-I", "-E"])
@pytest.mark.parametrize(
    "variables",
    [{"CXXRT_DISABLE": "1"}, {"CXXRT_CXX": "/nowhere/libstdc++.so.6"}, {"CXXRT_CXX": "system"}],
    ids=str,
)
def test_an_isolated_python_follows_no_variable(
    runtime_site: Path, flag: str, variables: Mapping[str, str]
) -> None:
    code = f"import sys; sys.path.insert(0, {str(runtime_site)!r}); {_SHOW}"
    for more in ({}, {"LD_LIBRARY_PATH": "/nowhere"}):  # both ways
        done = start(flag, "-c", code, site=runtime_site, environ={**variables, **more})
        assert done.stdout.startswith("vendored "), (more, done.stderr)
    cuda = f"{code}; c.require(cudart='12'); print('has cudart')"
    done = start(flag, "-c", cuda, site=runtime_site, environ={"CXXRT_CUDART": "/nowhere/x.so"})
    assert "has cudart" in done.stdout, done.stderr


@pytest.fixture
def planted(runtime_site: Path, tmp_path: Path) -> Path:
    """A working folder in which somebody has put what the loader looks for, and modules."""
    lib = runtime_site / PACKAGE / "lib"
    planted = tmp_path / "planted"
    for place, name in {
        "torch/lib": "libgomp.so.1",
        "nvidia/cu13/lib": "libcudart.so.13",
        "nvidia/cuda_runtime/lib": "libcudart.so.12",
        ".": "libcudart.so.12",
        "lib64": "libcudart.so.12",
    }.items():
        (planted / place).mkdir(parents=True, exist_ok=True)
        (planted / place / name).write_bytes((lib / name).read_bytes())
    (planted / "libstdc++.so.6.0.99").write_bytes((lib / "libstdc++.so.6").read_bytes())
    (planted / "libstdc++.so.6").symlink_to("libstdc++.so.6.0.99")
    for name in ("argparse", "runpy", "site", "tempfile", "json", "shutil", "dataclasses"):
        (planted / f"{name}.py").write_text(f"print('PLANTED {name}'); raise SystemExit(9)\n")
    return planted


_ALL = (
    f"import {PACKAGE} as c; c.require(cudart='12'); c.require(cudart='13', openmp=True);"
    " print(open('/proc/self/maps').read())"
)


@pytest.mark.parametrize("value", ["", ":", "/nowhere:", ".", "lib64:/nowhere", ";"])
def test_the_working_folder_is_no_place_for_a_library(
    runtime_site: Path, planted: Path, tmp_path: Path, value: str
) -> None:
    (tmp_path / "planted_module.py").write_text(_ALL)
    environ = {
        "LD_LIBRARY_PATH": value,
        "PYTHONPATH": f"{runtime_site}{os.pathsep}{tmp_path}",
        "CUDA_HOME": ".",
    }
    for name in ("libgomp.so.1", "libcudart.so.12"):  # what the system would find by name
        (runtime_site / PACKAGE / "lib" / name).stat()
    for how in (("-c", _ALL), ("-m", "planted_module")):
        done = start(*how, site=runtime_site, cwd=planted, environ=environ)
        # -m itself imports runpy from the working folder: Python's doing, before any code of ours.
        if "PLANTED runpy" not in done.stdout:
            assert str(planted) not in done.stdout
            assert "libcudart.so.13" in done.stdout, done.stderr


def test_a_name_is_not_looked_up_in_the_working_folder(runtime_site: Path, planted: Path) -> None:
    code = f"import {PACKAGE} as c; c.require(cudart='12'); print(open('/proc/self/maps').read())"
    for value in (":", "/nowhere:", "."):
        environ = {"LD_LIBRARY_PATH": value, "CXXRT_CUDART": "system", "CUDA_HOME": "."}
        done = start("-c", code, site=runtime_site, cwd=planted, environ=environ)
        assert str(planted) not in done.stdout
        assert done.returncode == 0 or "CudartNotFoundError" in done.stderr


@pytest.mark.parametrize("arguments", [("doctor",), ("doctor", "--json"), ("--version",)])
def test_the_command_imports_nothing_of_the_working_folder(
    runtime_site: Path, planted: Path, arguments: tuple[str, ...]
) -> None:
    (planted / "runpy.py").unlink()
    done = start("-m", PACKAGE, *arguments, site=runtime_site, cwd=planted)
    assert "PLANTED" not in done.stdout
    assert done.returncode == 0, done.stderr


def test_the_doctor_imports_what_it_is_asked_for_as_python_does(
    runtime_site: Path, planted: Path
) -> None:
    (planted / "runpy.py").unlink()
    (planted / "own.py").write_text("print('imported')\n")
    done = start("-m", PACKAGE, "doctor", "--import", "own", site=runtime_site, cwd=planted)
    assert done.stdout.startswith("imported\n"), done.stderr


@pytest.mark.parametrize(
    ("program", "first"),
    [(("script.py",), "folder"), (("-c", "{code}"), ""), (("-m", "own"), "cwd")],
)
def test_a_program_that_is_run_sees_the_path_that_it_would_have(
    runtime_site: Path, planted: Path, tmp_path: Path, program: tuple[str, ...], first: str
) -> None:
    code = "import sys; print(repr(sys.path[0]), sys.argv)"
    script = tmp_path / "script.py"
    script.write_text(code)
    (planted / "own.py").write_text(code)
    arguments = [each.format(code=code).replace("script.py", str(script)) for each in program]
    expected = {"folder": str(tmp_path), "": "", "cwd": str(planted)}[first]
    run = ("-c", f"import sys; from {PACKAGE} import _run; _run.run(sys.argv[1:], inherit=False)")
    done = start(*run, *arguments, site=runtime_site, cwd=planted)
    if first == "folder":  # the other two may import from the working folder, as Python does
        assert "PLANTED" not in done.stdout
    else:
        done = start(*run, *arguments, site=runtime_site, cwd=_without_modules(planted))
    assert done.stdout.startswith(repr(expected)), (done.stdout, done.stderr)


def _without_modules(planted: Path) -> Path:
    for name in ("argparse", "runpy", "site", "tempfile", "json", "shutil", "dataclasses"):
        (planted / f"{name}.py").unlink()
    return planted
