"""The variables of the wrapped build: user flags stay and win, ours are where they must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.backend.config import BuildConfig
from cxxrt_toolchain.backend.link import LinkPaths, link_environment
from cxxrt_toolchain.errors import ConfigError

_PATHS = LinkPaths(
    libraries=("/rt/lib",), cmake="/rt/cmake", pkgconfig="/rt/pkgconfig", linker="/linker"
)
_CUDA = BuildConfig(cuda=13)
_VARIABLES = ["CPPFLAGS", "LDFLAGS", "CMAKE_ARGS", "CMAKE_PREFIX_PATH", "PKG_CONFIG_PATH"]


def test_the_last_flag_wins_so_ours_come_first() -> None:
    user = {"CPPFLAGS": "-DUSER", "LDFLAGS": "-Wl,-z,now", "CMAKE_ARGS": "-DFOO=1"}
    changes = link_environment(BuildConfig(), _PATHS, user)
    assert changes["CPPFLAGS"] == "-D_GLIBCXX_USE_CXX11_ABI=1 -DUSER"
    assert changes["CMAKE_ARGS"].endswith(" -DFOO=1")
    assert changes["LDFLAGS"].index("-B/linker/") < changes["LDFLAGS"].index("-Wl,-z,now")


def test_the_first_search_folder_wins_so_ours_come_last() -> None:
    user = {"LDFLAGS": "-L/user/lib", "CMAKE_PREFIX_PATH": "/user", "PKG_CONFIG_PATH": "/user/pc"}
    changes = link_environment(BuildConfig(), _PATHS, user)
    assert changes["LDFLAGS"].endswith("-L/user/lib -L/rt/lib")
    assert changes["CMAKE_PREFIX_PATH"] == "/user:/rt/cmake"
    assert changes["PKG_CONFIG_PATH"] == "/user/pc:/rt/pkgconfig"


def test_flags_whose_presence_drops_the_defaults_are_not_set() -> None:
    changes = link_environment(_CUDA, _PATHS, {})
    assert not {"CFLAGS", "CXXFLAGS", "CUDAFLAGS", "LDSHARED", "CC", "CXX"} & changes.keys()


def test_no_run_path_is_linked_in() -> None:
    assert "rpath" not in link_environment(_CUDA, _PATHS, {})["LDFLAGS"]


def test_only_a_cuda_build_changes_nvcc() -> None:
    assert not [name for name in link_environment(BuildConfig(), _PATHS, {}) if "NVCC" in name]
    changes = link_environment(_CUDA, _PATHS, {"CXX": "ccache g++-13", "NVCC_PREPEND_FLAGS": "-v"})
    assert changes["NVCC_PREPEND_FLAGS"] == "-cudart shared -v -L/rt/lib"
    assert changes["NVCC_CCBIN"] == changes["CUDAHOSTCXX"] == "g++-13"


def test_the_users_host_compiler_for_nvcc_stays() -> None:
    user = {"CXX": "g++", "NVCC_CCBIN": "g++-12", "CUDAHOSTCXX": "g++-11"}
    changes = link_environment(_CUDA, _PATHS, user)
    assert (changes["NVCC_CCBIN"], changes["CUDAHOSTCXX"]) == ("g++-12", "g++-11")


@pytest.mark.parametrize("variable", ["CPPFLAGS", "CFLAGS", "CXXFLAGS", "CUDAFLAGS", "CMAKE_ARGS"])
def test_the_old_string_abi_contradicts_the_epoch(variable: str) -> None:
    user = {variable: "-O2 -D_GLIBCXX_USE_CXX11_ABI=0"}
    with pytest.raises(ConfigError, match=rf"^\${variable}: _GLIBCXX_USE_CXX11_ABI=0"):
        link_environment(BuildConfig(), _PATHS, user)


def test_a_folder_with_a_space_stays_one_word() -> None:
    paths = LinkPaths(libraries=("/a b/lib",), cmake="/c", pkgconfig="/p", linker="/l d")
    flags = link_environment(BuildConfig(), paths, {})["LDFLAGS"]
    assert "'-L/a b/lib'" in flags
    assert "'-B/l d/'" in flags


@given(
    st.dictionaries(
        st.sampled_from(_VARIABLES),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    )
)
def test_what_the_user_set_is_always_in_the_result(user: dict[str, str]) -> None:
    changes = link_environment(BuildConfig(), _PATHS, user)
    for name, value in user.items():
        assert value in changes[name]
