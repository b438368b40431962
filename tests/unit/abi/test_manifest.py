"""The runtime manifest: every key that can be wrong, and JSON there and back."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from cxxrt_toolchain.abi.manifest import (
    Component,
    CudaRuntime,
    Library,
    ManifestError,
    Marker,
    RuntimeManifest,
)

LIBGCC = Library(
    soname="libgcc_s.so.1",
    path="lib/libgcc_s.so.1",
    component="gcc-runtime",
    sha256="0" * 64,
    size=186616,
    needed=("libc.so.6",),
    glibc_floor="2.14",
    versions=(("GCC", "14.0.0"),),
    markers=(),
)
LIBSTDCXX = Library(
    soname="libstdc++.so.6",
    path="lib/libstdc++.so.6",
    component="gcc-runtime",
    sha256="1" * 64,
    size=2496992,
    needed=("libm.so.6", "libc.so.6", "libgcc_s.so.1"),
    glibc_floor="2.17",
    versions=(("CXXABI", "1.3.15"), ("GLIBCXX", "3.4.33")),
    markers=(Marker(version="3.4.33", symbol="_Zb"), Marker(version="3.4.9", symbol="_Za")),
)
MANIFEST = RuntimeManifest(
    name="cxx11-cuda-runtime",
    version="1.14.0",
    epoch=1,
    arch="x86_64",
    glibc_floor="2.17",
    components=(
        Component(
            name="gcc-runtime",
            version="14.2.0",
            license="GPL-3.0-or-later WITH GCC-exception-3.1",
            license_files=("gcc-runtime/COPYING3",),
            libraries=("libgcc_s.so.1", "libstdc++.so.6"),
        ),
    ),
    libraries=(LIBGCC, LIBSTDCXX),
    cudart=(
        (
            "12",
            CudaRuntime(
                soname="libcudart.so.12",
                version="12.9.79",
                first_seen=(("cudaEventElapsedTime_v2", "12.8"),),
                requirement="nvidia-cuda-runtime-cu12>=12.9.79,<13",
            ),
        ),
    ),
)


def document() -> dict[str, Any]:
    value = json.loads(MANIFEST.to_json())
    assert isinstance(value, dict)
    return value


def test_a_manifest_survives_json_unchanged() -> None:
    assert RuntimeManifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_the_same_value_gives_the_same_text() -> None:
    assert RuntimeManifest.from_json(MANIFEST.to_json()).to_json() == MANIFEST.to_json()


def test_what_is_written_fits_the_schema_and_uses_only_its_keys() -> None:
    schema_file = files("cxxrt_abi_tag_spec") / "schemas" / "runtime-manifest.schema.json"
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document(), schema, jsonschema.Draft202012Validator)
    written = document()
    assert written.keys() == schema["properties"].keys()
    definitions = schema["$defs"]
    assert written["components"][0].keys() == definitions["component"]["properties"].keys()
    assert written["libraries"][0].keys() == definitions["library"]["properties"].keys()
    assert written["cudart"]["12"].keys() == definitions["cudart"]["properties"].keys()


def test_unknown_keys_of_a_later_runtime_are_passed_over() -> None:
    later = document() | {"novelty": 1}
    later["libraries"][0]["novelty"] = {}
    assert RuntimeManifest.from_json(json.dumps(later)) == MANIFEST


def test_library_finds_by_soname() -> None:
    assert MANIFEST.library("libstdc++.so.6") is LIBSTDCXX
    assert MANIFEST.library("libgomp.so.1") is None


def test_highest_compares_versions_and_not_text() -> None:
    assert MANIFEST.highest("GLIBCXX") == "3.4.33"
    assert MANIFEST.highest("GOMP") is None


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 2, "schema: 2 is not 1"),
        (("version",), "one", "version: Invalid version"),
        (("version",), 1, "version must be a string, not 1"),
        (("epoch",), 0, "epoch must be an integer of at least 1"),
        (("epoch",), True, "epoch must be an integer, not true"),
        (("arch",), "../x", "arch must be a string that matches"),
        (("components",), {}, "components must be an array, not {}"),
        (("components", 0, "libraries", 0), "a/b", "components[0].libraries[0] must be"),
        (("libraries", 1, "sha256"), "short", "libraries[1].sha256 must be"),
        (("libraries", 1, "size"), "big", 'libraries[1].size must be an integer, not "big"'),
        (("libraries", 1, "size"), 0, "libraries[1].size must be an integer of at least 1"),
        (("libraries", 1, "path"), "lib/../../x", "libraries[1].path must be"),
        (("libraries", 1, "path"), "/lib/x", "libraries[1].path must be"),
        (("libraries", 1, "versions"), [], "libraries[1].versions must be a table"),
        (("libraries", 1, "markers", 0), ["3.4.33"], "libraries[1].markers[0] must be [version"),
        (("libraries", 1, "component"), "other", "libraries[1].component: no component is named"),
        (("libraries", 1, "soname"), "libgcc_s.so.1", "libgcc_s.so.1 is listed twice"),
        (("cudart", "12", "first_seen"), {"a": 8}, "cudart.12.first_seen.a must be a string"),
        (("cudart",), {"x": {}}, "cudart.x: the key must be a CUDA major"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(
    path: tuple[str | int, ...], value: object, message: str
) -> None:
    wrong: Any = document()
    place = wrong
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ManifestError, match=r"^manifest\.json: ") as caught:
        RuntimeManifest.from_json(json.dumps(wrong))
    assert message in str(caught.value)


@pytest.mark.parametrize("key", list(json.loads(MANIFEST.to_json())))
def test_every_key_of_the_document_is_required(key: str) -> None:
    wrong = document()
    del wrong[key]
    with pytest.raises(ManifestError, match=f"manifest.json: {key} is missing"):
        RuntimeManifest.from_json(json.dumps(wrong))


@pytest.mark.parametrize("key", list(json.loads(MANIFEST.to_json())["libraries"][0]))
def test_every_key_of_a_library_is_required(key: str) -> None:
    wrong = document()
    del wrong["libraries"][0][key]
    with pytest.raises(ManifestError, match=rf"manifest.json: libraries\[0\].{key} is missing"):
        RuntimeManifest.from_json(json.dumps(wrong))


def test_a_libcudart_must_be_vendored_or_required() -> None:
    wrong = document()
    del wrong["cudart"]["12"]["requirement"]
    with pytest.raises(ManifestError, match=r"cudart\.12\.soname: libcudart\.so\.12 is neither"):
        RuntimeManifest.from_json(json.dumps(wrong))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "nul", "[" * 100_000, '{"schema": 1, "schema": 1}']
)
def test_text_that_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json: "):
        RuntimeManifest.from_json(text)


def test_a_long_wrong_value_is_cut_in_the_message() -> None:
    wrong = document() | {"arch": "x" * 10_000 + "/"}
    with pytest.raises(ManifestError) as caught:
        RuntimeManifest.from_json(json.dumps(wrong))
    assert len(str(caught.value)) < 200
