"""How ``cxxrt pip`` reads its arguments, and what it tells the hook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.host.supported import Host, supported_runtimes
from cxxrt_toolchain.installer.run import hook_question, split_python_option


@pytest.mark.parametrize(
    ("arguments", "python", "rest"),
    [
        ([], None, []),
        (["install", "foo"], None, ["install", "foo"]),
        (["--python", "x", "install", "foo"], "x", ["install", "foo"]),
        (["--python=x", "-q", "list"], "x", ["-q", "list"]),
        (["-q", "--python", "x", "list"], "x", ["-q", "list"]),
        (["--python", "x", "--python", "y", "list"], "y", ["list"]),
        (
            ["download", "--python-version", "3.10", "foo"],
            None,
            ["download", "--python-version", "3.10", "foo"],
        ),
        (["install", "--", "--python", "x"], None, ["install", "--", "--python", "x"]),
    ],
)
def test_the_python_option_is_ours_and_the_rest_is_pips(
    arguments: list[str], python: str | None, rest: list[str]
) -> None:
    assert split_python_option(arguments) == (python, rest)


@pytest.mark.parametrize("arguments", [["--python"], ["install", "--python"], ["--python", ""]])
def test_the_python_option_needs_a_value(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="--python needs the path"):
        split_python_option(arguments)


def test_the_hook_is_told_the_order_and_where_the_expansion_is() -> None:
    question = json.loads(
        hook_question(supported_runtimes(Host(driver=12), load_spec()), pip=None, home=None)
    )
    assert [row[:2] for row in question["runtimes"]] == [
        ["cxxrt1_cu12", False],
        ["cxxrt1", False],
        ["cxxrt1_cu13", True],
    ]
    assert question["runtimes"][0][2:] == [[2, 17], ["aarch64", "x86_64"]]
    assert Path(question["expansion"]).is_file()
    assert question["pip"] is None
