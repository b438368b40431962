"""What ``doctor --json`` prints is what its schema promises."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema

from cxx11_cuda_runtime._diagnosis import LoadedLibrary, LoadedObject, ProcessFacts, judge
from cxx11_cuda_runtime._doctor.text import as_json

_OLD = "/opt/lib/libstdc++.so.6"


def _schema() -> dict[str, object]:
    file = files("cxxrt_abi_tag_spec").joinpath("schemas/diagnosis.schema.json")
    schema: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def test_a_diagnosis_with_every_kind_of_part_fits_the_schema() -> None:
    facts = ProcessFacts(
        state="already-loaded",
        version="1.14.0",
        python="3.12.1 /usr/bin/python3",
        glibc="glibc 2.36",
        objects=(
            LoadedObject(path=_OLD, soname="libstdc++.so.6", needed=("libm.so.6",)),
            LoadedObject(path="/x/libgomp-1a2b.so.1", soname="libgomp-1a2b.so.1", deleted=True),
        ),
        libraries=(LoadedLibrary("libstdc++.so.6", _OLD, "already-loaded", "3.4.28"),),
        vendored_glibcxx=33,
        remedies=("unset LD_LIBRARY_PATH",),
        environment=(("LD_LIBRARY_PATH", "/opt/lib"),),
        full_doctor="cxxrt doctor --pid 1",
    )
    document = json.loads(as_json(judge(facts)))
    jsonschema.validate(document, _schema())
    assert [finding["rule"] for finding in document["findings"]] == ["CXXRT-L104", "CXXRT-L109"]


def test_the_schema_refuses_a_key_that_it_does_not_know() -> None:
    document = {"schema": 2, "healthy": True, "extra": 1}
    assert not jsonschema.Draft202012Validator(_schema()).is_valid(document)
