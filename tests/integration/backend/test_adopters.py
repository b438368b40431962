"""A project that has adopted the backend, installed from its sources by the tools of others.

Its wheel is built by each tool, in the tool's own isolated environment, and installed by the tool's
own rules: a name that the tool does not take for its platform ends here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from kept_environments import with_packages
from sample_builds import Environment, Index, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.isolated, pytest.mark.network, pytest.mark.compile, pytest.mark.runtime]

NAME, MODULE = "cxxrt-sample-pybind11", "cxxrt_sample_pybind11"
SLOW = pytest.mark.corpus
"""For what another tool or kind of source shows already in every run."""
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
_CONSUMER = f"""\
[project]
name = "consumer"
version = "1.0"
requires-python = ">={THIS}"
dependencies = [@dependency@]
[tool.uv]
package = false
[tool.uv.sources]
@source@
[tool.pdm]
distribution = false
[[tool.pdm.source]]
name = "pypi"
url = "@url@"
[[tool.pdm.source]]
name = "wheelhouse"
url = "@wheelhouse@"
type = "find_links"
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "local"
url = "@url@"
priority = "primary"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopter:
    """The project, and what else of it can be installed."""

    folder: Path
    index: Index

    def sdist(self, to: Path) -> Path:
        command = [sys.executable, "-m", "build", "--sdist", "--installer", "uv", "-o", str(to)]
        run([*command, str(self.folder)], self.index.environment())
        return next(to.glob("*.tar.gz"))

    def repository(self) -> str:
        """The project committed to git; its address."""
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gc.auto=0"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "1"]):
            run([*git, *command], dict(os.environ), cwd=self.folder)
        return f"git+{self.folder.as_uri()}"

    def source(self, kind: str, scratch: Path) -> str:
        if kind == "path":
            return str(self.folder)
        return self.repository() if kind == "git" else str(self.sdist(scratch))

    def consumer(self, folder: Path, kind: str) -> Path:
        """A project that depends on this one."""
        where, table = self.folder.as_uri(), f'{{ path = "{self.folder}" }}'
        if kind == "git":
            where = self.repository()
            table = f'{{ git = "{self.folder.as_uri()}" }}'
        elif kind == "sdist":
            path = self.sdist(folder / "sdist")
            where, table = path.as_uri(), f'{{ path = "{path}" }}'
        words = {
            "dependency": json.dumps(f"{NAME} @ {where}"),
            "source": f"{NAME} = {table}",
            "url": self.index.url,
            "wheelhouse": (self.index.wheelhouse or folder).as_uri(),
        }
        text = _CONSUMER
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        folder.mkdir(exist_ok=True)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        return folder


@pytest.fixture
def adopter(sample_source: Path, index: Index) -> Adopter:
    return Adopter(folder=sample_source, index=index)


def _runs(environment: Environment) -> None:
    """The module runs, on the one libstdc++ of the installed runtime wheel."""
    probe = environment.probe(MODULE)
    assert probe.answers == {MODULE: "cxxrt 42"}
    (library,) = probe.mapped("libstdc++")
    assert library.parent.parent.name == "cxx11_cuda_runtime"


KINDS = ["path", pytest.param("sdist", marks=SLOW), pytest.param("git", marks=SLOW)]


@SLOW
@pytest.mark.parametrize("kind", ["path", "sdist", "git"])
def test_pip_installs_it(
    adopter: Adopter, new_environment: Environment, tmp_path: Path, kind: str
) -> None:
    new_environment.stock_pip("install", "-q", adopter.source(kind, tmp_path / "sdist"))
    _runs(new_environment)
    assert "No broken requirements" in new_environment.stock_pip("check")


@pytest.mark.parametrize("kind", KINDS)
def test_uv_pip_installs_it(
    adopter: Adopter, new_environment: Environment, tmp_path: Path, kind: str
) -> None:
    new_environment.uv(adopter.source(kind, tmp_path / "sdist"))
    _runs(new_environment)
    uv = [sys.executable, "-m", "uv", "pip", "check", "--python", str(new_environment.python)]
    run(uv, adopter.index.environment())


