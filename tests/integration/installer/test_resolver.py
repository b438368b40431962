"""What cannot work is refused by the resolver, before anything is installed."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

import pytest
from handmade_wheels import write_runtime, write_wheel

if TYPE_CHECKING:
    from installer_environments import Environment, Index, NewEnvironment

pytestmark = [pytest.mark.network, pytest.mark.isolated]

ARCH = platform.machine()
THIS = f"cp{sys.version_info.major}{sys.version_info.minor}"
PLATFORM = f"manylinux_2_17_{ARCH}"


@pytest.fixture
def environment(new_environment: NewEnvironment) -> Environment:
    return new_environment("26.3")


def _tagged(index: Index, name: str, runtime: str, requirement: str) -> None:
    write_wheel(
        index.folder(name),
        f"{name}-1.0-{THIS}-{runtime}_{THIS}-{PLATFORM}.whl",
        requires=[requirement],
    )


def _refused(environment: Environment, index: Index, *packages: str) -> str:
    done = environment.cxxrt_pip("install", "--index-url", index.url, *packages)
    assert done.returncode == 1
    listed = environment.pip("freeze").stdout
    assert listed == ""
    return done.stderr + done.stdout


def test_an_index_without_the_runtime(index: Index, environment: Environment) -> None:
    _tagged(index, "one", "cxxrt1", "cxx11-cuda-runtime>=1.9,<2")
    message = _refused(environment, index, "one")
    assert "No matching distribution found for cxx11-cuda-runtime<2,>=1.9" in message


def test_a_runtime_that_is_too_old(index: Index, environment: Environment) -> None:
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.9.0", ARCH)
    _tagged(index, "one", "cxxrt1", "cxx11-cuda-runtime>=1.14,<2")
    message = _refused(environment, index, "one")
    assert "cxx11-cuda-runtime<2,>=1.14" in message
    assert "1.9.0" in message


def test_an_installed_runtime_that_is_too_old_is_replaced(
    index: Index, environment: Environment
) -> None:
    folder = index.folder("cxx11-cuda-runtime")
    for version in ("1.9.0", "1.14.0", "2.14.0"):
        write_runtime(folder, version, ARCH)
    environment.cxxrt_pip("install", "--index-url", index.url, "cxx11-cuda-runtime==1.9.0")
    _tagged(index, "one", "cxxrt1", "cxx11-cuda-runtime>=1.14,<2")
    done = environment.cxxrt_pip("install", "--index-url", index.url, "one")
    assert done.returncode == 0, done.stderr
    assert "1.14.0" in environment.pip("show", "cxx11-cuda-runtime").stdout


def test_two_epochs_in_one_environment(index: Index, environment: Environment) -> None:
    for version in ("1.14.0", "1007.14.0"):
        write_runtime(index.folder("cxx11-cuda-runtime"), version, ARCH)
    _tagged(index, "one", "cxxrt1", "cxx11-cuda-runtime>=1.9,<2")
    write_wheel(
        index.folder("two"),
        f"two-1.0-{THIS}-{THIS}-{PLATFORM}.whl",
        requires=["cxx11-cuda-runtime>=1007.14,<1008"],
    )
    message = _refused(environment, index, "one", "two")
    assert "conflicting dependencies" in message


def test_a_pin_that_holds_the_runtime_back(index: Index, environment: Environment) -> None:
    for version in ("1.12.0", "1.14.0"):
        write_runtime(index.folder("cxx11-cuda-runtime"), version, ARCH)
    _tagged(index, "one", "cxxrt1", "cxx11-cuda-runtime>=1.14,<2")
    message = _refused(environment, index, "one", "cxx11-cuda-runtime==1.12.0")
    assert "conflicting dependencies" in message


def test_a_cuda_major_that_no_epoch_has_is_no_candidate(
    index: Index, environment: Environment
) -> None:
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)
    _tagged(index, "one", "cxxrt1_cu11", "cxx11-cuda-runtime>=1.9,<2")
    message = _refused(environment, index, "one")
    assert "No matching distribution found for one" in message


def test_wheels_of_two_cuda_majors_share_one_runtime(
    index: Index, environment: Environment
) -> None:
    """Sentence L-10: the majors have different SONAMEs, and one runtime wheel carries both."""
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)
    _tagged(index, "one", "cxxrt1_cu12", "cxx11-cuda-runtime>=1.9,<2")
    _tagged(index, "two", "cxxrt1_cu13", "cxx11-cuda-runtime>=1.14,<2")
    done = environment.cxxrt_pip("install", "--index-url", index.url, "one", "two")
    assert done.returncode == 0, done.stderr
    assert environment.cxxrt_pip("check").returncode == 0


def test_check_finds_a_runtime_that_was_removed_by_force(
    index: Index, environment: Environment
) -> None:
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)
    _tagged(index, "one", "cxxrt1", "cxx11-cuda-runtime>=1.9,<2")
    environment.cxxrt_pip("install", "--no-deps", "--index-url", index.url, "one")
    check = environment.cxxrt_pip("check")
    assert check.returncode == 1
    assert "one 1.0 requires cxx11-cuda-runtime, which is not installed." in check.stdout
