"""Compile the two demo modules: one with the recipe's own GCC, one with the machine's g++.

In: the two compilers. Out: a folder with ``demo_modern.abi3.so`` and ``demo_host.abi3.so``. Needs
no Python headers (``stable_abi.h`` says why).
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import MissingToolError, StepFailedError

if TYPE_CHECKING:
    from pathlib import Path

_COMMON = ("-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-fvisibility-inlines-hidden")


def host_compiler() -> str:
    """Return the machine's own C++ compiler.

    Raises:
        MissingToolError: ``PATH`` has no C++ compiler.
    """
    found = shutil.which("g++") or shutil.which("c++")
    if found is None:
        raise MissingToolError(
            "No C++ compiler: neither g++ nor c++ is on PATH.",
            "On Debian and Ubuntu: apt-get install g++",
        )
    return found


def compile_modules(modern_compiler: Path, host: str, destination: Path) -> None:
    """Compile both modules, at the same time, into ``destination``.

    Raises:
        StepFailedError: A compiler failed; the message has its command and output.
    """
    with as_file(files("cxxrt_toolchain.demo")) as sources, ThreadPoolExecutor(2) as pool:
        jobs = (
            (str(modern_compiler), "-std=c++23", "demo_modern"),
            (host, "-std=c++17", "demo_host"),
        )
        running = [
            pool.submit(_compile, compiler, standard, sources / f"{name}.cc", destination)
            for compiler, standard, name in jobs
        ]
        for job in running:
            job.result()


def _compile(compiler: str, standard: str, source: Path, destination: Path) -> None:
    target = destination / f"{source.stem}.abi3.so"
    command = [compiler, standard, *_COMMON, str(source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailedError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
