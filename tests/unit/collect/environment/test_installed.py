"""Folders to distributions: what RECORD, installed-files.txt and top_level.txt name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from installed_packages import install, interpreter

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.host.describe import active_interpreter, find_interpreter

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wheel_is_described_by_its_own_files(tmp_path: Path) -> None:
    install(
        tmp_path,
        "Demo_Pkg",
        record="demo/_core.so,sha256=x,5\ndemo/__init__.py,,\ndemo.libs/libz-1.so.1,,\n"
        '"demo/a,b.so",,\n../../lib/libdemo.so,,\ndemo/bin/tool,,\nDemo_Pkg-1.0.dist-info/RECORD,,\n',
        WHEEL="Wheel-Version: 1.0\nTag: cp312-cxxrt1_cp312-manylinux_2_17_x86_64\n",
        requires="Requires-Dist: cxx11-cuda-runtime>=1.9,<2\nRequires-Dist: numpy",
    )
    (found,) = read_environment(interpreter(tmp_path), Store()).distributions
    assert (found.name, found.key, found.version) == ("Demo_Pkg", "demo-pkg", "1.0")
    assert found.requires == ("cxx11-cuda-runtime>=1.9,<2", "numpy")
    assert found.tags == ("cp312-cxxrt1_cp312-manylinux_2_17_x86_64",)
    assert found.files == (
        f"{tmp_path}/demo/_core.so",
        f"{tmp_path}/demo.libs/libz-1.so.1",
        f"{tmp_path}/demo/a,b.so",
        str(tmp_path.parent.parent / "lib/libdemo.so"),
    )


def test_of_two_with_one_name_the_first_folder_has_it(tmp_path: Path) -> None:
    install(tmp_path / "a", "demo", "2.0")
    install(tmp_path / "b", "Demo", "1.0")
    (found,) = read_environment(interpreter(tmp_path / "a", tmp_path / "b"), Store()).distributions
    assert found.version == "2.0"


def test_older_installations_are_read_too(tmp_path: Path) -> None:
    info = tmp_path / "old-1.0.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Name: old\nVersion: 1.0\n")
    (info / "installed-files.txt").write_text("../old/_core.so\nPKG-INFO\n../old/x.py\n")
    listless = tmp_path / "deb-1.0.egg-info"
    listless.mkdir()
    (listless / "PKG-INFO").write_text("Name: deb\nVersion: 1.0\n")
    (listless / "top_level.txt").write_text("deb\n")
    (tmp_path / "deb").mkdir()
    (tmp_path / "deb" / "_x.so").write_bytes(b"")
    (tmp_path / "deb" / "x.py").write_bytes(b"")
    (tmp_path / "single-3.egg-info").write_text("Name: single\nVersion: 3\n")
    environment = read_environment(interpreter(tmp_path), Store())
    assert {each.name: each.files for each in environment.distributions} == {
        "deb": (f"{tmp_path}/deb/_x.so",),
        "old": (f"{tmp_path}/old/_core.so",),
        "single": (),
    }


def test_folders_that_are_missing_and_broken_metadata_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "y-1.dist-info").mkdir()
    (tmp_path / "y-1.dist-info" / "METADATA").write_bytes(b"\xff\xfe Name")
    assert read_environment(interpreter(tmp_path, tmp_path / "gone"), Store()).distributions == ()


def test_the_owner_is_found_through_symlinks(tmp_path: Path) -> None:
    install(tmp_path / "real", "demo", record="demo/_core.so,,\ndemo/_link.so,,\n")
    (tmp_path / "real" / "demo").mkdir()
    (tmp_path / "real" / "demo" / "_core.so").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    environment = read_environment(interpreter(tmp_path / "link"), Store())
    for folder in ("link", "real"):
        owner = environment.owner(f"{tmp_path}/{folder}/demo/_core.so")
        assert owner is not None
        assert owner.name == "demo"
    assert environment.owner("/usr/lib/libz.so.1") is None
    assert environment.named("DEMO") is owner
    assert environment.named("other") is None


def test_python_names_an_executable_or_an_environment(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    assert find_interpreter(str(tmp_path)) == str(python)
    assert find_interpreter(str(python)) == str(python)
    assert active_interpreter({"VIRTUAL_ENV": str(tmp_path)}) == str(python)
    with pytest.raises(InputError, match="no Python interpreter"):
        find_interpreter(str(tmp_path / "gone"))


_LONG = "a/" * 400_000


@pytest.mark.parametrize(
    ("record", "files"),
    [
        ('"' + "x/a.so" * 30_000 + '",,\n', {}),
        (f"{_LONG}m.so,,\n", {}),
        (f"{_LONG}../m.so,,\n" * 3, {}),
        ("\0/m.so,,\nx/\0.so,,\n/\0\0/m.so,,\n", {}),
        ("", {"x-1.0.dist-info/installed-files.txt": f"../x\0/m.so\n{_LONG}m.so\n"}),
        ("x.pth,,\n", {"x.pth": f"/{_LONG}\n"}),
        ("x.pth,,\nhook.py,,\n",
         {"x.pth": "import hook\n", "hook.py": f"MAPPING = {{'a': '/{_LONG}'}}\n"}),
        ("x.pth,,\ndirect_url.json,,\n",
         {"x.pth": "/nowhere\n",
          "x-1.0.dist-info/direct_url.json":
          f'{{"url": "file:///{_LONG}", "dir_info": {{"editable": true}}}}'}),
        ("", {"x.egg-link": f"/{_LONG}\n../{_LONG}"}),
        ("", {"x-1.0.dist-info/top_level.txt": _LONG}),
    ],
    ids=["quoted", "record", "dots", "nul", "listed", "pth", "hook", "project", "egg-link", "top"],
)  # fmt: skip
def test_a_path_that_no_system_takes_costs_nothing(
    tmp_path: Path, record: str, files: dict[str, str]
) -> None:
    install(tmp_path, "x", record=record)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    started = time.process_time()
    (found,) = read_environment(interpreter(tmp_path), Store()).distributions
    assert time.process_time() - started < 2
    assert found.files == ()
    environment = read_environment(interpreter(tmp_path), Store())
    assert environment.owner(str(tmp_path / "x" / "m.so")) is None
    assert all(len(each) <= 4096 for each in found.sources)
