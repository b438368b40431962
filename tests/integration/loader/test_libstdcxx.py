"""Which libstdc++ serves the process: states S1 to S6, with real libraries of several ages.

After every combination the probe formats a number, parses one, matches a regex, and throws through
two modules; and /proc/self/maps says how many copies there are.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.runtime, pytest.mark.compile, pytest.mark.network]

WORKS = {"number": "12 3.25", "parse": 42, "regex": 1}
LIBSTDCXX = "libstdc++.so.6"


def check(probes: dict[str, Path], *names: str) -> list[list[Any]]:
    """Steps that use each probe, and throw from each through each other."""
    used: list[list[Any]] = [["probe", str(probes[name])] for name in names]
    thrown = [["throw", str(probes[a]), str(probes[b])] for a in names for b in names]
    return [*used, *thrown]


def assert_all_work(results: list[Any], names: int) -> None:
    assert results[:names] == [WORKS] * names
    assert results[names:] == [1] * (names * names)


def test_a_cold_process_gets_the_vendored_copy(
    run_state: Callable[..., Any], probes: dict[str, Path], ours: Path, python: str
) -> None:
    reply = run_state([["import"], *check(probes, "plain", "second", "new")], python=python)
    assert reply.results[0] == "vendored"
    assert_all_work(reply.results[1:], 3)
    assert [path for path in reply.mapped if LIBSTDCXX in path] == [str(ours / LIBSTDCXX)]
    assert reply.count("libgcc_s") == 1


@pytest.mark.parametrize("mode", ["local", "global"])
@pytest.mark.parametrize("number", ["28", "30"])
def test_a_copy_that_is_loaded_already_is_kept_and_promoted(
    run_state: Callable[..., Any],
    probes: dict[str, Path],
    foreign: dict[str, Path],
    python: str,
    number: str,
    mode: str,
) -> None:
    reply = run_state(
        [
            ["dlopen", str(foreign[number]), mode],
            ["import"],
            ["global", "_ZSt9terminatev"],
            ["require", {"glibcxx": f"3.4.{number}", "who": "demo"}],
            *check(probes, "plain", "second"),
        ],
        python=python,
    )
    assert reply.results[1:4] == ["already-loaded", True, "ok"]
    assert_all_work(reply.results[4:], 2)
    assert [path for path in reply.mapped if LIBSTDCXX in path] == [str(foreign[number])]


def test_an_extension_that_came_first_decides_and_its_copy_is_promoted(
    run_state: Callable[..., Any], probes: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [
            ["probe", str(probes["plain"])],
            ["global", "_ZSt9terminatev"],
            ["import"],
            ["global", "_ZSt9terminatev"],
            *check(probes, "plain", "second"),
        ],
        python=python,
    )
    assert reply.results[1:4] == [False, "already-loaded", True]
    assert_all_work(reply.results[4:], 2)
    assert reply.count(LIBSTDCXX) == 1


def test_a_file_of_another_name_with_the_soname_counts_as_loaded(
    run_state: Callable[..., Any], probes: dict[str, Path], foreign: dict[str, Path], tmp_path: Path
) -> None:
    odd = tmp_path / "odd-name.so"
    odd.write_bytes(foreign["28"].read_bytes())
    reply = run_state(
        [["dlopen", str(odd)], ["import"], ["loaded"], *check(probes, "plain", "second")]
    )
    assert reply.results[1] == "already-loaded"
    assert [row[1] for row in reply.results[2] if row[0] == LIBSTDCXX] == [str(odd)]
    assert_all_work(reply.results[3:], 2)
    assert reply.count("libstdc++") == 0


def test_a_preloaded_file_of_another_name_is_seen_without_ctypes(
    run_state: Callable[..., Any], foreign: dict[str, Path], tmp_path: Path, python: str
) -> None:
    odd = tmp_path / "odd-name.so"
    odd.write_bytes(foreign["30"].read_bytes())
    reply = run_state([["import"]], python=python, environ={"LD_PRELOAD": str(odd)})
    assert reply.results == ["already-loaded"]
    assert reply.count("libstdc++") == 0


@OURS_IS_NEWEST
@pytest.mark.parametrize("kind", ["mangled-28", "mangled-30", "mangled-ours", "exported", "hidden"])
@pytest.mark.parametrize("twice", [False, True])
def test_private_copies_that_come_later_work(
    run_state: Callable[..., Any], probes: dict[str, Path], kind: str, twice: bool
) -> None:
    names = ("plain", kind) if not twice else (kind, "plain", "second")
    reply = run_state([["import"], *check(probes, *names)])
    assert reply.results[0] == "vendored"
    assert_all_work(reply.results[1:], len(names))
    assert reply.count(LIBSTDCXX) == 1


@pytest.mark.parametrize("kind", ["mangled-28", "mangled-30", "exported", "hidden"])
@pytest.mark.parametrize("number", ["28", "30"])
def test_private_copies_work_after_a_promoted_one_that_was_used(
    run_state: Callable[..., Any],
    probes: dict[str, Path],
    foreign: dict[str, Path],
    kind: str,
    number: str,
) -> None:
    reply = run_state(
        [
            ["dlopen", str(foreign[number])],
            ["probe", str(probes["plain"])],
            ["import"],
            *check(probes, "second", kind),
        ]
    )
    assert reply.results[1:3] == [WORKS, "already-loaded"]
    assert_all_work(reply.results[3:], 2)


@pytest.mark.parametrize("kind", ["mangled-28", "exported"])
def test_without_us_the_second_copy_breaks_which_is_why_we_exist(
    run_state: Callable[..., Any], probes: dict[str, Path], foreign: dict[str, Path], kind: str
) -> None:
    """What breaks depends on the compiler: modules of GCC 12 lose a number, GCC 14's crash."""
    steps = [["dlopen", str(foreign["30"])], *check(probes, "plain", kind)]
    ended = ""
    results: list[Any] = [WORKS, {"number": ""}]
    try:
        results = run_state(steps).results[1:3]
    except AssertionError as error:
        ended = str(error).partition("\n")[0]
    assert ended in {"", f"exit {-signal.SIGSEGV:d}"}
    assert (results[0], results[1]["number"]) == (WORKS, "")


