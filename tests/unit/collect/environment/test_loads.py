"""Which files an interpreter imports as extension modules, by their names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from environment_case import binary
from installed_packages import interpreter

from cxxrt_toolchain.collect.environment.loads import is_importable

_ANY = {"3.7", "3.12", "3.13t", "3.14t", "3.15", "3.15t"}


@pytest.mark.parametrize(
    ("name", "pythons"),
    [
        ("core.so", _ANY),
        ("core.cpython-37m-x86_64-linux-gnu.so", {"3.7"}),
        ("core.cpython-312-x86_64-linux-gnu.so", {"3.12"}),
        ("core.cpython-313t-x86_64-linux-gnu.so", {"3.13t"}),
        ("core.cpython-313-x86_64-linux-gnu.so", set()),
        ("core.cpython-315t-x86_64-linux-musl.so", set()),
        ("core.abi3.so", _ANY - {"3.15t"}),
        ("core.abi3t.so", {"3.15", "3.15t"}),
        ("libcore.so.1", set()),
    ],
)
def test_a_module_belongs_to_the_interpreters_that_look_for_its_name(
    name: str, pythons: set[str]
) -> None:
    module = replace(binary(f"ops/{name}"), is_module=True)
    found = {
        python
        for python in _ANY
        if is_importable(
            module,
            replace(
                interpreter(), python=f"{python.rstrip('t')}.1", free_threaded=python.endswith("t")
            ),
        )
    }
    assert found == pythons
