"""The machine-readable specification: schemas, and what must hold between its files."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cxxrt_toolchain.abi.spec import load_policy, load_spec
from cxxrt_toolchain.abi.tag import RuntimeAbi

DATA = files("cxxrt_abi_tag_spec")
SPEC = load_spec()
POLICIES = ("cxxrt1", "cxxrt1_cu12", "cxxrt1_cu13")


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DATA.joinpath(name).read_text(encoding="utf-8"))
    return document


def _validator(name: str) -> Draft202012Validator:
    schema = _read(f"schemas/{name}.schema.json")
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_tags_json_conforms_to_its_schema() -> None:
    _validator("tags").validate(_read("tags.json"))


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_conforms_to_its_schema(name: str) -> None:
    _validator("policy").validate(_read(f"policies/{name}.json"))


@pytest.mark.parametrize(
    ("schema", "file"), [("tags", "tags.json"), ("policy", "policies/cxxrt1.json")]
)
def test_a_missing_and_an_unknown_key_are_refused(schema: str, file: str) -> None:
    document = _read(file)
    for key in document:
        without = {name: value for name, value in document.items() if name != key}
        assert not _validator(schema).is_valid(without), key
    assert not _validator(schema).is_valid({**document, "unheard_of": 1})


def test_every_policy_is_named_by_an_epoch_and_the_reverse() -> None:
    rows = _read("tags.json")["epochs"].values()
    named = [name for row in rows for name in row["policies"]]
    present = [path.name.removesuffix(".json") for path in DATA.joinpath("policies").iterdir()]
    assert sorted(named) == sorted(present) == sorted(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
def test_the_libraries_of_a_policy_are_those_of_its_epoch_and_its_cuda_major(name: str) -> None:
    runtime = RuntimeAbi.parse(name)
    epoch = SPEC.epoch(runtime.epoch)
    assert epoch is not None
    cuda = {row.library for row in SPEC.cuda if row.major == runtime.cuda}
    policy = load_policy(runtime)
    assert policy.runtime_libraries == {row.soname for row in epoch.libraries} | cuda
    assert policy.runtime_libraries <= policy.lib_whitelist
    assert {row.architecture for row in policy.versions} == set(epoch.architectures)


def test_a_policy_with_cuda_allows_the_one_without_and_its_libcudart_only() -> None:
    cpu = load_policy(RuntimeAbi(epoch=1))
    for major in (12, 13):
        cuda = load_policy(RuntimeAbi(epoch=1, cuda=major))
        assert cuda.lib_whitelist - cpu.lib_whitelist == {f"libcudart.so.{major}"}
        assert cuda.versions == cpu.versions


def test_every_library_of_the_runtime_is_forbidden_inside_a_wheel() -> None:
    for name in POLICIES:
        policy = load_policy(RuntimeAbi.parse(name))
        assert all(policy.forbids_member(soname) for soname in policy.runtime_libraries)


def test_every_cuda_major_of_an_epoch_is_described() -> None:
    described = {row.major for row in SPEC.cuda}
    assert all(set(epoch.cuda_majors) <= described for epoch in SPEC.epochs)


def test_a_policy_lists_what_the_symbol_tables_give_up_to_its_ceiling() -> None:
    tables = _read("symbols/gcc-runtime.json")["libraries"].values()
    for name in POLICIES:
        policy = load_policy(RuntimeAbi.parse(name))
        ceiling = int(policy.ceiling.split(".")[1])
        expected = {
            version
            for table in tables
            for version, gcc in table.items()
            if int(gcc.split(".")[0]) <= ceiling
            # plugins are libgomp's own; GLIBC_2.0 is what libgcc took over from it in 1998
            and not version.startswith(("GOMP_PLUGIN_", "GLIBC_"))
        }
        listed = {
            f"{row.namespace}_{version}" for row in policy.versions for version in row.versions
        }
        assert listed == expected


def test_the_symbol_table_and_the_policies_tell_architectures_apart_alike() -> None:
    """V-9."""
    only = _read("symbols/gcc-runtime.json")["architectures"].values()
    listed = {
        node: architectures
        for nodes in only
        for node, architectures in nodes.items()
        if not node.startswith("GLIBC_")
    }
    by_node: dict[str, set[str]] = {}
    for row in load_policy(RuntimeAbi(epoch=1)).versions:
        for version in row.versions:
            by_node.setdefault(f"{row.namespace}_{version}", set()).add(row.architecture)
    assert listed == {node: sorted(found) for node, found in by_node.items() if len(found) < 2}


def test_the_text_gives_the_ceilings_of_the_data_and_marks_what_is_published() -> None:
    document = _read("symbols/gcc-runtime.json")
    text = (Path(__file__).parents[2] / "abi-tag-spec" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\**)(1\.[0-9]+)\** \| (.+) \|$", text, re.MULTILINE)
    published = {r["version"].rpartition(".")[0] for r in _read("releases.json")["releases"]}
    assert {version for stars, version, _ in rows if stars} == published
    assert [version for _, version, _ in rows] == [f"1.{major}" for major in range(5, 17)]
    columns = (("GLIBCXX", ""), ("CXXABI", ""), ("GCC", "x86_64"), ("GCC", "aarch64"), ("GOMP", ""))
    for _, version, cells in rows:
        runtime = int(version.partition(".")[2])
        assert cells.split(" | ") == [_newest(document, *each, runtime) for each in columns]


def _newest(document: dict[str, Any], namespace: str, arch: str, runtime: int) -> str:
    """The newest version of a namespace in the libraries of a GCC (on an architecture)."""
    found = [
        tuple(map(int, node.removeprefix(f"{namespace}_").split(".")))
        for soname, nodes in document["libraries"].items()
        for node, gcc in nodes.items()
        if re.fullmatch(rf"{namespace}_[0-9.]+", node)
        and int(gcc.split(".")[0]) <= runtime
        and arch in {"", *document["architectures"].get(soname, {}).get(node, [arch])}
    ]
    return ".".join(map(str, max(found)))


def test_an_architecture_lacks_only_what_its_libraries_never_had() -> None:
    by_arch: dict[str, set[str]] = {}
    for row in load_policy(RuntimeAbi(epoch=1)).versions:
        found = by_arch.setdefault(row.architecture, set())
        found |= {f"{row.namespace}_{version}" for version in row.versions}
    namespaces = {"GCC", "QUADMATH"}
    only_one = by_arch["x86_64"] ^ by_arch["aarch64"]
    assert {text for text in only_one if text.split("_")[0] not in namespaces} == {
        "CXXABI_FLOAT128"
    }