def test_an_older_copy_that_is_enough_is_accepted(
    run_state: Callable[..., Any], foreign: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [
            ["dlopen", str(foreign["28"])],
            ["import"],
            ["require", {"glibcxx": "3.4.21", "who": "demo"}],
            ["require", {"glibcxx": "3.4.28", "who": "demo"}],
        ],
        python=python,
    )
    assert reply.results[1:] == ["already-loaded", "ok", "ok"]


def test_an_older_copy_that_is_not_enough_is_refused_with_its_path_and_remedies(
    run_state: Callable[..., Any], foreign: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [
            ["dlopen", str(foreign["28"])],
            ["import"],
            ["require", {"glibcxx": "3.4.30", "who": "demo 1.0"}],
        ],
        python=python,
    )
    error = reply.results[2]
    assert error["error"] == "LibstdcxxTooOldError"
    assert error["rule"] == "CXXRT-L002"
    for fact in ("demo 1.0", "3.4.30", "GCC 12", str(foreign["28"]), "3.4.28", "direct dlopen"):
        assert fact in error["message"]
    assert any("run your_script.py" in text for text in error["remedies"])
    assert any("activate" in text for text in error["remedies"])
    assert not any("conda" in text or "LD_" in text for text in error["remedies"])
    assert reply.count(LIBSTDCXX) == 1


def test_the_message_names_the_module_and_the_distribution_that_loaded_the_old_copy(
    run_state: Callable[..., Any], old_package: Path, foreign: dict[str, Path], python: str
) -> None:
    reply = run_state(
        [
            ["path", str(old_package)],
            ["preimport", "oldpkg"],
            ["import"],
            ["require", {"glibcxx": "3.4.30", "who": "demo"}],
        ],
        python=python,
    )
    error = reply.results[3]
    assert error["rule"] == "CXXRT-L002"
    assert "oldpkg/native.so" in error["message"]
    assert "import of 'oldpkg'" in error["message"]
    assert "from oldpkg 2.0" in error["message"]
    assert "'import cxx11_cuda_runtime' before 'import oldpkg'" in error["remedies"]


def test_more_than_any_copy_has_is_refused_with_the_only_remedy_that_helps(
    run_state: Callable[..., Any], python: str
) -> None:
    reply = run_state(
        [["import"], ["require", {"glibcxx": "3.4.99", "who": "demo"}]], python=python
    )
    error = reply.results[1]
    assert error["rule"] == "CXXRT-L002"
    assert "loaded by this package" in error["message"]
    assert len(error["remedies"]) == 1
    assert "pip install -U cxx11-cuda-runtime" in error["remedies"][0]


@pytest.mark.parametrize("text", ["3.4", "4.4.30", "3.4.x", "30", "", "3.4.30.1"])
def test_a_version_that_is_spelt_wrong_is_a_value_error(
    run_state: Callable[..., Any], text: str
) -> None:
    reply = run_state([["import"], ["require", {"glibcxx": text}]])
    assert reply.results[1]["error"] == "ValueError"


def test_the_process_without_an_import_finds_what_needs_the_new_version_broken(
    run_state: Callable[..., Any], probes: dict[str, Path], foreign: dict[str, Path]
) -> None:
    reply = run_state([["dlopen", str(foreign["28"])], ["dlopen", str(probes["new"])]])
    assert "GLIBCXX_3.4.30' not found" in reply.results[1]["message"]
