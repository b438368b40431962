"""The symbol tables: what must hold of any future row, and how broken files are refused."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import jsonschema
import pytest
from packaging.version import Version

from cxxrt_toolchain.abi.symbols import (
    SymbolTableError,
    load_symbol_tables,
    read_cudart,
    read_releases,
    read_versions,
)

TABLES = load_symbol_tables()


def nodes(soname: str, namespace: str) -> dict[Version, Version]:
    """Version node to GCC release, ascending by node."""
    found = {
        Version(node.removeprefix(f"{namespace}_")): release
        for node, release in TABLES.versions[soname].items()
        if re.fullmatch(rf"{namespace}_\d+(\.\d+)*", node)
    }
    return dict(sorted(found.items()))


@pytest.mark.parametrize(
    ("soname", "namespace"),
    [
        ("libstdc++.so.6", "GLIBCXX"),
        ("libstdc++.so.6", "CXXABI"),
        ("libgcc_s.so.1", "GCC"),
        ("libgomp.so.1", "GOMP"),
        ("libgomp.so.1", "OMP"),
        ("libatomic.so.1", "LIBATOMIC"),
        ("libquadmath.so.0", "QUADMATH"),
        ("libgfortran.so.5", "GFORTRAN"),
    ],
)
def test_a_higher_node_never_comes_from_an_older_gcc(soname: str, namespace: str) -> None:
    releases = list(nodes(soname, namespace).values())
    assert len(releases) >= 3
    assert releases == sorted(releases)


def test_glibcxx_has_no_gap() -> None:
    micro = [node.micro for node in nodes("libstdc++.so.6", "GLIBCXX")]
    assert micro == list(range(len(micro)))


def test_libgcc_nodes_are_named_after_their_gcc() -> None:
    """The node's own name has the release since GCC 3.0, so it is a second source."""
    for node, release in nodes("libgcc_s.so.1", "GCC").items():
        assert node.release[:1] == release.release[:1], node


def test_each_libcudart_major_is_named_by_its_soname_and_only_grows() -> None:
    assert set(TABLES.cudart) == {12, 13}
    for major, table in TABLES.cudart.items():
        assert table.soname == f"libcudart.so.{major}"
        assert table.releases == tuple(sorted(table.releases))
        assert {release.major for release in table.releases} == {major}
        assert set(table.first_seen.values()) <= set(table.releases)
        assert len(table.first_seen) > 400


def test_facts_that_research_found_by_other_means_stand_in_the_tables() -> None:
    assert TABLES.cudart[12].first_seen["cudaEventElapsedTime_v2"] == Version("12.8")
    assert TABLES.cudart[12].first_seen["cudaMalloc"] == Version("12.0")
    assert TABLES.versions["libstdc++.so.6"]["GLIBCXX_3.4.30"] == Version("12.1.0")


def test_every_symbol_name_is_a_c_identifier() -> None:
    for table in TABLES.cudart.values():
        assert all(re.fullmatch(r"[A-Za-z_]\w*", symbol) for symbol in table.first_seen)


def test_a_symbol_is_listed_in_one_release_only() -> None:
    for major in TABLES.cudart:
        text = (files("cxxrt_abi_tag_spec") / "symbols" / f"cudart{major}.json").read_bytes()
        listed = [each for row in json.loads(text)["releases"].values() for each in row]
        assert len(listed) == len(set(listed))


def test_a_release_vendors_the_gcc_of_its_own_number() -> None:
    for release in TABLES.releases:
        assert release.version.minor == release.gcc.major
        for major, version in release.cudart.items():
            assert version.major == major
            assert major in TABLES.cudart
            first, last = TABLES.cudart[major].releases[0], TABLES.cudart[major].releases[-1]
            assert first <= version < Version(f"{last.major}.{last.minor + 1}")


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("symbols/gcc-runtime.json", "gcc-symbols"),
        ("symbols/cudart12.json", "cudart-symbols"),
        ("symbols/cudart13.json", "cudart-symbols"),
        ("releases.json", "releases"),
    ],
)
def test_every_table_fits_its_schema(file: str, schema: str) -> None:
    data = files("cxxrt_abi_tag_spec")
    rules = json.loads((data / "schemas" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    document = json.loads((data / file).read_text(encoding="utf-8"))
    jsonschema.validate(document, rules, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "symbols/gcc-runtime.json: not a JSON document"),
        (b"\xff", "symbols/gcc-runtime.json: not a JSON document"),
        (b"{}", "symbols/gcc-runtime.json: schema is missing"),
        (b'{"schema": 9}', "symbols/gcc-runtime.json: schema: 9 is not 1"),
        (b'{"schema": 1, "libraries": {"a": {"A_1": "x"}}}', "libraries.a.A_1: Invalid version"),
    ],
)
def test_a_broken_version_table_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(SymbolTableError, match=re.escape(message)):
        read_versions(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema": 1, "releases": {"x": []}}', "symbols/cudart12.json: releases.x: Invalid"),
        (b'{"schema": 1, "releases": {"12.0": [1]}}', "releases.12.0[0] must be a string"),
        (b'{"schema": 1, "releases": {}, "soname": "s", "major": 0}', "major must be an integer"),
    ],
)
def test_a_broken_libcudart_table_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(SymbolTableError, match=re.escape(message)):
        read_cudart("cudart12.json", content)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"gcc": "14.2.0", "cudart": {}}, "releases[0].version is missing"),
        (
            {"version": "1.14.0", "gcc": "14.2.0", "cudart": {"x": "1"}},
            "releases[0].cudart.x must be a string that matches",
        ),
    ],
)
def test_a_broken_list_of_releases_is_refused(row: dict[str, object], message: str) -> None:
    content = json.dumps({"schema": 1, "releases": [row]}).encode()
    with pytest.raises(SymbolTableError, match=re.escape(f"releases.json: {message}")):
        read_releases(content)
