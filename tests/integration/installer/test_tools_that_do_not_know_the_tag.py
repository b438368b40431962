"""Released tools on wheels with the tag: none takes one that it does not know; all take the plain.

Not the newest releases only: uv 0.5.19 to 0.9.28 and PDM's tag library compare the beginning of an
ABI tag with the ABIs that they know.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from handmade_wheels import write_wheel
from installer_environments import clean_environ
from kept_environments import with_packages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Asks = Callable[[Path, "Base", Path], str | None]

pytestmark = [pytest.mark.network, pytest.mark.isolated]

THIS = f"cp{sys.version_info.major}{sys.version_info.minor}"
PLATFORM = f"manylinux_2_17_{platform.machine()}"
RUNTIMES = ("cxxrt1", "cxxrt1_cu12", "cxxrt99", "cxxrt1_cu99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A Python and ABI tag, and the interpreter that supports them."""

    python: str
    abi: str
    version: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    implementation: str = "cpython"
    free_threaded: bool = False
    programs: tuple[str, ...] = field(default=(sys.executable,))
    """Names of the interpreter, for tools that ask one."""

    @property
    def plain(self) -> str:
        return f"foo-1.0-{self.python}-{self.abi}-{PLATFORM}.whl"

    def tagged(self, runtime: str) -> str:
        return f"foo-1.0-{self.python}-{runtime}_{self.abi}-{PLATFORM}.whl"

    def interpreter(self) -> str:
        found = next(filter(None, map(shutil.which, self.programs)), None)
        return found or pytest.skip(f"needs {self.programs[0]} on PATH")


BASES = {
    "cpython": Base(python=THIS, abi=THIS),
    "abi3": Base(python=THIS, abi="abi3"),
    "none": Base(python="py3", abi="none"),
    "free-threaded": Base(
        python="cp313", abi="cp313t", version="3.13", free_threaded=True, programs=("python3.13t",)
    ),
    "abi3t": Base(
        python="cp315", abi="abi3t", version="3.15", free_threaded=True, programs=("python3.15t",)
    ),
    "pypy": Base(
        python="pp39",
        abi="pypy39_pp73",
        version="3.9",
        implementation="pypy",
        programs=("pypy3.9", "pypy3"),
    ),
}


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**clean_environ(), "UV_NO_CONFIG": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [os.fspath(each) for each in command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def _pip(release: str) -> Asks:
    def asks(folder: Path, base: Base, scratch: Path) -> str | None:
        python = with_packages(f"pip{release}") / "bin" / "python"
        options: list[str | Path] = ["--no-deps", "--no-index", "--find-links", folder]
        options += ["--dest", scratch]
        if BASES["cpython"].version != base.version or base.implementation != "cpython":
            short = {"cpython": "cp", "pypy": "pp"}[base.implementation]
            options += ["--python-version", base.version, "--implementation", short]
            options += ["--abi", base.abi, "--platform", PLATFORM, "--only-binary", ":all:"]
        _run(python, "-m", "pip", "download", "-q", *options, "foo")
        return next((path.name for path in scratch.iterdir()), None)

    return asks


def _uv(release: str) -> Asks:
    def asks(folder: Path, base: Base, scratch: Path) -> str | None:
        uv = str(with_packages(f"uv{release}") / "bin" / "uv")
        command = [uv, "pip", "install", "--no-cache", "--no-index", "--find-links", str(folder)]
        done = _run(*command, "--python", base.interpreter(), "--target", scratch, "foo")
        if done.returncode:
            assert "foo" in done.stderr, done.stderr
            return None
        names: dict[str, str] = {}
        exec((scratch / "foo" / "__init__.py").read_text(), names)  # noqa: S102 - this file's
        return names["FILE"]

    return asks


_DEP_LOGIC = """
import json, os, sys
from dep_logic.tags import EnvSpec
folder, spec = sys.argv[1], json.loads(sys.argv[2])
spec = EnvSpec.from_spec(f"=={spec[0]}.*", sys.argv[3], spec[1], spec[2])
ranks = {name: spec.wheel_compatibility(name) for name in os.listdir(folder)}
known = [name for name, rank in ranks.items() if rank is not None]
best = max((ranks[name] for name in known), default=None)
print(json.dumps(sorted(name for name in known if ranks[name] == best)))
"""


def _dep_logic(folder: Path, base: Base, _scratch: Path) -> str | None:
    """The best wheels; a tie is a choice that the order of a listing makes."""
    python = with_packages("dep-logic") / "bin" / "python"
    spec = json.dumps([base.version, base.implementation, base.free_threaded])
    done = _run(python, "-c", _DEP_LOGIC, folder, spec, PLATFORM)
    assert done.returncode == 0, done.stderr
    return ", ".join(json.loads(done.stdout)) or None


TOOLS: dict[str, Asks] = {
    "pip 20.3.4": _pip("==20.3.4"),
    "newest pip": _pip(""),
    "uv 0.8.24": _uv("==0.8.24"),
    "uv 0.9.28": _uv("==0.9.28"),
    "newest uv": _uv(""),
    "dep-logic": _dep_logic,
}


@pytest.fixture
def chosen(tmp_path: Path) -> Callable[[str, Base], str | None]:
    """What a tool takes from the folder ``offered``."""

    def choose(tool: str, base: Base) -> str | None:
        if tool == "pip 20.3.4" and sys.version_info >= (3, 12):
            pytest.skip("pip 20.3.4 needs pkgutil.ImpImporter, which Python 3.12 has no more")
        scratch = tmp_path / f"taken-{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        return TOOLS[tool](tmp_path / "offered", base, scratch)

    return choose


@pytest.mark.parametrize("base", BASES.values(), ids=list(BASES))
@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_skips_every_tagged_wheel_and_takes_the_plain_one(
    tool: str, base: Base, chosen: Callable[[str, Base], str | None], tmp_path: Path
) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    for runtime in RUNTIMES:
        write_wheel(offered, base.tagged(runtime))
    assert chosen(tool, base) is None
    write_wheel(offered, base.plain)
    knows_base = (tool, base.abi) != ("dep-logic", "abi3t")  # PEP 803 is new
    assert chosen(tool, base) == (base.plain if knows_base else None)


@pytest.mark.parametrize("tool", ["uv 0.8.24", "uv 0.9.28", "dep-logic"])
def test_the_earlier_order_is_what_these_tools_misread(
    tool: str, chosen: Callable[[str, Base], str | None], tmp_path: Path
) -> None:
    """So the test above would see it."""
    offered, base = tmp_path / "offered", BASES["cpython"]
    offered.mkdir()
    tagged = write_wheel(offered, base.tagged("cxxrt99_cu99"))
    misread = tagged.rename(offered / f"foo-1.0-{THIS}-{THIS}_cxxrt99_cu99-{PLATFORM}.whl")
    taken = chosen(tool, base)
    assert taken in (tagged.name, misread.name)
