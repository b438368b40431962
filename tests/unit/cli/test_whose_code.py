"""The working folder brings no module of ours, and ``python -I`` follows no variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.host.describe import active_interpreter
from cxxrt_toolchain.host.interpreter import module_command
from cxxrt_toolchain.host.runtime_folder import find_runtime
from cxxrt_toolchain.installer.pip_hook import START
from cxxrt_toolchain.runtime.build import _absolute

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULES = ("argparse", "json", "pip", "runpy", "shutil", "tempfile", "cxxrt_toolchain", "os")
_ROOTS = [str(Path(__file__).parents[3] / name) for name in ("toolchain", "abi-tag-spec")]


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder with modules of which none may be imported."""
    folder = tmp_path / "planted"
    folder.mkdir()
    for name in _MODULES:
        (folder / f"{name}.py").write_text(f"print('PLANTED {name}'); raise SystemExit(9)\n")
    return folder


def _run(
    command: list[str], cwd: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
    environment |= {"PYTHONPATH": os.pathsep.join(_ROOTS), **(environ or {})}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        [*module_command(sys.executable, "pip"), "--version"],
        [*module_command(sys.executable, "cxxrt_toolchain"), "tags"],
        [sys.executable, "-c", START, "tags"],
    ],
    ids=["pip", "cxxrt_toolchain", "pip_hook"],
)
def test_what_we_start_comes_from_elsewhere(planted: Path, command: list[str]) -> None:
    done = _run(command, planted)
    assert "PLANTED" not in done.stdout
    assert done.returncode == 0, done.stderr


def test_the_command_as_a_module_imports_nothing_else_from_there(planted: Path) -> None:
    for name in ("runpy", "cxxrt_toolchain"):  # Python itself looks for these
        (planted / f"{name}.py").unlink()
    for arguments in (["tags"], ["explain"], ["doctor", "--help"]):
        done = _run([sys.executable, "-m", "cxxrt_toolchain", *arguments], planted)
        assert "PLANTED" not in done.stdout
        assert done.returncode == 0, done.stderr


def test_the_runtime_is_not_found_in_the_working_folder(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (planted / "cxx11_cuda_runtime").mkdir()
    (planted / "cxx11_cuda_runtime" / "manifest.json").write_text("{}")
    monkeypatch.chdir(planted)
    for first in ("", ".", str(planted)):
        monkeypatch.setattr(sys, "path", [first])
        with pytest.raises(MissingToolError):
            find_runtime()
    monkeypatch.chdir("/")
    monkeypatch.setattr(sys, "path", [str(planted)])
    assert find_runtime().root == planted / "cxx11_cuda_runtime"


def test_relative_folders_are_neither_an_environment_nor_a_place_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    for value in ("", ".", "../" + tmp_path.name):
        assert active_interpreter({"VIRTUAL_ENV": value}) == sys.executable
    assert active_interpreter({"VIRTUAL_ENV": str(tmp_path)}) == str(python)
    assert _absolute(":.:/usr/bin:bin::/bin:") == "/usr/bin:/bin"


@pytest.mark.parametrize("flag", ["-I", "-E"])
def test_an_isolated_python_follows_no_variable_of_ours(tmp_path: Path, flag: str) -> None:
    code = (
        f"import sys; sys.path[:0] = {_ROOTS!r}; from cxxrt_toolchain.cli import main;"
        " sys.exit(main(sys.argv[1:]))"
    )
    wrong = {"CXXRT_CUDA": "no number", "CXXRT_CACHE": "~nosuchuser/x"}
    for command in (["tags"], ["runtime", "list"]):
        assert _run([sys.executable, flag, "-c", code, *command], tmp_path, wrong).returncode == 0
        assert _run([sys.executable, "-c", code, *command], tmp_path, wrong).returncode == 2
