"""Which hooks there are, and how errors of ours leave them; no hook of another backend runs."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import types
from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from cxxrt_toolchain import backend
from cxxrt_toolchain.backend import hooks
from cxxrt_toolchain.backend.config import BuildConfig
from cxxrt_toolchain.backend.editable import start_files
from cxxrt_toolchain.backend.wrapped import ACTIVE, WrappedBackend
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.facts.needs.provided import ordered_needs
from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_metadata_is_not_promised_before_the_link() -> None:
    names = {name for name in dir(backend) if not name.startswith("_")}
    assert {"build_wheel", "build_sdist", "build_editable"} <= names
    assert not [name for name in names if name.startswith("prepare_metadata")]


def test_an_error_of_ours_is_one_paragraph_and_an_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.cxxrt]\ncuda = 'x'\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        backend.build_wheel("wheels")
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("cxxrt: tool.cxxrt.cuda must be a CUDA major")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (
            KeyError("\x1b[2Jkey"),
            2,
            r"cxxrt: cannot go on: KeyError at .*test_hooks.py:\d+: '\\x1b",
        ),
        (
            OSError(28, "No space left on device"),
            3,
            r"cxxrt: \[Errno 28\] No space left on device$",
        ),
        (MemoryError(), 3, "cxxrt: this process may not use as much memory as it needs"),
        (ModuleNotFoundError("No module named 'x'"), 3, "Install cxxrt-toolchain with what"),
        (RecursionError("too deep"), 2, "too deep. Please report this, with the input"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
@pytest.mark.parametrize("hook", backend.__all__)
def test_an_error_that_nobody_foresaw_is_one_paragraph_and_an_exit_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hook: str,
    raised: Exception,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(hooks, "read_config", _raising(raised))
    with pytest.raises(SystemExit) as caught:
        _call(hook)
    assert caught.value.code == code
    text = capsys.readouterr().err
    assert re.search(said, text.rstrip("\n")), text
    assert text.count("\n") == 1
    assert "\x1b" not in text


@pytest.mark.parametrize("hook", backend.__all__)
def test_a_hook_in_a_folder_that_is_gone_is_one_paragraph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hook: str
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit) as caught:
        _call(hook)
    assert caught.value.code == 3
    assert capsys.readouterr().err == "cxxrt: [Errno 2] No such file or directory\n"


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit("own words"), SystemExit(7)])
def test_what_ends_the_process_is_not_turned_into_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: BaseException
) -> None:
    monkeypatch.setattr(hooks, "read_config", _raising(raised))
    with pytest.raises(type(raised)) as caught:
        backend.build_wheel("wheels")
    assert caught.value is raised
    assert not capsys.readouterr().err


def _call(hook: str) -> None:
    getattr(backend, hook)(*([] if hook.startswith("get_") else ["wheels"]))


def _raising(error: BaseException) -> Callable[..., None]:
    def raises(*_arguments: object) -> None:
        raise error

    return raises


def test_a_backend_that_leads_back_to_us_is_found_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = WrappedBackend(project=tmp_path, config=BuildConfig(build_backend="chain"))
    monkeypatch.setenv(ACTIVE, str(tmp_path))
    monkeypatch.setattr(subprocess, "run", _unreachable)
    with pytest.raises(ConfigError, match="leads back"):
        wrapped.call("build_wheel", "wheels", None)


def _as_musl(_name: str) -> str:
    raise ValueError("unrecognized configuration name")


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (os, "confstr", _as_musl),
        (platform, "machine", lambda: "ppc64le"),
        (sys.implementation, "name", "pypy"),
        (sys, "platform", "darwin"),
    ],
    ids=["musl", "ppc64le", "pypy", "macos"],
)
def test_a_platform_without_a_runtime_gets_what_the_wrapped_backend_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: object, name: str, value: object
) -> None:
    """With the requirement, which all wheels of the version have: the runtime has a wheel there."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1.0"\ndependencies = ["cxx11-cuda-runtime>=1,<2", '
        '"packaging"]\n[tool.setuptools]\npy-modules = ["demo"]\n'
    )
    (tmp_path / "demo.py").write_text("")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    assert [each for each in backend.get_requires_for_build_wheel() if "runtime" in each]
    monkeypatch.setattr(where, name, value)
    assert not [each for each in backend.get_requires_for_build_wheel() if "runtime" in each]
    assert backend.build_wheel("out") == "demo-1.0-py3-none-any.whl"
    with Wheel.open(tmp_path / "out" / "demo-1.0-py3-none-any.whl") as wheel:
        left = {each.name for each in wheel.metadata.requirements()}
    assert left == {"packaging", "cxx11-cuda-runtime"}


def test_importing_the_backend_needs_nothing_that_windows_lacks() -> None:
    code = "import sys; sys.modules['fcntl'] = None; import cxxrt_toolchain.backend.hooks"
    subprocess.run([sys.executable, "-c", code], check=True)


def _unreachable(*_arguments: object, **_options: object) -> None:
    raise AssertionError("a process was started")


def test_the_start_files_of_an_editable_install_call_one_typed_function() -> None:
    files = {edit.member: edit.content for edit in start_files("My-Project.x", RuntimeNeeds())}
    assert files["_cxxrt_editable_my_project_x.pth"] == (
        "import _cxxrt_editable_my_project_x; _cxxrt_editable_my_project_x.load()\n"
    )
    assert files["_cxxrt_editable_my_project_x.start"] == "_cxxrt_editable_my_project_x:load\n"
    source = files["_cxxrt_editable_my_project_x.py"]
    assert "def load() -> None:" in source
    compile(source, "start", "exec")


def test_the_start_file_of_an_editable_install_loads_what_was_linked_and_stops_nothing() -> None:
    needs = RuntimeNeeds(providers=ordered_needs({"libmkl_rt.so.3": ["_core.so"]}, {}))
    (module, *_) = start_files("demo", needs)
    runtime = types.ModuleType("cxx11_cuda_runtime")
    asked: list[dict[str, Any]] = []

    def require(**needs: object) -> None:
        asked.append(needs)
        raise ImportError("demo needs libmkl_rt.so.3")

    vars(runtime).update(load=lambda: None, require=require)
    namespace: dict[str, Any] = {}
    exec(module.content, namespace)  # noqa: S102 - the generated module
    with patch.dict(sys.modules, cxx11_cuda_runtime=runtime), redirect_stderr(StringIO()) as said:
        namespace["load"]()
    assert said.getvalue() == "demo needs libmkl_rt.so.3\n"
    assert asked[0]["openmp"] is True
    assert asked[0]["libraries"][0]["soname"] == "libmkl_rt.so.3"
