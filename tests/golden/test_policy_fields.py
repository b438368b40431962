"""Every field of the policies decides something: nonsense in it changes a verdict."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import golden_case
import pytest

from cxxrt_toolchain.abi import platforms, spec
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.report.documents import verdict_document
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cxxrt_toolchain.facts.wheel import WheelReport

DATA = files("cxxrt_abi_tag_spec")
POLICIES = sorted(entry.name for entry in (DATA / "policies").iterdir())
NONSENSE: dict[str, Any] = {
    "schema": 2,
    "name": "cxxrt7",
    "ceiling": "9.9",
    "symbol_versions": {"x86_64": {"GLIBCXX": ["9.9"]}},
    "lib_whitelist": [],
    "lib_since": {"libz.so.1": "9.9"},
    "blacklist": {"libc.so.6": ["inflate_table"]},
    "runtime_libraries": [],
    "forbidden_members": [],
    "forbidden_definitions": [],
    "cxx11_abi": False,
}
PLATFORM_NONSENSE: dict[str, Any] = {
    "schema": 2,
    "libraries": [],
    "since": {"libz.so.1": "9.9"},
    "loaders": [],
    "namespaces": [],
    "architectures": [],
    "named": {},
    "private": [],
    "platforms": [
        {"glibc": "2.1", **dict.fromkeys(("CXXABI", "GCC", "GLIBCXX", "LIBATOMIC", "ZLIB"), "9")}
    ],
}
"""Without ``source``, which is for people."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[WheelReport]:
    """The facts of the golden cases' wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    found = []
    for place in sorted(golden_case.CASES.glob("*/case.toml")):
        path = golden_case.write_wheel_of(golden_case.load_case(place.parent), folder)
        with Wheel.open(path) as wheel:
            found.append(collect(wheel, record=False))
        path.unlink()
    return found


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """The platforms' file is read once per process; not so here."""
    yield
    _forget()


def _forget() -> None:
    for each in (platforms._document, platforms._aliases, platforms.promise_of):
        each.cache_clear()
    spec.watched_symbols.cache_clear()


def _verdicts(reports: list[WheelReport], tag: str | None) -> list[dict[str, Any]] | str:
    tables = load_symbol_tables()
    try:
        return [verdict_document(judge(each, tag=tag, tables=tables)) for each in reports]
    except InputError as error:
        return str(error)


def _with(name: str, field: str, value: object) -> Callable[[str], dict[str, Any]]:
    def read(asked: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((DATA / asked).read_text(encoding="utf-8"))
        return {**document, field: value} if asked == name else document

    return read


@pytest.mark.parametrize("field", NONSENSE)
@pytest.mark.parametrize("file", POLICIES)
def test_nonsense_in_a_field_of_a_policy_changes_a_verdict(
    reports: list[WheelReport], file: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = file.removesuffix(".json")
    right = _verdicts(reports, tag)
    monkeypatch.setattr(spec, "read_data", _with(f"policies/{file}", field, NONSENSE[field]))
    assert _verdicts(reports, tag) != right


@pytest.mark.parametrize("field", PLATFORM_NONSENSE)
def test_nonsense_in_a_field_of_the_platforms_changes_a_verdict(
    reports: list[WheelReport], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = (None, "manylinux_2_28_x86_64", "manylinux_2_34_aarch64")
    right = [_verdicts(reports, tag) for tag in tags]
    _forget()
    changed = _with("manylinux.json", field, PLATFORM_NONSENSE[field])
    monkeypatch.setattr(platforms, "read_data", changed)
    assert [_verdicts(reports, tag) for tag in tags] != right


@pytest.mark.parametrize("file", POLICIES)
def test_the_list_of_fields_is_complete(file: str) -> None:
    assert json.loads((DATA / "policies" / file).read_text()).keys() == NONSENSE.keys()
    document = json.loads((DATA / "manylinux.json").read_text())
    assert document.keys() - {"source"} == PLATFORM_NONSENSE.keys()


def test_a_symbol_that_only_a_policy_forbids_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = golden_case.load_case(golden_case.CASES / "P9-tagged")
    blacklist = {"libz.so.1": ["adler32"]}
    case["elf"][0]["undefined"] = ["adler32"]
    path = golden_case.write_wheel_of(case, tmp_path)
    changed = _with("policies/cxxrt1.json", "blacklist", blacklist)
    monkeypatch.setattr(spec, "read_data", changed)
    _forget()
    with Wheel.open(path) as wheel:
        verdict = judge(collect(wheel))
    assert [(found.rule, found.symbol) for found in verdict.findings] == [("CXXRT-P9", "adler32")]
