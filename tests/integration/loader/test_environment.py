"""Where the wheel may lie and what the environment may say: every layout, every broken one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from machine import need_pip
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

LIBSTDCXX = "libstdc++.so.6"
PACKAGE = "cxx11_cuda_runtime"


def libstdcxx_of(reply: Any) -> list[str]:  # noqa: ANN401 - conftest's Reply, which cannot be imported
    return [path for path in reply.mapped if "libstdc++" in path]


def test_an_older_copy_on_ld_library_path_loses(
    run_state: Callable[..., Any],
    foreign: dict[str, Path],
    probes: dict[str, Path],
    ours: Path,
    python: str,
) -> None:
    reply = run_state(
        [["import"], ["probe", str(probes["new"])]],
        python=python,
        environ={"LD_LIBRARY_PATH": str(foreign["28"].parent)},
    )
    assert reply.results[0] == "vendored"
    assert reply.results[1]["number"] == "12 3.25"
    assert libstdcxx_of(reply) == [str(ours / LIBSTDCXX)]


def test_a_newer_copy_on_ld_library_path_wins(
    run_state: Callable[..., Any], ours: Path, tmp_path: Path, python: str
) -> None:
    newer = tmp_path / "libstdc++.so.6.0.98"
    shutil.copy(ours / LIBSTDCXX, newer)
    (tmp_path / LIBSTDCXX).symlink_to(newer.name)
    reply = run_state(
        [["import"]], python=python, environ={"LD_LIBRARY_PATH": f":{tmp_path}:/nowhere"}
    )
    assert reply.results == ["ld-library-path"]
    assert libstdcxx_of(reply) == [str(newer)]


@OURS_IS_NEWEST
def test_a_newer_copy_that_cannot_be_loaded_loses(
    run_state: Callable[..., Any], ours: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "libstdc++.so.6.0.98"
    broken.write_text("no library")
    (tmp_path / LIBSTDCXX).symlink_to(broken.name)
    reply = run_state([["import"]], environ={"LD_LIBRARY_PATH": str(tmp_path)})
    assert reply.results == ["vendored"]
    assert libstdcxx_of(reply) == [str(ours / LIBSTDCXX)]


def test_an_older_preloaded_copy_is_kept_and_named(
    run_state: Callable[..., Any], foreign: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [["import"], ["require", {"glibcxx": "3.4.30", "who": "demo"}], ["findings"]],
        python=python,
        environ={"LD_PRELOAD": str(foreign["28"])},
    )
    assert reply.results[0] == "already-loaded"
    assert libstdcxx_of(reply) == [str(foreign["28"])]
    error = reply.results[1]
    assert "loaded by LD_PRELOAD" in error["message"]
    assert f"remove {foreign['28']} from LD_PRELOAD" in error["remedies"]
    assert not any("activate" in text for text in error["remedies"])
    assert [row[0] for row in reply.results[2]] == ["CXXRT-L104"]


def test_a_preloaded_private_copy_does_not_pass_for_the_shared_one(
    run_state: Callable[..., Any], probes: dict[str, Path], ours: Path, python: str
) -> None:
    private = probes["mangled-28"].parent / "libstdc++-28c0ffee.so.6"
    reply = run_state([["import"]], python=python, environ={"LD_PRELOAD": str(private)})
    assert reply.results == ["vendored"]
    assert str(ours / LIBSTDCXX) in reply.mapped


@OURS_IS_NEWEST
def test_in_a_conda_environment_its_older_copy_loses_and_its_newer_one_wins(
    run_state: Callable[..., Any],
    conda_python: Path,
    foreign: dict[str, Path],
    probes: dict[str, Path],
    ours: Path,
) -> None:
    library = conda_python.parents[1] / "lib" / LIBSTDCXX
    shutil.copy(foreign["28"], library)
    older = run_state([["import"], ["probe", str(probes["new"])]], python=str(conda_python))
    library.unlink()
    newer = library.with_name(LIBSTDCXX + ".0.98")
    shutil.copy(ours / LIBSTDCXX, newer)
    library.symlink_to(newer.name)
    newest = run_state([["import"], ["probe", str(probes["new"])]], python=str(conda_python))
    library.unlink()
    newer.unlink()
    assert older.results[0] == "vendored"
    assert libstdcxx_of(older) == [str(ours / LIBSTDCXX)]
    assert newest.results[0] == "conda"
    assert libstdcxx_of(newest) == [str(newer)]


def test_a_python_whose_rpath_brings_condas_older_copy_gets_it_named(
    run_state: Callable[..., Any],
    conda_python: Path,
    foreign: dict[str, Path],
    probes: dict[str, Path],
) -> None:
    library = conda_python.parents[1] / "lib" / LIBSTDCXX
    shutil.copy(foreign["28"], library)
    reply = run_state(
        [
            ["dlopen", str(probes["plain"])],
            ["import"],
            ["require", {"glibcxx": "3.4.30", "who": "demo"}],
        ],
        python=str(conda_python),
    )
    library.unlink()
    assert libstdcxx_of(reply) == [str(library)]
    assert any("conda install 'libstdcxx>=12'" in text for text in reply.results[2]["remedies"])


@OURS_IS_NEWEST
@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("1", "disabled"),
        ("yes", "disabled"),
        ("TRUE", "disabled"),
        ("0", "vendored"),
        ("false", "vendored"),
        ("No", "vendored"),
        ("", "vendored"),
    ],
)
def test_the_switch_is_read_as_people_write_it(
    run_state: Callable[..., Any], value: str, state: str
) -> None:
    reply = run_state(
        [["import"], ["require", {"glibcxx": "3.4.30", "cudart": "99"}], ["loaded"]],
        environ={"CXXRT_DISABLE": value},
    )
    assert reply.results[0] == state
    assert (reply.results[1] == "ok") == (state == "disabled")
    assert bool(libstdcxx_of(reply)) == (state == "vendored")


def test_the_variable_chooses_the_libstdcxx(
    run_state: Callable[..., Any], foreign: dict[str, Path], ours: Path
) -> None:
    steps = [["import"]]
    by_path = run_state(steps, environ={"CXXRT_CXX": str(foreign["28"])})
    assert by_path.results == ["override"]
    assert libstdcxx_of(by_path) == [str(foreign["28"])]
    vendored = run_state(steps, environ={"CXXRT_CXX": "vendored"})
    assert libstdcxx_of(vendored) == [str(ours / LIBSTDCXX)]
    system = run_state(steps, environ={"CXXRT_CXX": "system"})
    assert system.results == ["system"]
    assert libstdcxx_of(system)
    assert libstdcxx_of(system) != [str(ours / LIBSTDCXX)]
    missing = run_state(steps, environ={"CXXRT_CXX": "/nowhere/libstdc++.so.6"})
    assert missing.results[0]["rule"] == "CXXRT-L001"


@OURS_IS_NEWEST
def test_a_target_folder_and_a_split_between_folders_work(
    run_state: Callable[..., Any], runtime_wheel: Path, probes: dict[str, Path], tmp_path: Path
) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    _pip(sys.executable, "--target", str(target), str(runtime_wheel))
    other.mkdir()
    shutil.copy(probes["new"], other / "ext.so")
    reply = run_state(
        [["path", str(other)], ["import"], ["probe", str(other / "ext.so")]], site=target
    )
    assert reply.results[1] == "vendored"
    assert libstdcxx_of(reply) == [str(target / PACKAGE / "lib" / LIBSTDCXX)]


def test_the_users_site_packages_work(
    run_state: Callable[..., Any], runtime_wheel: Path, tmp_path: Path
) -> None:
    base = {"PYTHONUSERBASE": str(tmp_path), "HOME": str(tmp_path)}
    python = os.path.realpath(sys.executable)
    need_pip(python)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--user", "--no-deps", "--no-index",
         "--break-system-packages", str(runtime_wheel)],
        env={**os.environ, **base}, check=True, capture_output=True,
    )  # fmt: skip
    reply = run_state(
        [["import"]], python=python, site=tmp_path / "nowhere", environ=base, flags=()
    )
    assert reply.results == ["vendored"]
    assert libstdcxx_of(reply)[0].startswith(str(tmp_path))


def test_a_farm_of_symlinks_maps_each_library_once(
    run_state: Callable[..., Any], runtime_site: Path, ours: Path, tmp_path: Path, python: str
) -> None:
    for file in (runtime_site / PACKAGE).rglob("*"):
        link = tmp_path / file.relative_to(runtime_site)
        if file.is_file():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    reply = run_state(
        [["import"], ["dlopen", str(ours / LIBSTDCXX)], ["require", {"cudart": "12"}]],
        site=tmp_path,
        python=python,
    )
    assert reply.results == ["vendored", None, "ok"]
    assert libstdcxx_of(reply) == [str(ours / LIBSTDCXX)]
    assert reply.count("libgcc_s") == 1


def test_a_zip_file_gives_a_clear_error(
    run_state: Callable[..., Any], runtime_site: Path, tmp_path: Path, python: str
) -> None:
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in (runtime_site / PACKAGE).glob("*.py"):
            bundle.write(file, f"{PACKAGE}/{file.name}")
    reply = run_state([["import"]], site=archive, python=python)
    assert reply.results[0]["rule"] == "CXXRT-L001"
    assert "zip" in reply.results[0]["message"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (b"", "truncated"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n" * 40, "LFS"),
        (None, "missing"),
    ],
)
def test_a_damaged_library_gives_a_clear_error_and_the_doctor_sees_it(
    run_state: Callable[..., Any], own_site: Path, damage: bytes | None, words: str, python: str
) -> None:
    library = own_site / PACKAGE / "lib" / LIBSTDCXX
    library.unlink()
    if damage is not None:
        library.write_bytes(damage)
    reply = run_state([["import"]], site=own_site, python=python)
    error = reply.results[0]
    assert error["error"] == "LibraryLoadError"
    assert str(library) in error["message"]
    assert words in error["message"]
    assert "pip install --force-reinstall --no-deps cxx11-cuda-runtime" in error["remedies"]


@OURS_IS_NEWEST
def test_a_half_written_library_gives_a_clear_error(
    run_state: Callable[..., Any], own_site: Path
) -> None:
    library = own_site / PACKAGE / "lib" / LIBSTDCXX
    content = library.read_bytes()
    library.write_bytes(content[: len(content) // 3])
    reply = run_state([["import"]], site=own_site)
    assert reply.results[0]["rule"] == "CXXRT-L001"
    assert "truncated" in reply.results[0]["message"]


@pytest.fixture
def noexec(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system that is mounted noexec."""
    folder = tmp_path / "noexec"
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("needs mount: apt-get install mount")
    mount = ["mount", "-t", "tmpfs", "-o", "noexec", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount (run as root): {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_noexec_file_system_gives_a_clear_error(
    run_state: Callable[..., Any], runtime_site: Path, noexec: Path, python: str
) -> None:
    site = Path(shutil.copytree(runtime_site, noexec / "site"))
    reply = run_state([["import"]], site=site, python=python)
    assert reply.results[0]["rule"] == "CXXRT-L001"
    assert "noexec" in reply.results[0]["message"]


def test_the_source_checkout_does_nothing_until_it_is_asked(
    run_state: Callable[..., Any], python: str
) -> None:
    source = Path(__file__).parents[3] / "toolchain"
    reply = run_state(
        [["import"], ["require", {"glibcxx": "3.4.30", "who": "demo"}], ["loaded"]],
        site=source,
        python=python,
    )
    assert reply.results[0] == "unbuilt"
    assert reply.results[1]["rule"] == "CXXRT-L007"
    assert reply.mapped == []


def _pip(python: str, *arguments: str) -> None:
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", *arguments],
        check=True,
        capture_output=True,
    )
