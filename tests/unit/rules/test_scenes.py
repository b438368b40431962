"""The doctor imports only the rules that look at what it looks at, and all of those."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.rules import scenes
from cxxrt_toolchain.rules.every import CATALOGUE


@pytest.mark.parametrize("scene", [EnvironmentFacts, ProcessView])
def test_every_rule_about_it_is_declared_without_those_about_wheels(scene: type) -> None:
    declaring = {each.__name__ for each in scenes.DECLARING}
    checks = [
        each.check
        for entry in CATALOGUE.values()
        for each in (entry, *entry.also)
        if scene in each.on
    ]
    assert checks
    assert {each.__module__ for each in checks} <= declaring
