"""The compilers of the cases: what the machines have on which such wheels are built.

In: this machine's g++ and the GCC 14 that ``cxxrt runtime compiler`` prints. Out: for each name
the ``CXX`` to build with, and the runtime libraries that come with it.

* ``host``: this machine's g++.
* ``newer``: GCC 14, as on an image of today.
* ``toolset``: g++ as enterprise toolsets have it: ``libstdc++.so`` is a linker script that also
  links ``libstdc++_nonshared.a``, with what the system's libstdc++ is too old for. The toolset of
  the manylinux1 images had std::call_once in it. Here it stands before the shared library, which
  is not too old, so that the linker takes what it would have taken there.
* ``old-strings``: a g++ configured with ``--with-default-libstdcxx-abi=gcc4-compatible``. A
  project's or a backend's own flag comes later and wins.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.reader import read_elf

if TYPE_CHECKING:
    from crash_case import Case

_LIBSTDCXX = "libstdc++.so.6"
_NONSHARED = "mutex.o"


class Toolsets:
    """Compilers by name, made when they are first asked for.

    Args:
        folder: Where wrappers go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._makers = {
            "host": lambda: "g++",
            "newer": _newer,
            "old-strings": self._old_strings,
            "toolset": self._toolset,
        }

    def compiler(self, name: str) -> str:
        """The value of ``CXX``."""
        return str(self._makers[name]())

    def library(self, name: str, soname: str) -> Path:
        """The runtime library that a compiler links with."""
        if name == "newer":
            return (Path(_newer()).parent / "lib" / soname).resolve(strict=True)
        return _printed(self.compiler(name), soname)

    def _old_strings(self) -> Path:
        return self._wrapper("old-strings", "-D_GLIBCXX_USE_CXX11_ABI=0")

    def _toolset(self) -> Path:
        libraries = self._folder / "toolset-lib"
        libraries.mkdir(exist_ok=True)
        run("ar", "x", str(_printed("g++", "libstdc++.a")), _NONSHARED, cwd=libraries)
        run("ar", "rcs", "libstdc++_nonshared.a", _NONSHARED, cwd=libraries)
        shared = _printed("g++", _LIBSTDCXX)
        script = f"INPUT ( -lstdc++_nonshared {shared} )\n"
        (libraries / "libstdc++.so").write_text(script, encoding="ascii")
        return self._wrapper("toolset", f"-L{libraries}")

    def _wrapper(self, name: str, flag: str) -> Path:
        path = self._folder / f"{name}-g++"
        path.write_text(f'#!/bin/sh\nexec g++ {flag} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return path


def _newer() -> str:
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "compiler"]
    return run(*command).splitlines()[-1]


def _printed(compiler: str, name: str) -> Path:
    return Path(run(compiler, f"-print-file-name={name}").strip()).resolve(strict=True)


def newest_version() -> str:
    """The newest ``GLIBCXX_`` version that this machine's libstdc++ defines."""
    path = _printed("g++", _LIBSTDCXX)
    with path.open("rb") as file:
        versions = read_elf(file, path.name).version_definitions
    numbered = [name for name in versions if re.fullmatch(r"GLIBCXX_[0-9.]+", name)]
    return max(numbered, key=_numbers)


def missing(case: Case) -> str | None:
    """Why a case cannot be measured on this machine, as a sentence; None: it can."""
    if platform.machine() != "x86_64":
        return "needs an x86_64 machine"
    for program, package in (("g++", "g++"), ("ar", "binutils")):
        if shutil.which(program) is None:
            return f"needs {program}: apt-get install {package}"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "needs Python.h: apt-get install python3-dev"
    if case.host_below and _numbers(newest_version()) >= _numbers(case.host_below):
        return f"needs a g++ whose libstdc++ is older than {case.host_below}"
    if case.nvcc:
        major = dict(case.backend)["cuda"]
        found = run("nvcc", "--version") if shutil.which("nvcc") else ""
        if f"release {major}." not in found:
            return f"needs nvcc of CUDA {major} on PATH: install NVIDIA's toolkit"
    return None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", version)]


def run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """What a command that has to succeed writes to stdout.

    Raises:
        RuntimeError: It failed; the message has everything that it said.
    """
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
