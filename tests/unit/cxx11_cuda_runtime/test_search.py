from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


def test_nvidias_wheels_are_looked_for_beside_the_package_first_and_in_both_layouts() -> None:
    assert list(_search.nvidia_wheel_places("13", "/site", ["/other", "/site", ""])) == [
        "/site/nvidia/cu13/lib/libcudart.so.13",
        "/site/nvidia/cuda_runtime/lib/libcudart.so.13",
        "/other/nvidia/cu13/lib/libcudart.so.13",
        "/other/nvidia/cuda_runtime/lib/libcudart.so.13",
        "./nvidia/cu13/lib/libcudart.so.13",
        "./nvidia/cuda_runtime/lib/libcudart.so.13",
    ]
