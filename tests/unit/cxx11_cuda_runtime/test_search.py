from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import cxx11_cuda_runtime
from cxx11_cuda_runtime import _search

if TYPE_CHECKING:
    from pathlib import Path

CACHE = (
    b"glibc-ld.so.cache1.1\0\0\0libstdc++.so.6\0/lib/x86_64-linux-gnu/libstdc++.so.6\0"
    b"libstdc++.so.6\0/lib32/libstdc++.so.6\0libgomp.so.1\0/lib/libgomp.so.1\0"
)


def test_every_path_that_the_cache_has_for_a_soname_is_found() -> None:
    assert list(_search.cached_paths("libstdc++.so.6", CACHE)) == [
        "/lib/x86_64-linux-gnu/libstdc++.so.6",
        "/lib32/libstdc++.so.6",
    ]
    assert list(_search.cached_paths("libcudart.so.12", CACHE)) == []
    assert list(_search.cached_paths("libgomp.so.1", b"")) == []


def test_the_number_is_read_off_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "libstdc++.so.6.0.31").write_bytes(b"")
    (tmp_path / "libstdc++.so.6").symlink_to("libstdc++.so.6.0.31")
    assert _search.glibcxx_of_file(str(tmp_path / "libstdc++.so.6")) == 31


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"\0GLIBCXX_3.4\0GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4.29\0", 30),
        (b"\0GLIBCXX_3.4.300\0", 0),
        (b"", 0),
    ],
)
def test_a_file_without_a_telling_name_is_read(tmp_path: Path, content: bytes, number: int) -> None:
    path = tmp_path / "libstdc++.so.6"
    path.write_bytes(content)
    assert _search.glibcxx_of_file(str(path)) == number


def test_a_file_that_is_not_there_has_no_number() -> None:
    assert _search.glibcxx_of_file("/nowhere/libstdc++.so.6") == 0
    assert _search.gomp_of_file("/nowhere/libgomp.so.1") == ()


def test_versions_of_libgomp_compare_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "libgomp.so.1"
    path.write_bytes(b"\0GOMP_4.5\0GOMP_5.0.1\0GOMP_10.0\0GOMP_odd\0")
    assert _search.gomp_of_file(str(path)) == (10, 0)


def test_only_a_prefix_with_conda_meta_is_a_conda_environment(tmp_path: Path) -> None:
    conda, plain = tmp_path / "conda", tmp_path / "plain"
    (conda / "conda-meta").mkdir(parents=True)
    plain.mkdir()
    assert _search.conda_prefixes([str(conda), str(plain), str(conda)]) == (str(conda),)


def test_candidates_come_from_conda_and_the_library_path(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    for folder in ("lib", "one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "libodd.so.1").write_bytes(b"")
    found = list(
        _search.outside_candidates(
            "libodd.so.1",
            prefixes=[str(tmp_path)],
            ld_library_path=f"{tmp_path}/one:;{tmp_path}/nowhere:{tmp_path}/two",
        )
    )
    assert found == [
        ("conda", f"{tmp_path}/lib/libodd.so.1"),
        ("ld-library-path", f"{tmp_path}/one/libodd.so.1"),
        ("ld-library-path", f"{tmp_path}/two/libodd.so.1"),
    ]


def test_nvidias_wheels_are_looked_for_beside_the_package_first_and_in_both_layouts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", "rel", str(tmp_path), "/other", "/site"])
    assert list(_search.nvidia_wheel_places("13", "/site")) == [
        "/site/nvidia/cu13/lib/libcudart.so.13",
        "/site/nvidia/cuda_runtime/lib/libcudart.so.13",
        "/other/nvidia/cu13/lib/libcudart.so.13",
        "/other/nvidia/cuda_runtime/lib/libcudart.so.13",
    ]


def test_a_working_folder_that_was_deleted_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["", "/other"])
    assert cxx11_cuda_runtime._import_folders() == ["/other"]


@pytest.mark.parametrize("value", [":", "/a:", ":/a", ";", "/a;b", "lib", "."])
def test_a_library_is_not_looked_up_by_name_where_that_asks_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "libodd.so.1").write_bytes(b"")
    with pytest.raises(OSError, match="No such file"):
        _search.without_working_folder("libodd.so.1", value)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "libodd.so.1").write_bytes(b"")
    assert _search.without_working_folder("libodd.so.1", f"{value}:{tmp_path}/b") == (
        f"{tmp_path}/b/libodd.so.1"
    )
    for harmless in ("", "/a", f"{tmp_path}:/a"):
        assert _search.without_working_folder("libodd.so.1", harmless) == "libodd.so.1"
