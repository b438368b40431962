"""Builds what the tests on a device work with, on a machine that needs none.

    PYTHONPATH=tests/crashes .venv/bin/python tests/integration/gpu/gpu_builds.py FOLDER

In: this checkout, nvcc of CUDA 13 and the network. Out, for the Python that runs it, a folder that
`on_device.py` takes to a machine with a device and without network:

* ``*.whl``: the runtime, the samples ``cuda_extension`` and ``cuda_ptx``, NVIDIA's libcudart 13;
* ``pairs/NAME-WAY/*.whl``: the two packages of a crash that is about libcudart, as `PAIRS` has it;
* ``tools/*.whl``: pip, pytest and the toolchain, with what they need.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from crash_builds import Way, Workshop, clean_environment
from crash_case import PACKAGES, Case, read_case
from toolsets import Toolsets, missing, run

_REPOSITORY = Path(__file__).parents[3]
_TOOLS = ("pip", "pytest", "pytest-xdist")
_IGNORED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "*.whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two packages, built one way."""

    case: Case
    way: Way

    @property
    def folder(self) -> str:
        """The name of its folder below ``pairs``."""
        return f"{self.case.name}-{self.way.value}"


def _pairs() -> tuple[Pair, ...]:
    cases = [read_case(PACKAGES / f"crash_{name}") for name in ("cudart", "cudart_static")]
    launch = read_case(PACKAGES / "gpu_launch")
    pairs = [Pair(case=case, way=way) for case in (*cases, launch) for way in Way]
    first, second = launch.projects
    bundled = replace(
        launch,
        name=f"{launch.name}_bundled",
        needs="nvidia-cuda-runtime",
        projects=(replace(first, publish=("auditwheel", "repair")), second),
    )
    return (*pairs, Pair(case=bundled, way=Way.USUAL))


PAIRS = {pair.folder: pair for pair in _pairs()}


def problem() -> str | None:
    """Why nothing can be built here, as a sentence; None: it can."""
    return missing(PAIRS["gpu_launch-usual"].case)


def build(folder: Path, runtime: Path) -> None:
    """Fill a folder with all but the tools.

    Args:
        folder: Is made; what is in it stays.
        runtime: The runtime wheel.

    Raises:
        RuntimeError: A build failed; the message has everything that it said.
        MissingToolError: NVIDIA's wheel cannot be had.
    """
    os.environ.pop("CUDA_HOME", None)  # decides how the pair is linked: the workshop sets it
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(runtime, folder)
    with tempfile.TemporaryDirectory() as scrap:
        workshop = Workshop(folder=Path(scrap), runtime=runtime, toolsets=Toolsets(Path(scrap)))
        shutil.copy(workshop._needed(), folder / "nvidia_cuda_runtime-13.whl")
        for name, pair in PAIRS.items():
            target = folder / "pairs" / name
            target.mkdir(parents=True, exist_ok=True)
            for wheel in workshop.build(pair.case, pair.way).wheels:
                shutil.copy(wheel, target)
        links = Path(scrap) / "links"
        _toolchain(Path(scrap) / "checkout", links)
        shutil.copy(runtime, links)
        _sample("cuda_extension", Path(scrap), folder, {})
        _sample("cuda_ptx", Path(scrap), folder, {"CUDACXX": "no-nvcc"})


def _sample(name: str, scrap: Path, folder: Path, variables: dict[str, str]) -> None:
    """Build a sample in isolation, as its user does, with our two distributions at hand."""
    source = shutil.copytree(PACKAGES / name, scrap / name, ignore=_IGNORED)
    links = f"{os.environ.get('PIP_FIND_LINKS', '')} {scrap / 'links'}".strip()
    environment = {**clean_environment(), "PIP_FIND_LINKS": links, **variables}
    command = [sys.executable, "-m", "build", "--wheel", "-o", str(folder), str(source)]
    run(*command, environment=environment)


def _toolchain(checkout: Path, target: Path) -> None:
    """This checkout as a wheel."""
    shutil.copytree(_REPOSITORY, checkout, ignore=_IGNORED)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(target)]
    run(*command, str(checkout), environment=clean_environment())


def fetch_tools(folder: Path) -> None:
    """Fill ``tools``: wheels of the toolchain and of what runs its tests, with what they need."""
    with tempfile.TemporaryDirectory() as scrap:
        checkout = shutil.copytree(_REPOSITORY, Path(scrap) / "checkout", ignore=_IGNORED)
        command = [sys.executable, "-m", "pip", "wheel", "-q", "-w", str(folder / "tools")]
        run(*command, *_TOOLS, str(checkout), environment=clean_environment())


def main() -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="is filled; should be new")
    folder = parser.parse_args().folder.resolve()
    if found := problem():
        sys.exit(found)
    with tempfile.TemporaryDirectory() as scrap:
        command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "-w", scrap]
        build(folder, Path(run(*command).splitlines()[-1]))
    fetch_tools(folder)


if __name__ == "__main__":
    main()