def _uv_sync(folder: Path, index: Index, *options: str) -> Environment:
    command = [sys.executable, "-m", "uv", "sync", "-q", "--python", sys.executable, *options]
    run(command, index.environment(), cwd=folder)
    return Environment(python=folder / ".venv" / "bin" / "python", index=index)


@pytest.mark.parametrize(
    "options",
    [pytest.param((), id="editable", marks=SLOW), pytest.param(("--no-editable",), id="wheel")],
)
def test_uv_syncs_the_project_itself(adopter: Adopter, options: tuple[str, ...]) -> None:
    _runs(_uv_sync(adopter.folder, adopter.index, *options))


@pytest.mark.parametrize("kind", KINDS)
def test_uv_syncs_a_project_that_depends_on_it(adopter: Adopter, tmp_path: Path, kind: str) -> None:
    consumer = adopter.consumer(tmp_path / "consumer", kind)
    _runs(_uv_sync(consumer, adopter.index))
    lock = (consumer / "uv.lock").read_text(encoding="utf-8")
    assert 'name = "cxx11-cuda-runtime"' in lock
    shutil.rmtree(consumer / ".venv")
    _runs(_uv_sync(consumer, adopter.index, "--frozen"))


@SLOW
@pytest.mark.parametrize("kind", ["path", "sdist"])
def test_pdm_installs_a_project_that_depends_on_it(
    adopter: Adopter, tmp_path: Path, kind: str
) -> None:
    consumer = adopter.consumer(tmp_path / "consumer", kind)
    # pdm 2.29.4 fails to import hishel 2, which its requirement admits.
    program = str(with_packages("pdm", "hishel<2") / "bin" / "pdm")
    own = {"PDM_CHECK_UPDATE": "0", "PDM_CACHE_DIR": str(tmp_path / "cache")}
    environment = _own(adopter.index, tmp_path, own)
    for command in (["venv", "create", sys.executable], ["install", "-q"]):
        run([program, *command], environment, cwd=consumer)
    _runs(Environment(python=consumer / ".venv" / "bin" / "python", index=adopter.index))


@SLOW
@pytest.mark.parametrize("kind", ["path", "sdist", "git"])
def test_poetry_installs_a_project_that_depends_on_it(
    adopter: Adopter, tmp_path: Path, kind: str
) -> None:
    for wheel in (adopter.index.wheelhouse or tmp_path).glob("*.whl"):  # it knows no find-links
        if not (adopter.index.folder / wheel.name).exists():
            (adopter.index.folder / wheel.name).symlink_to(wheel)
    consumer = adopter.consumer(tmp_path / "consumer", kind)
    program = str(with_packages("poetry") / "bin" / "poetry")
    own = {
        "POETRY_CONFIG_DIR": str(tmp_path / "config"),
        "POETRY_CACHE_DIR": str(tmp_path / "cache"),
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
    }
    environment = _own(adopter.index, tmp_path, own)
    run([program, "env", "use", "-q", sys.executable], environment, cwd=consumer)
    run([program, "install", "-q", "--no-interaction"], environment, cwd=consumer)
    _runs(Environment(python=consumer / ".venv" / "bin" / "python", index=adopter.index))


def _own(index: Index, folder: Path, variables: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in index.environment().items() if name != "VIRTUAL_ENV"}
    return {**kept, "HOME": str(folder / "home"), **variables}


@SLOW
def test_build_makes_a_wheel_of_its_sdist(
    adopter: Adopter, new_environment: Environment, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "build", "--installer", "uv", "-o", str(tmp_path / "dist")]
    run([*command, str(adopter.folder)], adopter.index.environment())
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert "-manylinux_2_" in wheel.name
    new_environment.stock_pip("install", "-q", str(wheel))
    _runs(new_environment)
