"""The part that is shipped into other interpreters."""

from __future__ import annotations

import ast
from collections import namedtuple
from pathlib import Path

import pytest

import cxxrt_toolchain.host
from cxxrt_toolchain.host.expansion import expand

ROW = ("cxxrt1", False, (2, 17), frozenset({"x86_64"}))
PACKAGE = Path(cxxrt_toolchain.host.__file__).parents[1]
STANDALONE = [
    "host/expansion.py",
    "host/environment_child.py",
    "host/driver_child.py",
    "installer/pip_hook.py",
]
OtherTag = namedtuple("OtherTag", "interpreter abi platform")  # noqa: PYI024 - of another library


@pytest.mark.parametrize("name", STANDALONE)
def test_what_runs_in_another_interpreter_imports_nothing_of_ours(name: str) -> None:
    tree = ast.parse((PACKAGE / name).read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in imported if module.startswith("cxxrt")}


@pytest.mark.parametrize("name", STANDALONE)
def test_what_runs_in_another_interpreter_is_of_an_old_python(name: str) -> None:
    oldest = (3, 4) if name == "host/environment_child.py" else (3, 7)
    ast.parse((PACKAGE / name).read_text(), feature_version=oldest)


def test_any_class_of_tags_is_expanded_into_its_own_kind() -> None:
    base = [OtherTag("cp37", "cp37m", "manylinux_2_17_x86_64")]
    assert expand(base, [ROW]) == [OtherTag("cp37", "cxxrt1_cp37m", "manylinux_2_17_x86_64"), *base]


def test_nothing_to_add_leaves_the_list_alone() -> None:
    base = [OtherTag("py3", "none", "any")]
    assert expand(base, [ROW]) == base
    assert expand(base, []) == base
    assert expand([], [ROW]) == []


@pytest.mark.parametrize(
    "platform",
    ["manylinux_2_16_x86_64", "manylinux_1_99_x86_64", "manylinux_2_17_x86", "manylinux_2_17_"],
)
def test_a_platform_below_the_floor_or_of_another_architecture_is_left_alone(platform: str) -> None:
    base = [OtherTag("cp312", "cp312", platform)]
    assert expand(base, [ROW]) == base
