"""The catalogue's text and its declarations say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from cxxrt_toolchain.report.catalogue import load_catalogue, load_mechanisms
from cxxrt_toolchain.report.page.findings import rendered
from cxxrt_toolchain.rules.every import CATALOGUE

SCHEMAS = Path(__file__).parents[3] / "abi-tag-spec" / "cxxrt_abi_tag_spec" / "schemas"


def test_every_declared_rule_has_an_entry_with_its_title_and_every_entry_a_rule() -> None:
    entries = {each.rule: each.title for each in load_catalogue().values()}
    assert entries == {rule.id: rule.title for rule in CATALOGUE.values()}


def test_an_entry_names_the_ids_that_were_merged_into_it() -> None:
    for rule in CATALOGUE.values():
        text = load_catalogue()[rule.id].text
        named = re.findall(r"^Earlier ids: (.+)\.$", text, re.MULTILINE)
        assert ", ".join(named) == ", ".join(rule.aliases), rule.id


@pytest.mark.parametrize("name", ["verdict", "doctor", "plan"])
def test_the_schemas_accept_the_id_of_every_rule(name: str) -> None:
    text = (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    patterns = set(re.findall(r'"pattern": ("\^CXXRT.*?")', text))
    assert patterns
    for pattern in map(json.loads, patterns):
        assert [rule for rule in CATALOGUE if re.search(pattern, rule) is None] == []


def test_the_mechanisms_have_a_sentence_each() -> None:
    found = load_mechanisms()
    assert list(found) == ["M1", "M2", "M3", "M4"]
    assert found["M2"].startswith("duplicated runtime: two copies of libstdc++")
    assert found["M2"].endswith("numbers.")


@pytest.mark.parametrize("rule", sorted(load_catalogue()))
def test_a_reader_of_all_of_markdown_makes_the_same_page_of_an_entry(rule: str) -> None:
    entry = load_catalogue()[rule]
    theirs = MarkdownIt("js-default").render(entry.text).replace("&quot;", '"')
    assert rendered(entry).text.split() == theirs.split()
