from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cxx11_cuda_runtime._diagnosis import LoadedLibrary, LoadedObject, ProcessFacts, judge
from cxx11_cuda_runtime._doctor.text import as_json, as_text

OURS = LoadedObject(path="/site/rt/lib/libstdc++.so.6", soname="libstdc++.so.6")
PROGRAM = LoadedObject(path="/bin/python", soname="")
MODULE = LoadedObject(
    path="/site/old/ext.so", soname="", needed=("libstdc++.so.6",), distribution="old 1.0"
)
FOREIGN = LoadedObject(path="/opt/lib/libstdc++.so.6", soname="libstdc++.so.6")
FACTS = ProcessFacts(
    state="vendored",
    version="1.14.0",
    python="3.12.1 /bin/python",
    glibc="glibc 2.36",
    objects=(PROGRAM, OURS),
    libraries=(LoadedLibrary("libstdc++.so.6", OURS.path, "vendored", "3.4.33"),),
    package="/site/rt",
    vendored_glibcxx=33,
    full_doctor="cxxrt doctor --pid 1",
)
OLDER = replace(
    FACTS,
    state="already-loaded",
    objects=(PROGRAM, MODULE, FOREIGN),
    libraries=(LoadedLibrary("libstdc++.so.6", FOREIGN.path, "already-loaded", "3.4.28"),),
    remedies=("do this",),
)


def rules(facts: ProcessFacts) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in judge(facts).findings]


def test_the_wheels_own_copy_is_healthy() -> None:
    assert rules(FACTS) == []
    assert judge(FACTS).healthy


def test_an_older_libstdcxx_is_a_note_with_who_brought_it_and_the_remedies() -> None:
    diagnosis = judge(OLDER)
    (finding,) = diagnosis.findings
    assert (finding.rule, finding.severity) == ("CXXRT-L104", "note")
    assert finding.message == (
        "The process's libstdc++ is /opt/lib/libstdc++.so.6 (GLIBCXX_3.4.28), needed by "
        "/site/old/ext.so of old 1.0; the installed runtime has GLIBCXX_3.4.33"
    )
    assert finding.remedies == ("do this",)
    assert diagnosis.healthy


def test_a_newer_libstdcxx_needs_no_remedy() -> None:
    (finding,) = judge(replace(OLDER, vendored_glibcxx=21)).findings
    assert "installed runtime" not in finding.message
    assert finding.remedies == ()


def test_what_two_copies_do_to_each_other_is_left_to_the_full_doctor() -> None:
    both = replace(OLDER, objects=(PROGRAM, MODULE, FOREIGN, OURS))
    assert rules(both) == []
    names = ("libgomp.so.1", "libiomp5.so", "libgcc_s.so.1", "libcudart.so.12")
    pairs = tuple(
        LoadedObject(path=f"/{folder}/{name}", soname=name) for name in names for folder in "ab"
    )
    assert rules(replace(FACTS, objects=pairs)) == []


def test_a_version_that_is_not_known_is_no_finding() -> None:
    unknown = (LoadedLibrary("libstdc++.so.6", FOREIGN.path, "already-loaded", ""),)
    assert rules(replace(OLDER, libraries=unknown)) == []


def test_a_replaced_library_asks_for_a_restart_and_another_file_does_not_matter() -> None:
    gone = replace(OURS, deleted=True)
    other = LoadedObject(path="/x/ext.so", soname="ext.so", deleted=True)
    assert rules(replace(FACTS, objects=(gone, other))) == [("CXXRT-L109", "warning")]


@pytest.mark.parametrize(
    ("path", "is_runtime"),
    [
        ("/x/libgomp-e985bcbb.so.1.0.0", True),
        ("/x/libcudart.so.12", True),
        ("/x/libomp.so", True),
        ("/x/libompx.so", False),
        ("/x/libgomp.so.1/ext.so", False),
        ("", False),
    ],
)
def test_a_runtime_is_known_by_its_name(path: str, is_runtime: bool) -> None:
    assert LoadedObject(path=path, soname="").is_runtime is is_runtime


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("disabled", [("CXXRT-L107", "note")]),
        ("unsupported", [("CXXRT-L107", "note")]),
        ("unbuilt", [("CXXRT-L007", "error")]),
    ],
)
def test_a_state_in_which_nothing_is_done_is_said(
    state: str, expected: list[tuple[str, str]]
) -> None:
    assert rules(replace(FACTS, state=state, objects=())) == expected


def test_a_damaged_file_is_an_error() -> None:
    facts = replace(FACTS, damaged=("/site/lib/libgomp.so.1 (other content)",))
    assert rules(facts) == [("CXXRT-L108", "error")]


def test_the_text_has_every_copy_finding_and_remedy_and_the_full_doctor() -> None:
    second = LoadedObject(path="/p.libs/libgomp-1a.so.1", soname="libgomp-1a.so.1")
    facts = replace(
        OLDER,
        objects=(*OLDER.objects, replace(second, distribution="p 2.0")),
        environment=(("LD_LIBRARY_PATH", "/opt"),),
        damaged=("/site/rt/lib/libgomp.so.1 (other content)",),
    )
    text = as_text(judge(facts)).splitlines()
    assert text[0] == "cxx11-cuda-runtime 1.14.0, already-loaded"
    assert "  LD_LIBRARY_PATH=/opt" in text
    assert [line for line in text if second.path in line] == [
        "  libgomp-1a.so.1  -       another         /p.libs/libgomp-1a.so.1 (p 2.0)"
    ]
    assert "    - do this" in text
    assert any(line.startswith("error: [CXXRT-L108]") for line in text)
    assert text[-2].endswith(": cxxrt doctor --pid 1")
    assert text[-1] == "not healthy"


def test_the_document_has_the_same_facts() -> None:
    document = json.loads(as_json(judge(FACTS)))
    assert document["healthy"] is True
    assert document["process"]["state"] == "vendored"
    assert document["libraries"][0]["path"] == OURS.path
    assert document["full_doctor"] == "cxxrt doctor --pid 1"
