"""``cxxrt pip`` is pip: its commands, its options, its exit codes, in the environment named."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import sys
import zipfile
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from handmade_wheels import write_release, write_runtime, write_wheel
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from pathlib import Path

    from installer_environments import Environment, Index, NewEnvironment

pytestmark = [pytest.mark.network, pytest.mark.isolated]

ARCH = platform.machine()
THIS = f"cp{sys.version_info.major}{sys.version_info.minor}"
PLATFORM = f"manylinux_2_17_{ARCH}"
TAGGED = f"tri-1.0-{THIS}-cxxrt1_{THIS}-{PLATFORM}.manylinux2014_{ARCH}.whl"
PIP = "26.3"
MANIFEST = {
    "schema": 1,
    "name": "cxx11-cuda-runtime",
    "version": "1007.14.0",
    "epoch": 1007,
    "arch": ARCH,
    "glibc_floor": "2.17",
    "components": [],
    "libraries": [],
    "cudart": {},
}


@pytest.fixture
def release(index: Index) -> Index:
    write_release(index.folder("tri"), THIS, ARCH)
    write_runtime(index.folder("cxx11-cuda-runtime"), "1.14.0", ARCH)
    return index


@pytest.fixture
def environment(new_environment: NewEnvironment) -> Environment:
    return new_environment(PIP)


def test_every_checker_accepts_what_cxxrt_pip_has_installed(
    release: Index, environment: Environment
) -> None:
    """Among the tags of the installed WHEEL file is the plain one; RECORD has the file's hash."""
    environment.cxxrt_pip("install", "--index-url", release.url, "tri")
    assert environment.encoding() == "tag"
    for check in (environment.pip, environment.cxxrt_pip, partial(environment.uv, "pip")):
        done = check("check")
        assert done.returncode == 0, done.stdout + done.stderr
    (dist_info,) = _site_packages(environment).glob("tri-*.dist-info")
    content = (dist_info / "WHEEL").read_bytes()
    tags = {line for line in content.decode().splitlines() if line.startswith("Tag")}
    platforms = (PLATFORM, f"manylinux2014_{ARCH}")
    abis = (THIS, f"cxxrt1_{THIS}")
    assert tags == {f"Tag: {THIS}-{abi}-{each}" for abi in abis for each in platforms}
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    row = f"{dist_info.name}/WHEEL,sha256={digest},{len(content)}"
    assert row in (dist_info / "RECORD").read_text().splitlines()
    assert environment.pip("uninstall", "-y", "tri").returncode == 0
    assert not dist_info.exists()


def test_a_target_folder_gets_the_plain_tags_too(
    release: Index, environment: Environment, tmp_path: Path
) -> None:
    target = ["--target", str(tmp_path / "target")]
    done = environment.cxxrt_pip("install", *target, "--index-url", release.url, "tri")
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "target").glob("tri-*.dist-info/WHEEL")
    assert f"Tag: {THIS}-{THIS}-{PLATFORM}\n" in wheel.read_text()


def test_the_environment_that_pips_configuration_names_is_the_one(
    release: Index, environment: Environment, tmp_path: Path
) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\npython = {environment.python}\n")
    pip = [sys.executable, "-m", "cxxrt_toolchain", "pip"]
    done = environment.run(
        *[*pip, "install", "--index-url", release.url, "tri"], PIP_CONFIG_FILE=str(configuration)
    )
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "tag"
    listed = environment.run(*pip, "list", PIP_CONFIG_FILE=str(configuration))
    assert "tri" in listed.stdout
    assert "pytest" not in listed.stdout


def test_download_takes_the_tagged_wheel(
    release: Index, environment: Environment, tmp_path: Path
) -> None:
    done = environment.cxxrt_pip(
        "download", "--index-url", release.url, "-d", str(tmp_path / "got"), "tri"
    )
    assert done.returncode == 0, done.stderr
    assert TAGGED in {path.name for path in (tmp_path / "got").iterdir()}


