"""Which libcudart serves the process: cases C1 to C4, with NVIDIA's wheels of several releases."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.runtime, pytest.mark.network]

LAYOUT = {"12": "nvidia/cuda_runtime/lib/libcudart.so.12", "13": "nvidia/cu13/lib/libcudart.so.13"}
REPORTED = {"12.4": 12040, "12.9": 12090, "13.0": 13000, "13.2": 13020}


def file_of(wheels: dict[str, Path], release: str) -> Path:
    return wheels[release] / LAYOUT[release.partition(".")[0]]


@pytest.mark.parametrize("major", ["12", "13"])
def test_with_nothing_else_installed_the_vendored_one_answers(
    run_state: Callable[..., Any], ours: Path, python: str, major: str
) -> None:
    path = ours / f"libcudart.so.{major}"
    reply = run_state(
        [["import"], ["require", {"cudart": major, "who": "demo"}], ["cuda_version", str(path)]],
        python=python,
    )
    assert reply.results[1] == "ok"
    assert reply.results[2] // 1000 == int(major)
    assert [each for each in reply.mapped if "libcudart" in each] == [str(path)]


@OURS_IS_NEWEST
def test_both_majors_serve_side_by_side(run_state: Callable[..., Any], ours: Path) -> None:
    reply = run_state(
        [
            ["import"],
            ["require", {"cudart": "13"}],
            ["require", {"cudart": "12"}],
            ["cuda_version", str(ours / "libcudart.so.12")],
            ["cuda_version", str(ours / "libcudart.so.13")],
            ["findings"],
        ]
    )
    assert [each // 1000 for each in reply.results[3:5]] == [12, 13]
    assert reply.count("libcudart") == 2
    assert reply.results[5] == []


@pytest.mark.parametrize("release", ["12.9", "13.0", "13.2"])
def test_the_file_of_nvidias_wheel_is_taken_and_torchs_dlopen_of_it_maps_nothing_new(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], release: str, python: str
) -> None:
    path = file_of(nvidia_wheels, release)
    reply = run_state(
        [
            ["path", str(nvidia_wheels[release])],
            ["import"],
            ["require", {"cudart": release.partition(".")[0]}],
            ["dlopen", str(path), "global"],
            ["loaded"],
        ],
        python=python,
    )
    assert [each for each in reply.mapped if "libcudart" in each] == [str(path)]
    row = next(row for row in reply.results[4] if row[0].startswith("libcudart"))
    assert row[2:] == ["nvidia-wheel", release]
    assert reply.count("libstdc++") == 1


def test_nvidias_wheel_beside_the_package_is_found_without_sys_path(
    run_state: Callable[..., Any], own_site: Path, nvidia_wheels: dict[str, Path]
) -> None:
    shutil.copytree(nvidia_wheels["12.9"] / "nvidia", own_site / "nvidia")
    reply = run_state([["import"], ["require", {"cudart": "12"}]], site=own_site)
    assert [each for each in reply.mapped if "libcudart" in each] == [str(own_site / LAYOUT["12"])]


def test_one_that_torch_opened_first_is_kept_and_promoted(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], python: str
) -> None:
    path = file_of(nvidia_wheels, "12.9")
    reply = run_state(
        [
            ["dlopen", str(path)],
            ["global", "cudaRuntimeGetVersion"],
            ["import"],
            ["require", {"cudart": "12.8", "who": "demo"}],
            ["global", "cudaRuntimeGetVersion"],
            ["loaded"],
        ],
        python=python,
    )
    assert reply.results[1] is False
    assert reply.results[3:5] == ["ok", True]
    assert ["libcudart.so.12", str(path), "already-loaded", "12.9"] in reply.results[5]
    assert reply.count("libcudart") == 1


def test_a_minor_that_is_too_old_is_refused_with_the_function_that_is_missing(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], python: str
) -> None:
    path = file_of(nvidia_wheels, "12.4")
    reply = run_state(
        [["dlopen", str(path)], ["import"], ["require", {"cudart": "12.8", "who": "demo"}]],
        python=python,
    )
    error = reply.results[2]
    assert error["rule"] == "CXXRT-L003"
    for fact in ("demo", "12.8", str(path), "CUDA 12.4", "direct dlopen"):
        assert fact in error["message"]
    assert "pip install -U 'nvidia-cuda-runtime-cu12>=12.8'" in error["remedies"]
    assert reply.count("libcudart") == 1


def test_an_installed_wheel_that_is_too_old_loses_to_the_vendored_one_with_a_warning(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], ours: Path
) -> None:
    steps = [
        ["path", str(nvidia_wheels["12.4"])],
        ["import"],
        ["require", {"cudart": "12.8", "who": "demo"}],
    ]
    reply = run_state(steps)
    assert reply.results[2] == "ok"
    assert [each for each in reply.mapped if "libcudart" in each] == [str(ours / "libcudart.so.12")]
    strict = run_state(steps, flags=("-s", "-S", "-W", "error"))
    assert strict.results[2]["error"] == "RuntimeWarning"
    assert "is older than CUDA 12.8" in strict.results[2]["message"]


def test_an_installed_wheel_that_is_older_but_enough_is_taken(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path]
) -> None:
    reply = run_state(
        [["path", str(nvidia_wheels["12.4"])], ["import"], ["require", {"cudart": "12.0"}]]
    )
    assert [each for each in reply.mapped if "libcudart" in each] == [
        str(file_of(nvidia_wheels, "12.4"))
    ]


def test_a_release_newer_than_any_known_is_judged_by_what_the_library_says(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path]
) -> None:
    reply = run_state(
        [
            ["path", str(nvidia_wheels["13.2"])],
            ["import"],
            ["require", {"cudart": "13.2"}],
            ["require", {"cudart": "13.99", "who": "demo"}],
        ]
    )
    assert reply.results[2] == "ok"
    assert reply.results[3]["rule"] == "CXXRT-L003"
    assert "CUDA 13.2" in reply.results[3]["message"]


def test_a_major_that_nobody_has_says_where_it_was_looked_for(
    run_state: Callable[..., Any], python: str
) -> None:
    reply = run_state([["import"], ["require", {"cudart": "99", "who": "demo"}]], python=python)
    error = reply.results[1]
    assert error["rule"] == "CXXRT-L004"
    assert "nvidia/cu99/lib/libcudart.so.99" in error["message"]
    assert error["remedies"] == ["pip install 'nvidia-cuda-runtime==99.*'"]


@pytest.mark.parametrize("text", ["", "12.", "twelve", "12.9.1", "12.x"])
def test_a_release_that_is_spelt_wrong_is_a_value_error(
    run_state: Callable[..., Any], text: str
) -> None:
    assert run_state([["import"], ["require", {"cudart": text}]]).results[1]["error"] == (
        "ValueError"
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("vendored", "vendored"), ("nvidia", "nvidia-wheel"), ("auto", "nvidia-wheel")],
)
def test_the_environment_variable_decides_among_the_providers(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], choice: str, expected: str
) -> None:
    reply = run_state(
        [
            ["path", str(nvidia_wheels["12.9"])],
            ["import"],
            ["require", {"cudart": "12"}],
            ["loaded"],
        ],
        environ={"CXXRT_CUDART": choice},
    )
    rows = [row for row in reply.results[3] if row[0] == "libcudart.so.12"]
    assert [row[2] for row in rows] == [expected]


def test_the_environment_variable_may_be_a_path_or_the_toolkit(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], tmp_path: Path
) -> None:
    steps = [["import"], ["require", {"cudart": "12"}], ["loaded"]]
    path = file_of(nvidia_wheels, "12.4")
    by_path = run_state(steps, environ={"CXXRT_CUDART": str(path)})
    assert ["libcudart.so.12", str(path), "override", "12.4"] in by_path.results[2]
    (tmp_path / "lib64").mkdir()
    shutil.copy(path, tmp_path / "lib64" / "libcudart.so.12")
    toolkit = run_state(steps, environ={"CXXRT_CUDART": "system", "CUDA_HOME": str(tmp_path)})
    assert toolkit.results[2][-1][2:] == ["system", "12.4"]


def test_a_conda_environments_own_libcudart_is_taken(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], conda_python: Path
) -> None:
    library = conda_python.parents[1] / "lib" / "libcudart.so.12"
    shutil.copy(file_of(nvidia_wheels, "12.9"), library)
    reply = run_state(
        [["import"], ["require", {"cudart": "12"}], ["loaded"]], python=str(conda_python)
    )
    library.unlink()
    assert ["libcudart.so.12", str(library), "conda", "12.9"] in reply.results[2]


@OURS_IS_NEWEST
def test_cudart_13_1_and_later_find_our_libstdcxx_and_no_other(
    run_state: Callable[..., Any], nvidia_wheels: dict[str, Path], ours: Path
) -> None:
    reply = run_state([["import"], ["dlopen", str(file_of(nvidia_wheels, "13.2"))]])
    assert [each for each in reply.mapped if "libstdc++" in each] == [str(ours / "libstdc++.so.6")]
    first = run_state([["dlopen", str(file_of(nvidia_wheels, "13.2"))], ["import"]])
    assert first.results[1] == "already-loaded"
    assert first.count("libstdc++") == 1
