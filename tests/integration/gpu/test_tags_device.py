"""The driver decides on the tags: what it runs first, and an installation that follows it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gpu_environments import asked, environment_of_children, new_environment
from handmade_wheels import write_wheel

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.host.probe import cuda_driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_environments import Record, Wheels

pytestmark = pytest.mark.gpu

_THIS = f"cp{sys.version_info[0]}{sys.version_info[1]}"
_PLATFORM = "manylinux_2_17_x86_64.manylinux2014_x86_64"


def test_the_driver_runs_the_major_that_its_own_program_says(
    nvidia_smi: Callable[[str], str], record: Record
) -> None:
    said = nvidia_smi("cuda_version")
    record("driver", {"release": nvidia_smi("driver_version"), "cuda": said})
    assert cuda_driver(load_spec(), {}) == int(said.split(".")[0])


def test_the_tags_begin_with_the_drivers_major_and_end_with_those_beyond_it(
    nvidia_smi: Callable[[str], str], record: Record
) -> None:
    document: dict[str, Any] = asked([sys.executable, "-m", "cxxrt_toolchain", "tags", "--json"])
    majors = [each["runtime_abi"].partition("_cu")[2] for each in document["runtime_abis"]]
    record("tags", {"first": document["tags"][0], "abis": document["runtime_abis"]})
    driver = int(nvidia_smi("cuda_version").split(".")[0])
    assert document["cuda_driver"] == driver
    assert not document["cuda_driver_forced"]
    assert document["tags"][0].startswith(f"{_THIS}-cxxrt1_cu{majors[0]}_{_THIS}-")
    assert int(majors[0]) == min(driver, max(each.major for each in load_spec().cuda))
    within = [int(each) for each in majors if each and int(each) <= driver]
    assert within == sorted(within, reverse=True)


def test_an_installation_takes_the_build_for_the_driver(
    wheels: Wheels, nvidia_smi: Callable[[str], str], tmp_path: Path, record: Record
) -> None:
    ensurepip = find_spec("ensurepip")  # Debian and Ubuntu have it in a package of its own
    bundled = Path((ensurepip and ensurepip.origin) or "/").parent / "_bundled"
    places = (wheels.folder / "tools", bundled)
    pip = next((each for place in places for each in place.glob("pip-*.whl")), None)
    if pip is None:
        pytest.skip("needs pip's wheel, in the folder of tools or of the module ensurepip")
    for tag in (f"cxxrt1_cu12_{_THIS}", f"cxxrt1_cu13_{_THIS}", f"cxxrt1_{_THIS}", _THIS):
        write_wheel(tmp_path, f"tri-1.0-{_THIS}-{tag}-{_PLATFORM}.whl")
    environment = new_environment(tmp_path / "environment", [pip])
    wrapper = [sys.executable, "-m", "cxxrt_toolchain", "pip", "--python", str(environment.python)]
    links = ["--no-index", "--find-links", str(tmp_path)]
    subprocess.run(
        [*wrapper, "install", "-q", *links, "tri"], env=environment_of_children(), check=True
    )
    chosen = environment.answer("import json, tri; print(json.dumps(tri.FILE))")
    record("chosen", chosen)
    driver = int(nvidia_smi("cuda_version").split(".")[0])
    assert f"-cxxrt1_cu{min(driver, 13)}_" in chosen