def test_download_for_another_platform_takes_its_tagged_wheel(
    release: Index, environment: Environment, tmp_path: Path
) -> None:
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[ARCH]
    name = f"tri-1.0-cp310-cxxrt1_cp310-manylinux_2_17_{other}.whl"
    write_wheel(release.folder("tri"), name)
    options = ["--only-binary=:all:", "--python-version", "3.10", "--no-deps"]
    target = ["--platform", f"manylinux_2_17_{other}", "-d", str(tmp_path / "got")]
    done = environment.cxxrt_pip(
        "download", "--index-url", release.url, *options, *target, "tri==1.0"
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == [name]


def test_wheel_takes_the_tagged_wheel(
    release: Index, environment: Environment, tmp_path: Path
) -> None:
    done = environment.cxxrt_pip(
        "wheel", "--index-url", release.url, "-w", str(tmp_path / "got"), "tri"
    )
    assert done.returncode == 0, done.stderr
    assert TAGGED in {path.name for path in (tmp_path / "got").iterdir()}


def test_index_versions_counts_a_release_that_has_only_a_tagged_wheel(
    release: Index, environment: Environment
) -> None:
    write_wheel(release.folder("tri"), f"tri-2.0-{THIS}-cxxrt1_{THIS}-{PLATFORM}.whl")
    question = ["index", "versions", "--index-url", release.url, "tri"]
    assert "Available versions: 2.0, 1.0" in environment.cxxrt_pip(*question).stdout
    assert "Available versions: 1.0" in environment.pip(*question).stdout


def test_list_freeze_show_and_uninstall_are_pips(release: Index, environment: Environment) -> None:
    environment.cxxrt_pip("install", "--index-url", release.url, "tri")
    for command in (["list"], ["freeze"], ["show", "tri"], ["list", "--format=json"]):
        ours, stock = environment.cxxrt_pip(*command), environment.pip(*command)
        assert (ours.returncode, ours.stdout) == (stock.returncode, stock.stdout)
    assert environment.cxxrt_pip("uninstall", "-y", "tri").returncode == 0
    assert "No module named 'tri'" in environment.encoding()


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["install"], ["show", "nothing-of-that-name"], ["--version"], ["--help"]],
)
def test_exit_codes_and_output_are_pips(environment: Environment, arguments: list[str]) -> None:
    ours, stock = environment.cxxrt_pip(*arguments), environment.pip(*arguments)
    assert (ours.returncode, ours.stderr) == (stock.returncode, stock.stderr)
    assert ours.stdout.splitlines()[3:] == stock.stdout.splitlines()[3:]


def test_python_option_and_pip_python_name_the_environment(environment: Environment) -> None:
    command = [sys.executable, "-m", "cxxrt_toolchain", "pip"]
    by_folder = environment.run(*command, "--python", str(environment.folder), "--version")
    by_value = environment.run(*command, f"--python={environment.python}", "--version")
    by_variable = environment.run(*command, "--version", PIP_PYTHON=environment.python)
    assert by_folder.stdout == by_value.stdout == by_variable.stdout
    assert str(environment.folder) in by_folder.stdout


