"""Environments without pip, with compiled objects that are installed by hand, and the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
from fixture_cache import compiled, copied_environment
from kept_environments import bare

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def compile_object(target: Path, source: str, *options: str) -> Path:
    """A shared object from C++ source."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["g++", "-std=c++17", "-O1", "-fPIC", "-shared", "-x", "c++", "-", "-x", "none"]
    return compiled(target, [*command, "-o", "@", *options], source)


@dataclass(frozen=True)
class Env:
    """A virtual environment without pip, and packages that are installed by hand."""

    root: Path

    @property
    def site(self) -> Path:
        (found,) = self.root.glob("lib/python3.*/site-packages")
        return found

    def install(self, name: str, *objects: Path, requires: str = "") -> None:
        """Write the metadata of objects that lie in the site folder."""
        info = self.site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}"
        )
        record = [f"{each.relative_to(self.site)},,\n" for each in objects]
        (info / "RECORD").write_text("".join(record))

    def doctor(self, *options: str, **variables: str) -> tuple[int, dict[str, Any]]:
        """Run the command; its exit code and document, which follows the schema."""
        done = run_doctor("--python", str(self.root), "--json", *options, **variables)
        assert done.returncode in (0, 1), done.stderr
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA)
        return done.returncode, document


SCHEMA: Mapping[str, Any] = json.loads(
    (files("cxxrt_abi_tag_spec") / "schemas" / "doctor.schema.json").read_text(encoding="utf-8")
)


def run_doctor(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "CONDA", "VIRTUAL"))}
    return subprocess.run(
        [sys.executable, "-m", "cxxrt_toolchain", "doctor", *options],
        env=environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def findings(document: dict[str, Any]) -> list[tuple[str, str, list[str], list[str]]]:
    return [
        (each["rule"], each["severity"], each["culprits"], each["victims"])
        for each in document["findings"]
    ]


def make_environment(root: Path) -> Env:
    """A virtual environment with nothing in it."""
    copied_environment(bare(), root)
    return Env(root)
