"""The runtime wheel under other people's tools: they install it, check it and agree with it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from fixture_cache import copied_environment
from kept_environments import with_bundled_pip
from packaging.licenses import canonicalize_license_expression
from packaging.metadata import Metadata
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.mirror import debian_mirrors
from cxxrt_toolchain.wheel.reader import Wheel

pytestmark = pytest.mark.runtime

LIMIT = 4_000_000
"""Bytes that the wheel may have, with both CUDA majors in it."""
_FOR_NVIDIAS = r"/_anchor_cudart\d+_nvidia\.so\b"
INFO = "cxx11_cuda_runtime-1.14.0.dist-info"


@pytest.fixture(params=["x86_64", "aarch64"])
def wheel(request: pytest.FixtureRequest) -> Path:
    """The published wheel of each architecture."""
    suffix = "" if request.param == "x86_64" else "_aarch64"
    path: Path = request.getfixturevalue(f"runtime_wheel{suffix}")
    return path


def run(*command: str | Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_name_is_what_the_platform_promises(wheel: Path) -> None:
    name, version, build, tags = parse_wheel_filename(wheel.name, validate_order=True)
    arch = "aarch64" if "aarch64" in wheel.name else "x86_64"
    assert (name, str(version), build) == ("cxx11-cuda-runtime", "1.14.0", ())
    assert tags == parse_tag(f"py3-none-manylinux_2_17_{arch}")


def test_auditwheel_gives_the_wheel_its_own_tag(wheel: Path, tmp_path: Path) -> None:
    """As far as auditwheel can judge.

    The two anchors for NVIDIA's own wheel, which need what only that wheel has, are left out: with
    them auditwheel names these two libraries and ends at ``linux``.

    It judges which GLIBC versions the libraries need, and, since its policy lists libgcc_s and
    libstdc++ as the system's, which GCC and GLIBCXX versions they need of each other. It cannot
    judge what the libraries provide, whether they are the right build, what the loader does, or
    that NVIDIA's files are unmodified; the other tests of this folder do.
    """

    def show(wheel: Path) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            run(sys.executable, "-m", "auditwheel", "show", "--json", wheel)
        )
        return answer

    assert set(show(wheel)["external_libs"]) == {"libcudart.so.12", "libcudart.so.13"}
    own = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as all_of_it, zipfile.ZipFile(own, "w") as rest:
        for name in all_of_it.namelist():
            if not re.search(_FOR_NVIDIAS, name):
                data = all_of_it.read(name)
                if name.endswith("/RECORD"):
                    lines = data.splitlines(keepends=True)
                    data = b"".join(
                        each for each in lines if not re.search(_FOR_NVIDIAS, each.decode())
                    )
                rest.writestr(name, data)
    answer = show(own)
    assert not answer["external_libs"]
    arch = "aarch64" if "aarch64" in wheel.name else "x86_64"
    assert answer["overall_tag"] == answer["sym_tag"] == f"manylinux_2_17_{arch}"
    assert not answer["pure"]
    assert not answer["unsupported_isa"]


def test_twine_accepts_it_strictly(wheel: Path) -> None:
    assert "PASSED" in run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", wheel)


def test_it_stays_below_four_megabytes(wheel: Path) -> None:
    assert wheel.stat().st_size <= LIMIT


def test_record_lists_every_file_with_its_hash(wheel: Path) -> None:
    with Wheel.open(wheel) as opened:
        assert opened.record_issues() == ()


def test_no_member_is_a_link_and_modes_are_the_usual_two(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {info.external_attr >> 16 for info in archive.infolist()}
    assert modes == {0o100644, 0o100755}


def test_the_metadata_is_valid_and_its_licence_files_are_there(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{INFO}/METADATA")
        names = set(archive.namelist())
        metadata = Metadata.from_email(text)
        texts = {
            name: archive.read(f"{INFO}/licenses/{name}").decode()
            for name in metadata.license_files or ()
        }
    assert metadata.metadata_version == "2.4"
    expression = metadata.license_expression
    assert expression == canonicalize_license_expression(str(expression))
    for part in (
        "Apache-2.0",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "LicenseRef-NVIDIA-Proprietary",
    ):
        assert part in str(expression)
    assert {name for name in names if "/licenses/" in name} == {
        f"{INFO}/licenses/{name}" for name in texts
    }
    joined = "\n".join(texts.values())
    assert "GCC RUNTIME LIBRARY EXCEPTION" in joined
    assert "GNU GENERAL PUBLIC LICENSE" in joined
    assert "End User License Agreement" in joined
    assert "Apache License" in joined
    assert ("GNU LESSER GENERAL PUBLIC LICENSE" in joined) == any("libquadmath" in n for n in names)


def test_the_bill_of_materials_is_valid_cyclonedx(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        bill = archive.read(f"{INFO}/sboms/cxx11_cuda_runtime.cdx.json").decode()
        metadata = Parser().parsestr(archive.read(f"{INFO}/METADATA").decode())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert json.loads(bill)["metadata"]["component"]["version"] == metadata["Version"]


def test_no_file_names_a_registry_or_a_path_of_the_building_machine(wheel: Path) -> None:
    """Licence texts are others' words; everything else in the wheel is ours."""
    with zipfile.ZipFile(wheel) as archive:
        ours = {n: archive.read(n) for n in archive.namelist() if "/licenses/" not in n}
    here = (Path.home(), Path(__file__).parents[3], find_cache(None, os.environ).builds)
    unwanted = [f"{folder}/".encode() for folder in here]
    unwanted += [mirror.encode() for mirror in debian_mirrors(os.environ)]
    for name, content in ours.items():
        assert re.findall(rb"https?://[a-z.]*(?:pypi|debian)[a-z.]*", content) == [], name
        assert [each for each in unwanted if each in content] == [], name


def test_pip_installs_it_on_every_python_and_finds_nothing_to_complain_about(
    runtime_wheel: Path, interpreters: tuple[Path, ...], tmp_path: Path
) -> None:
    for number, interpreter in enumerate(interpreters):
        folder = tmp_path / str(number)
        python = copied_environment(with_bundled_pip(interpreter), folder)
        run(python, "-m", "pip", "install", "--no-index", runtime_wheel)
        assert "No broken requirements" in run(python, "-m", "pip", "check")
        assert "cxx11-cuda-runtime" in run(python, "-m", "pip", "list")
        run(python, "-m", "pip", "uninstall", "-y", "cxx11-cuda-runtime")
        left = [path for path in folder.rglob("*cxx11*") if path.is_file()]
        assert left == []


def test_uv_installs_it(runtime_wheel: Path, tmp_path: Path) -> None:
    uv: list[str | Path] = [
        sys.executable,
        "-m",
        "uv",
        "--no-config",
        "--offline",
        "--cache-dir",
        tmp_path / "cache",
    ]
    run(*uv, "venv", "--python", sys.executable, tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(*uv, "pip", "install", "--python", python, "--no-index", runtime_wheel)
    run(*uv, "pip", "check", "--python", python)
    assert run(python, "-c", "import cxx11_cuda_runtime; print('in')") == "in\n"


def test_pip_refuses_the_wheel_of_another_machine(
    runtime_wheel_aarch64: Path, runtime_wheel: Path, tmp_path: Path
) -> None:

    foreign = runtime_wheel if platform.machine() == "aarch64" else runtime_wheel_aarch64
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--target",
        tmp_path,
        foreign,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "is not a supported wheel on this platform" in done.stderr