def test_an_interpreter_that_is_not_there_is_unusable_input(environment: Environment) -> None:
    done = environment.run(
        sys.executable, "-m", "cxxrt_toolchain", "pip", "--python", "/nonexistent", "list"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("cxxrt pip: no Python interpreter at /nonexistent.")


def test_a_cuda_build_wins_only_with_a_driver(release: Index, environment: Environment) -> None:
    write_wheel(
        release.folder("tri"),
        f"tri-1.0-{THIS}-cxxrt1_cu12_{THIS}-{PLATFORM}.whl",
        requires=["cxx11-cuda-runtime>=1.9,<2"],
        files={"tri/cuda.py": ""},
    )
    install = ["install", "--force-reinstall", "--index-url", release.url, "tri"]
    for cuda, file in (("none", "-cxxrt1_cp"), ("12", "-cxxrt1_cu12_"), ("13", "-cxxrt1_cu12_")):
        done = environment.cxxrt_pip(*install, CXXRT_CUDA=cuda)
        assert done.returncode == 0, done.stderr
        shown = environment.run(environment.python, "-c", "import tri; print(tri.FILE)").stdout
        assert file in shown


def test_a_bad_cuda_override_is_a_usage_error(environment: Environment) -> None:
    done = environment.cxxrt_pip("list", CXXRT_CUDA="twelve")
    assert done.returncode == 2
    assert "CXXRT_CUDA=twelve is not a CUDA major." in done.stderr


def _site_packages(environment: Environment) -> Path:
    found: Path = next(environment.folder.glob("lib/python*/site-packages"))
    return found


def test_the_environments_veto_module_makes_it_take_the_plain_wheel(
    release: Index, environment: Environment
) -> None:
    (_site_packages(environment) / "_cxxrt.py").write_text(
        "def cxxrt_compatible(epoch, cuda, arch):\n    return False if cuda is None else None\n"
    )
    done = environment.cxxrt_pip("install", "--index-url", release.url, "tri")
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "plain"


def test_a_broken_veto_module_is_named_and_nothing_is_installed(
    release: Index, environment: Environment
) -> None:
    (_site_packages(environment) / "_cxxrt.py").write_text("raise RuntimeError('broken')\n")
    done = environment.cxxrt_pip("install", "--index-url", release.url, "tri")
    assert done.returncode == 2
    assert "RuntimeError: broken" in done.stderr
    assert "_cxxrt" in done.stderr


def test_an_installed_runtime_admits_its_private_epoch(
    index: Index, environment: Environment
) -> None:
    name = f"tri-1.0-{THIS}-cxxrt1007_{THIS}-{PLATFORM}.whl"
    write_wheel(index.folder("tri"), name)
    install = ["install", "--index-url", index.url, "tri"]
    assert environment.cxxrt_pip(*install).returncode == 1
    package = _site_packages(environment) / "cxx11_cuda_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "manifest.json").write_text(json.dumps(MANIFEST))
    done = environment.cxxrt_pip(*install)
    assert done.returncode == 0, done.stderr
    assert environment.encoding() == "tag"


@pytest.mark.parametrize("pip", ["23.3.2", PIP])
def test_build_requirements_in_isolation_take_the_tagged_wheel(
    release: Index, new_environment: NewEnvironment, tmp_path: Path, pip: str
) -> None:
    """Since 26.3 pip has the function that says how it starts itself in another module."""
    environment = new_environment(pip)
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["tri"]\nbuild-backend = "own"\nbackend-path = ["."]\n'
    )
    (project / "own.py").write_text(_BACKEND)
    done = environment.cxxrt_pip("install", "--index-url", release.url, str(project))
    assert done.returncode == 0, done.stderr
    shown = environment.run(environment.python, "-c", "import built; print(built.WITH)")
    assert shown.stdout.strip() == "tag"


_BACKEND = """
import tri, zipfile

FILES = {
    "built.py": f"WITH = {tri.ENCODING!r}",
    "built-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0",
    "built-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any",
    "built-1.0.dist-info/RECORD": "",
}

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        for member, text in FILES.items():
            wheel.writestr(member, text)
    return name
"""


def test_the_supported_tags_of_an_environment_conform_to_their_schema(
    environment: Environment,
) -> None:
    command = [sys.executable, "-m", "cxxrt_toolchain", "tags", "--json"]
    done = environment.run(*command, "--python", environment.python, CXXRT_CUDA="12")
    assert done.returncode == 0, done.stderr
    text = files("cxxrt_abi_tag_spec").joinpath("schemas/supported-tags.schema.json").read_text()
    document = json.loads(done.stdout)
    Draft202012Validator(json.loads(text)).validate(document)
    assert document["tags"][0].startswith(f"{THIS}-cxxrt1_cu12_{THIS}-manylinux_")
    assert document["cuda_driver"] == 12


def test_the_handmade_wheels_are_whole(tmp_path: Path) -> None:
    write_release(tmp_path, THIS, ARCH)
    for path in tmp_path.glob("*.whl"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
