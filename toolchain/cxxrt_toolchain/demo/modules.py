"""What the demo needs on disk: its two compiled modules, and an older machine's libstdc++.

The modules need no Python headers (``stable_abi.h`` says why); ``older-host.toml`` has the pins.
"""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import as_file, files
from pathlib import Path

from cxxrt_toolchain.errors import MissingToolError, StepFailedError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe_reader import load_inputs
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.clients import machine_clients
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb
from cxxrt_toolchain.strict import Value

_COMMON = ("-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-fvisibility-inlines-hidden")


def host_compiler() -> str:
    """Return the machine's own C++ compiler; `MissingToolError` if ``PATH`` has none."""
    found = shutil.which("g++") or shutil.which("c++")
    if found is None:
        raise MissingToolError(
            "No C++ compiler: neither g++ nor c++ is on PATH.",
            "On Debian and Ubuntu: apt-get install g++",
        )
    return found


def compile_modules(modern_compiler: Path, host: str, destination: Path) -> None:
    """Compile both modules, at the same time; `StepFailedError` has the command and its output."""
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


def older_host_libraries(cache: Path | None, destination: Path) -> Path:
    """Fetch Debian 12's libstdc++ and libgcc_s; their folder. `MissingToolError`: no mirror."""
    with as_file(files("cxxrt_toolchain.demo").joinpath("older-host.toml")) as pins:
        inputs = load_inputs(Value.load_toml(pins))
    packages = fetch(
        inputs,
        downloads=find_cache(cache, os.environ).downloads,
        downloaders=machine_clients(os.environ),
        progress=Progress(),
    )
    destination.mkdir()
    for package in packages.values():
        unpack_deb(package, destination)
    return next(destination.rglob("libstdc++.so.6")).parent
