"""How the process lives: threads, forks, spawned children, subinterpreters, upgrades, cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from debfixtures import library
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

LIBSTDCXX = "libstdc++.so.6"
WORKS = {"number": "12 3.25", "parse": 42, "regex": 1}
SLOW_MODULES = (
    "_ctypes",
    "ctypes",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "pathlib",
    "platform",
    "subprocess",
    "typing",
)


def test_a_plain_start_imports_nothing_but_the_package(
    run_state: Callable[..., Any], python: str
) -> None:
    reply = run_state(
        [["import"], ["require", {"glibcxx": "3.4.30", "who": "demo"}]], python=python
    )
    assert reply.results == ["vendored", "ok"]
    assert reply.modules == ["cxx11_cuda_runtime"]
    assert reply.required == []


def test_the_long_way_imports_nothing_slow_either(
    run_state: Callable[..., Any], foreign: dict[str, Path], python: str
) -> None:
    environ = {"LD_LIBRARY_PATH": str(foreign["28"].parent)}
    reply = run_state([["import"]], python=python, environ=environ)
    assert reply.results == ["vendored"]
    assert "cxx11_cuda_runtime._load" in reply.modules
    assert not set(reply.modules) & (set(SLOW_MODULES) - {"_ctypes"})


def test_a_preloaded_copy_is_promoted_without_ctypes(
    run_state: Callable[..., Any], foreign: dict[str, Path], python: str
) -> None:
    reply = run_state([["import"]], python=python, environ={"LD_PRELOAD": str(foreign["30"])})
    assert reply.results == ["already-loaded"]
    assert reply.modules == ["cxx11_cuda_runtime"]


def test_a_stray_libgcc_s_is_not_doubled(
    run_state: Callable[..., Any], tmp_path: Path, python: str
) -> None:
    old = tmp_path / "libgcc_s.so.1"
    old.write_bytes(library("bullseye-libstdcxx", "libgcc_s.so.1").read_bytes())
    reply = run_state([["import"]], python=python, environ={"LD_PRELOAD": str(old)})
    assert reply.results == ["vendored"]
    assert [path for path in reply.mapped if "libgcc_s" in path] == [str(old)]


@pytest.mark.parametrize("ctypes_first", [False, True])
def test_thirty_two_threads_get_one_copy(
    run_state: Callable[..., Any], probes: dict[str, Path], python: str, ctypes_first: bool
) -> None:
    first = [["preimport", "_ctypes"]] if ctypes_first else []
    needs = {"glibcxx": "3.4.30", "cudart": "12", "openmp": True, "who": "demo"}
    reply = run_state(
        [*first, ["threads", 32, needs], ["probe", str(probes["new"])]], python=python
    )
    assert sorted(map(str, reply.results[-2])) == ["ok"] * 32 + ["vendored"] * 32
    assert reply.results[-1] == WORKS
    for name in ("libstdc++", "libgcc_s", "libgomp", "libcudart"):
        assert reply.count(name) == 1


def test_a_forked_child_keeps_it_and_a_spawned_one_gets_its_own(
    run_state: Callable[..., Any], probes: dict[str, Path], ours: Path, python: str
) -> None:
    steps = [["import"], ["probe", str(probes["plain"])], ["require", {"glibcxx": "3.4.30"}]]
    reply = run_state([["import"], ["fork", steps], ["spawn", steps]], python=python)
    assert reply.results == ["vendored", ["vendored", WORKS, "ok"], ["vendored", WORKS, "ok"]]
    assert [path for path in reply.mapped if LIBSTDCXX in path] == [str(ours / LIBSTDCXX)]


def test_a_fork_before_the_import_works(
    run_state: Callable[..., Any], probes: dict[str, Path], python: str
) -> None:
    steps = [["import"], ["probe", str(probes["plain"])]]
    reply = run_state([["fork", steps], *steps], python=python)
    assert reply.results == [["vendored", WORKS], "vendored", WORKS]


@pytest.mark.parametrize("main_first", [True, False])
def test_a_subinterpreter_shares_the_one_copy(
    run_state: Callable[..., Any],
    probes: dict[str, Path],
    ours: Path,
    python: str,
    main_first: bool,
) -> None:
    steps = [
        ["import"],
        ["require", {"glibcxx": "3.4.30", "who": "demo"}],
        ["require", {"glibcxx": "3.4.99", "who": "demo"}],
    ]
    main = [["import"], ["probe", str(probes["plain"])]]
    sub = [["subinterpreter", steps]]
    reply = run_state([*main, *sub] if main_first else [*sub, *main], python=python)
    inner = reply.results[2] if main_first else reply.results[0]
    assert inner[0] == "vendored"
    assert inner[1] == "ok"
    assert inner[2]["rule"] == "CXXRT-L002"
    assert WORKS in reply.results
    assert [path for path in reply.mapped if LIBSTDCXX in path] == [str(ours / LIBSTDCXX)]


def test_a_subinterpreter_asks_for_an_old_copy_and_is_refused(
    run_state: Callable[..., Any], foreign: dict[str, Path], python: str
) -> None:
    steps = [
        ["import"],
        ["require", {"glibcxx": "3.4.28", "who": "demo"}],
        ["require", {"glibcxx": "3.4.30", "who": "demo"}],
    ]
    reply = run_state(
        [["subinterpreter", steps]], python=python, environ={"LD_PRELOAD": str(foreign["28"])}
    )
    assert reply.results[0][:2] == ["already-loaded", "ok"]
    assert reply.results[0][2]["rule"] == "CXXRT-L002"
    assert str(foreign["28"]) in reply.results[0][2]["message"]


def test_an_upgrade_under_a_running_process_changes_nothing_in_it(
    run_state: Callable[..., Any],
    own_site: Path,
    foreign: dict[str, Path],
    probes: dict[str, Path],
    python: str,
) -> None:
    library = own_site / "cxx11_cuda_runtime" / "lib" / LIBSTDCXX
    reply = run_state(
        [
            ["import"],
            ["replace", str(library), str(foreign["28"])],
            ["require", {"glibcxx": "3.4.30", "who": "demo"}],
            ["probe", str(probes["new"])],
            ["loaded"],
            ["findings"],
        ],
        site=own_site,
        python=python,
    )
    assert reply.results[2:4] == ["ok", WORKS]
    row = next(row for row in reply.results[4] if row[0] == LIBSTDCXX)
    assert int(row[3].rpartition(".")[2]) > 30
    assert ("CXXRT-L109", "warning") in {(rule, level) for rule, level, *_ in reply.results[5]}
    assert [path for path in reply.mapped if LIBSTDCXX in path] == [f"{library} (deleted)"]


def test_a_removed_file_of_an_older_copy_is_judged_by_what_is_in_memory(
    run_state: Callable[..., Any], foreign: dict[str, Path], tmp_path: Path, python: str
) -> None:
    old = tmp_path / LIBSTDCXX
    old.write_bytes(foreign["28"].read_bytes())
    reply = run_state(
        [
            ["dlopen", str(old)],
            ["remove", str(old)],
            ["import"],
            ["require", {"glibcxx": "3.4.28", "who": "demo"}],
            ["require", {"glibcxx": "3.4.30", "who": "demo"}],
        ],
        python=python,
    )
    assert reply.results[2:4] == ["already-loaded", "ok"]
    assert reply.results[4]["rule"] == "CXXRT-L002"
    assert "3.4.28" in reply.results[4]["message"]


def test_openmp_is_loaded_only_on_request_and_a_loaded_one_is_kept(
    run_state: Callable[..., Any], ours: Path, tmp_path: Path
) -> None:
    asked = run_state([["import"], ["require", {"openmp": True, "who": "demo"}], ["loaded"]])
    assert [path for path in asked.mapped if "libgomp" in path] == [str(ours / "libgomp.so.1")]
    assert run_state([["import"]]).count("libgomp") == 0
    old = tmp_path / "libgomp.so.1"
    old.write_bytes(library("bullseye-libstdcxx", "libgomp.so.1").read_bytes())
    kept = run_state([["dlopen", str(old)], ["import"], ["require", {"openmp": True}], ["loaded"]])
    assert [path for path in kept.mapped if "libgomp" in path] == [str(old)]
    assert ["libgomp.so.1", str(old), "already-loaded", ""] in kept.results[3]


def test_torchs_older_libgomp_loses_to_the_vendored_one(
    run_state: Callable[..., Any], ours: Path, tmp_path: Path
) -> None:
    torch = tmp_path / "torch" / "lib"
    torch.mkdir(parents=True)
    (torch / "libgomp.so.1").write_bytes(library("bullseye-libstdcxx", "libgomp.so.1").read_bytes())
    reply = run_state([["path", str(tmp_path)], ["import"], ["require", {"openmp": True}]])
    assert [path for path in reply.mapped if "libgomp" in path] == [str(ours / "libgomp.so.1")]


@OURS_IS_NEWEST
def test_two_copies_of_one_soname_are_listed_and_left_to_the_full_doctor(
    run_state: Callable[..., Any], foreign: dict[str, Path], ours: Path
) -> None:
    reply = run_state([["import"], ["dlopen", str(foreign["28"])], ["copies"], ["findings"]])
    assert reply.results[2] == [str(ours / LIBSTDCXX), str(foreign["28"])]
    assert reply.results[3] == []
