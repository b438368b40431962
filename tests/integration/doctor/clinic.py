"""An environment whose packages come from a folder of wheels, and a person who follows advice.

`Clinic.follow` does what the text of a remedy says, with pip, the runtime's module and ``cxxrt`` as
a person has them. Whoever writes a remedy in new words is told so by the test.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doctor_workshop import MODULE, call, patchelf
from environment_workshop import Env
from fixture_cache import compiled, copied_environment
from kept_environments import with_bundled_pip

from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TAG = f"cp3{sys.version_info.minor}-cp3{sys.version_info.minor}-linux_x86_64"
_PROSE = {
    r"Install a release of \S+ for older systems": "which release that is, upstream knows",
    r"Install a build of \S+ for this \S+": "which build that is, upstream knows",
    r"Install another release of .*": "which release that is, upstream knows",
    r"If threads compete: .*": "about speed; it leaves both runtimes",
}
"""Remedies that name neither a command nor a setting."""


@dataclass
class Sick:
    """What is wrong in a scene."""

    rule: str
    fails: str
    """Code that ends with an error; empty where nothing fails in a process."""
    variables: dict[str, str] = field(default_factory=dict)
    rebuilt: dict[str, Callable[[], None]] = field(default_factory=dict)
    """The start of a remedy that asks for another build, to what publishes and installs it."""
    imports: str = ""
    """Modules of a run of imports that shows it; else it is shown of the environment."""


class Clinic:
    """One environment, and the folder that pip finds wheels in."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder = folder
        self.changed = False
        """Whether what is installed is another than at the start of `follow`."""
        self.shelf = folder / "shelf"
        self.shelf.mkdir(parents=True)
        shutil.copy(runtime, self.shelf)
        python = copied_environment(with_bundled_pip(), folder / "env")
        pip = python.with_name("pip")
        pip.unlink()  # a link to a script that names another environment
        pip.write_text(f'#!/bin/sh\nexec {python} -m pip "$@"\n')
        pip.chmod(0o755)
        self.env = Env(folder / "env")
        self._path = f"{self.env.root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"

    def library(self, place: str, source: str, *options: str, soname: str = "") -> Path:
        """A shared library of C below the folder of what is built."""
        target = self.folder / "built" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", "@"]
        return compiled(
            target, [*command, f"-Wl,-soname,{soname or target.name}", *options], source
        )

    def module(self, name: str, body: str, *options: str, linker: str = "g++") -> Path:
        """An extension module ``NAME.core``; what is imported runs ``check()`` of the body."""
        target = self.folder / "built" / name / "core.so"
        target.parent.mkdir(parents=True, exist_ok=True)
        include = sysconfig.get_paths()["include"]
        flags = ["-std=c++17", "-O1", "-fPIC", "-pthread", f"-I{include}"]
        flags += [each for each in options if each.startswith("-D")]
        unlinked = target.with_name("core.o")
        source = ["-x", "c++", "-", "-c", "-o", "@"]
        compiled(unlinked, ["g++", *flags, *source], MODULE.format(body=body))
        rest = [each for each in options if not each.startswith("-D")]
        return compiled(target, [linker, "-shared", "-pthread", "-o", "@", str(unlinked), *rest])

    def publish(
        self,
        name: str,
        files: Mapping[str, Path],
        version: str = "1.0",
        requires: str = "",
        start: str = "from . import core\n",
    ) -> None:
        """Put a wheel on the shelf."""
        info = f"{name}-{version}.dist-info"
        texts = {
            f"{name}/__init__.py": start,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + (f"Requires-Dist: {requires}\n" if requires else ""),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {_TAG}\n",
        }
        members = [NewMember(place, text.encode()) for place, text in texts.items()]
        members += [NewMember(place, path.read_bytes()) for place, path in files.items()]
        write_wheel(self.shelf, f"{name}-{version}-{_TAG}.whl", members)

    def install(self, *names: str) -> None:
        """Install what is on the shelf."""
        self._run("pip", "install", "-q", "--no-deps", *names)

    def renamed(self, library: Path, soname: str, *users: Path) -> Path:
        """A copy under another name that users need instead, as repair tools make it."""
        copy = self.folder / "built" / soname
        shutil.copy(library, copy)
        call(patchelf(), "--set-soname", soname, str(copy))
        for each in users:
            call(patchelf(), "--replace-needed", library.name.partition(".so.")[0]
                 + ".so." + library.name.partition(".so.")[2].partition(".")[0],
                 soname, str(each))  # fmt: skip
        return copy

    def said(self, sick: Sick, variables: Mapping[str, str]) -> list[dict[str, Any]]:
        """The findings of the scene's rule, with what would be done about them."""
        given = ["--import", sick.imports] if sick.imports else []
        document = self.env.doctor(*given, **self._environ(variables))[1]
        found = [each for each in document["findings"] if each["rule"] == f"CXXRT-{sick.rule}"]
        return [each for each in found if each["remedies"]]

    def works(self, code: str, variables: Mapping[str, str]) -> bool:
        """Whether some code runs to its end in the environment."""
        command = [str(self.env.root / "bin" / "python"), "-c", code]
        done = subprocess.run(
            command, env=self._environ(variables), cwd=self.folder, capture_output=True, check=False
        )
        return done.returncode == 0

    def follow(self, remedy: str, sick: Sick) -> tuple[str, dict[str, str]] | None:
        """The code to run, and the variables that are then set; None for no command or setting."""
        text, variables = remedy.removeprefix("tried, works: "), dict(sick.variables)
        for start, rebuild in sick.rebuilt.items():
            if text.startswith(start):
                rebuild()
                self.changed = True
                return sick.fails, variables
        if "SCRIPT.py" in text:
            (self.folder / "SCRIPT.py").write_text(sick.fails)
            self._shell(text.partition(",")[0], variables)
            return "", variables
        if match := re.match(r"(?:(pip install \S+), and )?in code: (.*) before the import", text):
            self._shell(match[1] or "true", {})
            return f"{_imported(match[2])}; {sick.fails}", variables
        if match := re.match(
            r"Install releases of .*: (pip install --upgrade \S+) or another", text
        ):
            text = match[1]
        if text.startswith(("pip ", "python -m ")):
            self._shell(text.partition(";")[0], {})
            return sick.fails, variables
        return self._in_one_process(text, sick.fails, variables)

    def _in_one_process(
        self, text: str, code: str, variables: dict[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        """As `follow`, of what changes nothing that is installed."""
        if match := re.fullmatch(r"Start Python with (\w+)=(.*)", text):
            return code, {**variables, match[1]: match[2]}
        if match := re.fullmatch(r"Unset (\w+), or remove .* from it", text):
            return code, {k: v for k, v in variables.items() if k != match[1]}
        if match := re.fullmatch(r"Import (\S+|another package .*) before \S+", text):
            return f"import {match[1].partition(' ')[0]}; {code}", variables
        assert any(re.fullmatch(each, text) for each in _PROSE), f"who can follow this? {text}"
        return None

    def _environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        foreign = ("LD_", "GLIBC_", "PYTHON", "CXXRT_", "CONDA", "VIRTUAL", "PIP_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        pip = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.shelf),
            "PIP_CONFIG_FILE": os.devnull,
        }
        pip["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        return {**kept, **pip, "PATH": self._path, "CXXRT_CUDA": "none", **variables}

    def _shell(self, command: str, variables: Mapping[str, str]) -> None:
        self.changed |= command != "true"
        self._run("bash", "-c", f"set -e; {command}", variables=variables)

    def _run(self, *command: str, variables: Mapping[str, str] | None = None) -> None:
        environ = self._environ({})
        assert shutil.which("pip", path=self._path) == str(self.env.root / "bin" / "pip")
        done = subprocess.run(
            ["env", *(f"{k}={v}" for k, v in (variables or {}).items()), *command],
            env=environ, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"


def _imported(call: str) -> str:
    """The call, after an import of its module."""
    return f"import {call.partition('.')[0]}; {call}"
