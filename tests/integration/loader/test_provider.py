"""Libraries of other distributions: the states of the loader, and every place where pip puts one.

The provider is a wheel of our own with a library in the data scheme and one in site-packages; pip
and uv install it for real.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fixture_cache import kept, version_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.runtime

SOURCES = {
    "libdemo.so.1": "int demo_version(void) { return 2; } int demo_new(void) { return 2; }",
    "old/libdemo.so.1": "int demo_version(void) { return 1; }",
    "libsite.so.1": "int site_version(void) { return 1; }",
    # Each refers to data of the other: neither can be loaded before the other one.
    "libping.so.1": "extern int pong; int *ping_of = &pong; int ping = 1;",
    "libpong.so.1": "extern int ping; int *pong_of = &ping; int pong = 2;",
}
USER = "extern int demo_new(void); int use(void) { return demo_new(); }"


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The libraries, and ``user.so``, which needs libdemo.so.1 and has no search path."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler: install gcc")

    def build(folder: Path) -> None:
        (folder / "old").mkdir()
        for name, source in SOURCES.items():
            soname = f"-Wl,-soname,{Path(name).name}"
            _compile(compiler, source, folder / name, soname)
        _compile(compiler, USER, folder / "user.so", str(folder / "libdemo.so.1"))

    return kept("provider-libraries", (version_of(compiler, "-v"), SOURCES, USER), build)


def _compile(compiler: str, source: str, output: Path, *options: str) -> None:
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-x", "none", *options, "-o"]
    subprocess.run([*command, str(output)], input=source, text=True, check=True)


def _wheel(folder: Path, name: str, version: str, files: dict[str, Path | str]) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items():
            data = content.read_bytes() if isinstance(content, Path) else content.encode()
            archive.writestr(member, data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        listed = "".join(f"{member},,\n" for member in files)
        archive.writestr(f"{info}/RECORD", f"{listed}{info}/RECORD,,\n")
    return path


@pytest.fixture(scope="session")
def provider_wheel(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    files: dict[str, Path | str] = {
        "demo_libs-2.0.data/data/lib/libdemo.so.1": libraries / "libdemo.so.1",
        "demo_libs/lib/libsite.so.1": libraries / "libsite.so.1",
        "demo_libs/__init__.py": "",
    }
    return _wheel(tmp_path_factory.mktemp("provider"), "demo_libs", "2.0", files)


def row(soname: str = "libdemo.so.1", place: str = "", **more: object) -> dict[str, object]:
    place = place or f"data:lib/{soname}"
    return {"soname": soname, "requirement": "demo-libs>=2", "places": [place], **more}


NEW = row(proof=["demo_version", "demo_new"])
SITE = row("libsite.so.1", "site:demo_libs/lib/libsite.so.1")


def test_a_library_is_loaded_from_its_place_and_serves_by_its_soname(
    run_state: Callable[..., Any], libraries: Path, python: str
) -> None:
    place = {**NEW, "places": ["site:libdemo.so.1"]}
    steps = [["import"], ["path", str(libraries)], ["require", {"libraries": [place], "who": "me"}]]
    reply = run_state([*steps, ["dlopen", str(libraries / "user.so")]], python=python)
    assert reply.results[2:] == ["ok", None]
    assert reply.required == ["_ctypes", "cxx11_cuda_runtime._provider"]


def test_a_resident_library_stays_and_in_its_scope(
    run_state: Callable[..., Any], libraries: Path
) -> None:
    require = ["require", {"libraries": [NEW], "who": "me"}]
    steps = [
        ["import"],
        ["dlopen", str(libraries / "libdemo.so.1")],
        require,
        ["global", "demo_new"],
    ]
    assert run_state(steps).results[2:] == ["ok", False]
    require = ["require", {"libraries": [{**NEW, "scope": "global"}], "who": "me"}]
    steps = [
        ["import"],
        ["dlopen", str(libraries / "libdemo.so.1")],
        require,
        ["global", "demo_new"],
    ]
    assert run_state(steps).results[2:] == ["ok", True]


def test_another_file_of_the_soname_first_is_refused_with_who_loaded_it(
    run_state: Callable[..., Any], libraries: Path
) -> None:
    old = libraries / "old/libdemo.so.1"
    steps = [["import"], ["dlopen", str(old)], ["require", {"libraries": [NEW], "who": "me"}]]
    answer = run_state(steps).results[2]
    assert answer["error"] == "ProviderMismatchError"
    assert "'demo_new'" in answer["message"]
    assert str(old) in answer["message"]
    assert "direct dlopen" in answer["message"]


def test_an_installed_library_without_the_function_is_not_left_loaded(
    run_state: Callable[..., Any], libraries: Path
) -> None:
    place = {**NEW, "places": ["site:old/libdemo.so.1"]}
    require = ["require", {"libraries": [place], "who": "me"}]
    good = ["require", {"libraries": [{**NEW, "places": ["site:libdemo.so.1"]}], "who": "me"}]
    answer, after = run_state([["import"], ["path", str(libraries)], require, good]).results[2:]
    assert answer["error"] == "ProviderMismatchError"
    assert "pip install -U 'demo-libs>=2'" in answer["message"]
    assert after == "ok"


@pytest.mark.parametrize("name", ["new", "newer"])
def test_a_library_that_needs_a_newer_libstdcxx_is_refused_as_a_package_with_that_need(
    run_state: Callable[..., Any], probes: dict[str, Path], foreign: dict[str, Path], name: str
) -> None:
    new = probes[name]
    place = row(new.name, f"site:{new.name}")
    steps = [
        ["import"],
        ["path", str(new.parent)],
        ["require", {"libraries": [place], "who": "me"}],
    ]
    found, _, answer = run_state(steps, environ={"LD_PRELOAD": str(foreign["28"])}).results
    assert found == "already-loaded"
    assert answer["rule"] == "CXXRT-L002"
    assert f"{new.name} of me needs GLIBCXX_3.4.30" in answer["message"]
    assert str(foreign["28"]) in answer["message"]


def test_nothing_is_loaded_if_one_library_is_nowhere(
    run_state: Callable[..., Any], libraries: Path
) -> None:
    here = {**SITE, "places": ["site:libsite.so.1"], "scope": "global"}
    require = ["require", {"libraries": [here, row("libnone.so.9")], "who": "me"}]
    steps = [["import"], ["path", str(libraries)], require, ["global", "site_version"]]
    answer, loaded = run_state(steps).results[2:]
    assert answer["error"] == "ProviderNotFoundError"
    assert "libnone.so.9 of the distribution demo-libs, which is not installed" in answer["message"]
    assert loaded is False


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"soname": "libnone.so.9", "requirement": "demo-libs>=2"},
        {"soname": "libnone.so.9", "places": ["site:libnone.so.9"]},
        row("libnone.so.9") | {"places": "site:libnone.so.9"},
        "libnone.so.9",
    ],
)
def test_a_row_that_is_none_is_said_to_be_and_nothing_is_loaded(
    run_state: Callable[..., Any], libraries: Path, broken: object
) -> None:
    here = {**SITE, "places": ["site:libsite.so.1"], "scope": "global"}
    require = ["require", {"libraries": [here, broken], "who": "me"}]
    steps = [["import"], ["path", str(libraries)], require, ["global", "site_version"]]
    answer, loaded = run_state(steps).results[2:]
    assert answer["error"] == "ValueError"
    assert answer["message"].startswith("me: ")
    assert "is no row of a library" in answer["message"]
    assert loaded is False


def test_of_three_copies_under_one_soname_the_loaded_one_serves(
    run_state: Callable[..., Any], libraries: Path, tmp_path: Path
) -> None:
    for name in ("libdemo.so", "libdemo.so.1", "libdemo.so.1.5"):  # as in the wheel of TBB
        shutil.copy(libraries / "libdemo.so.1", tmp_path / name)
    place = {**NEW, "places": ["site:libdemo.so.1"]}
    require = ["require", {"libraries": [place], "who": "me"}]
    steps = [
        ["import"],
        ["path", str(tmp_path)],
        ["dlopen", str(tmp_path / "libdemo.so")],
        require,
        ["dlopen", str(libraries / "user.so")],
        ["mapped", "libdemo"],
    ]
    assert run_state(steps).results[2:] == [None, "ok", None, [str(tmp_path / "libdemo.so")]]


def test_libraries_that_refer_to_each_other_are_opened_as_a_group(
    run_state: Callable[..., Any], libraries: Path, python: str
) -> None:
    rows = [row(f"lib{n}.so.1", f"site:lib{n}.so.1", group="g") for n in ("ping", "pong")]
    alone = ["require", {"libraries": rows[:1], "who": "me"}]
    both = ["require", {"libraries": rows, "who": "me"}]
    steps = [["import"], ["path", str(libraries)], alone, both, both, ["global", "ping"]]
    one, *rest = run_state(steps, python=python).results[2:]
    assert one["error"] == "LibraryLoadError"
    assert "undefined symbol: pong" in one["message"]
    assert rest == ["ok", "ok", False]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\x7fELF", "file too short"), (b"not a library" * 9, "invalid ELF")]
)
def test_a_damaged_library_is_an_error_and_no_crash(
    run_state: Callable[..., Any], tmp_path: Path, libraries: Path, content: bytes, reason: str
) -> None:
    whole = (libraries / "libdemo.so.1").read_bytes()
    (tmp_path / "libdemo.so.1").write_bytes(whole[:5000] if content[1:4] == b"ELF" else content)
    place = {**NEW, "places": ["site:libdemo.so.1"]}
    steps = [["import"], ["path", str(tmp_path)], ["require", {"libraries": [place], "who": "me"}]]
    answer = run_state(steps).results[2]
    assert answer["error"] == "LibraryLoadError"
    assert reason in answer["message"]
    assert "pip install --force-reinstall --no-deps 'demo-libs>=2'" in answer["message"]


PROBE = """\
import sys
import cxx11_cuda_runtime as c
c.require(libraries={rows!r}, who="demo")
lines = open("/proc/self/maps").read().splitlines()
print(*sorted({{line.split()[-1] for line in lines if "libdemo" in line or "libsite" in line}}))
"""


def _run(command: list[object], **variables: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CXXRT_", "LD_", "PYTHON"))}
    clean |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1", **variables}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=clean
    )
    return (done.stdout if done.returncode == 0 else done.stderr).strip()


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory, runtime_wheel: Path) -> Path:
    """An environment with the runtime and no provider, which sees the user site."""
    folder = tmp_path_factory.mktemp("env") / "venv"
    _run([sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", folder])
    _run([*UV, "install", "-q", "--no-deps", "--python", folder / "bin/python", runtime_wheel])
    return folder


UV = [sys.executable, "-m", "uv", "pip"]
PIP = [
    sys.executable,
    "-m",
    "pip",
    "install",
    "-q",
    "--no-deps",
    "--no-index",
    "--ignore-installed",
]
BOTH = [NEW, SITE]


def test_a_virtual_environment_of_venv_and_of_uv(
    tmp_path: Path, runtime_wheel: Path, provider_wheel: Path
) -> None:
    for name, make in (
        ("venv", ["-m", "venv", "--without-pip"]),
        ("uv", ["-m", "uv", "venv", "-q"]),
    ):
        folder = tmp_path / name
        _run([sys.executable, *make, folder])
        python = folder / "bin/python"
        _run([*UV, "install", "-q", "--python", python, "--no-deps", runtime_wheel, provider_wheel])
        mapped = _run([python, "-I", "-c", PROBE.format(rows=BOTH)])
        assert mapped.split()[0] == str(folder / "lib/libdemo.so.1")
        assert mapped.split()[1].endswith("site-packages/demo_libs/lib/libsite.so.1")


def test_the_user_site_beside_an_environment_that_sees_it(
    venv: Path, tmp_path: Path, provider_wheel: Path
) -> None:
    user = {"PYTHONUSERBASE": str(tmp_path / "home")}
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
    # pip of this environment: Debian's interpreter has none without python3-pip.
    pip = [sys.executable, "-m", "pip", "--python", base, "install", "-q", "--user"]
    quiet = ["--no-deps", "--no-index", "--break-system-packages"]
    _run([*pip, *quiet, provider_wheel], **user)
    python = venv / "bin/python"
    mapped = _run([python, "-c", PROBE.format(rows=BOTH)], **user)
    assert mapped.split()[0] == str(tmp_path / "home/lib/libdemo.so.1")


@pytest.mark.parametrize("tool", ["prefix", "uv-target", "second-site"])
def test_folders_that_are_put_on_the_path(
    venv: Path, tmp_path: Path, provider_wheel: Path, tool: str
) -> None:
    folder = tmp_path / "there"
    site = f"lib/python3.{sys.version_info[1]}/site-packages"
    install: list[object]
    install, path = {
        "prefix": ([*PIP, "--prefix", folder], folder / site),
        "uv-target": ([*UV, "install", "-q", "--no-deps", "--target", folder], folder),
        "second-site": ([*PIP, "--root", folder, "--prefix", "/opt"], folder / "opt" / site),
    }[tool]
    _run([*install, provider_wheel])
    mapped = _run([venv / "bin/python", "-c", PROBE.format(rows=BOTH)], PYTHONPATH=str(path))
    prefix = {"prefix": folder, "uv-target": folder, "second-site": folder / "opt"}[tool]
    assert str(prefix / "lib/libdemo.so.1") in mapped.split()


def test_pips_target_installs_no_data_and_the_error_says_what_to_do(
    venv: Path, tmp_path: Path, provider_wheel: Path
) -> None:
    folder = tmp_path / "there"
    _run([*PIP, "--target", folder, provider_wheel])
    said = _run([venv / "bin/python", "-c", PROBE.format(rows=BOTH)], PYTHONPATH=str(folder))
    assert f"demo-libs 2.0 is installed in {folder}, and libdemo.so.1 was not" in said.replace(
        "demo_libs", "demo-libs"
    )
    assert f"uv pip install --target {folder} 'demo-libs>=2'" in said
    site = _run([venv / "bin/python", "-c", PROBE.format(rows=[SITE])], PYTHONPATH=str(folder))
    assert site == str(folder / "demo_libs/lib/libsite.so.1")


def test_a_folder_with_a_library_of_that_name_and_no_distribution_is_no_place(
    venv: Path, tmp_path: Path, libraries: Path
) -> None:
    (tmp_path / "lib").mkdir()
    shutil.copy(libraries / "libdemo.so.1", tmp_path / "lib")
    said = _run([venv / "bin/python", "-c", PROBE.format(rows=[NEW])], PYTHONPATH=str(tmp_path))
    assert "ProviderNotFoundError" in said


def test_another_release_is_named_with_the_command_that_replaces_it(
    tmp_path: Path, runtime_wheel: Path, libraries: Path
) -> None:
    folder = tmp_path / "env"
    files: dict[str, Path | str] = {
        "demo_libs-1.0.data/data/lib/libdemo.so.0": libraries / "user.so"
    }
    old = _wheel(tmp_path, "demo_libs", "1.0", files)
    _run([sys.executable, "-m", "venv", "--without-pip", folder])
    _run([*UV, "install", "-q", "--python", folder / "bin/python", "--no-deps", runtime_wheel, old])
    said = _run([folder / "bin/python", "-I", "-c", PROBE.format(rows=[NEW])])
    assert "demo_libs 1.0 in" in said
    assert "has no such file. Fix: pip install -U 'demo-libs>=2'" in said
