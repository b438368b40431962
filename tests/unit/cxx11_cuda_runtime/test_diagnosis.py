from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cxx11_cuda_runtime._diagnosis import LoadedObject, ProcessFacts, judge
from cxx11_cuda_runtime._doctor.text import as_json, as_text
from cxx11_cuda_runtime._values import LoadedLibrary

OURS = LoadedObject(
    path="/site/lib/libstdc++.so.6", soname="libstdc++.so.6", exports_libstdcxx=True
)
PROGRAM = LoadedObject(path="/bin/python", soname="")
MANGLED = LoadedObject(
    path="/p.libs/libstdc++-ab12.so.6", soname="libstdc++-ab12.so.6", exports_libstdcxx=True
)
STATIC = LoadedObject(path="/p/ext.so", soname="", exports_libstdcxx=True)
FACTS = ProcessFacts(
    state="vendored",
    version="1.14.0",
    python="3.12.1 /bin/python",
    glibc="glibc 2.36",
    objects=(PROGRAM, OURS),
    libraries=(LoadedLibrary("libstdc++.so.6", OURS.path, "vendored", "3.4.33"),),
    vendored_glibcxx=33,
    loaded_glibcxx=33,
)


def rules(facts: ProcessFacts) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in judge(facts).findings]


def test_one_shared_copy_is_healthy() -> None:
    assert rules(FACTS) == []
    assert judge(FACTS).healthy


@pytest.mark.parametrize(("other", "rule"), [(MANGLED, "CXXRT-L101"), (STATIC, "CXXRT-L103")])
def test_a_private_copy_is_an_error_before_the_shared_one_and_a_note_after_it(
    other: LoadedObject, rule: str
) -> None:
    assert rules(replace(FACTS, objects=(PROGRAM, other, OURS))) == [(rule, "error")]
    after = replace(FACTS, objects=(PROGRAM, OURS, other))
    assert rules(after) == [(rule, "note")]
    assert judge(after).healthy


@pytest.mark.parametrize("soname", ["libstdc++.so.6", "libgcc_s.so.1", "libcudart.so.12"])
def test_two_files_with_one_soname_are_an_error(soname: str) -> None:
    pair = tuple(LoadedObject(path=f"/{folder}/{soname}", soname=soname) for folder in "ab")
    found = judge(replace(FACTS, objects=pair)).findings
    assert [(each.rule, each.subject) for each in found] == [("CXXRT-L102", soname)]
    assert "/a/" in found[0].message
    assert "/b/" in found[0].message


def test_a_libcudart_that_nobody_is_bound_to_is_a_note() -> None:
    paths = ("/nv/libcudart.so.13", "/tv/libcudart.1a.so.13", "/x/libcudart.so.13")
    objects = tuple(LoadedObject(path=path, soname="libcudart.so.13") for path in paths)
    facts = replace(FACTS, objects=objects[:2], idle=paths[1:2])
    (found,) = judge(facts).findings
    assert (found.rule, found.severity) == ("CXXRT-L102", "note")
    assert found.message.startswith("/tv/libcudart.1a.so.13 is another copy of libcudart.so.13")
    assert "because /nv/libcudart.so.13 came first" in found.message
    assert judge(facts).healthy
    third = judge(replace(facts, objects=objects)).findings
    assert [each.severity for each in third] == ["note", "error"]
    assert "/tv/" not in third[1].message


def test_two_majors_of_libcudart_are_fine() -> None:
    pair = tuple(LoadedObject(path=f"/{n}", soname=f"libcudart.so.{n}") for n in (12, 13))
    assert rules(replace(FACTS, objects=pair)) == []


def test_an_older_copy_is_a_warning_with_its_culprit_and_the_remedies() -> None:
    facts = replace(FACTS, loaded_glibcxx=28, culprit="LD_PRELOAD", remedies=("do this",))
    (finding,) = judge(facts).findings
    assert (finding.rule, finding.severity) == ("CXXRT-L104", "warning")
    assert "LD_PRELOAD" in finding.message
    assert finding.remedies == ("do this",)


def test_a_newer_or_unknown_copy_is_no_finding() -> None:
    assert rules(replace(FACTS, loaded_glibcxx=36)) == []
    assert rules(replace(FACTS, loaded_glibcxx=0)) == []


def test_two_openmp_runtimes_are_a_warning() -> None:
    names = ("libgomp.so.1", "libiomp5.so")
    pair = tuple(LoadedObject(path=f"/x/{name}", soname=name) for name in names)
    assert rules(replace(FACTS, objects=pair)) == [("CXXRT-L105", "warning")]


def test_a_replaced_library_asks_for_a_restart_and_another_file_does_not_matter() -> None:
    gone = replace(OURS, deleted=True)
    other = LoadedObject(path="/x/ext.so", soname="ext.so", deleted=True)
    assert rules(replace(FACTS, objects=(gone, other))) == [("CXXRT-L109", "warning")]


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


def test_the_text_has_every_library_finding_and_remedy() -> None:
    facts = replace(
        FACTS,
        objects=(PROGRAM, MANGLED, OURS),
        environment=(("LD_LIBRARY_PATH", "/opt"),),
    )
    diagnosis = judge(facts)
    text = as_text(diagnosis)
    for part in ("1.14.0", "LD_LIBRARY_PATH=/opt", OURS.path, "[CXXRT-L101]", "not healthy"):
        assert part in text
    for remedy in diagnosis.findings[0].remedies:
        assert remedy in text


def test_the_document_has_the_same_facts() -> None:
    document = json.loads(as_json(judge(FACTS)))
    assert document["healthy"] is True
    assert document["process"]["state"] == "vendored"
    assert document["libraries"][0]["path"] == OURS.path
    assert set(document) == {"schema", "healthy", "process", "libraries", "objects", "findings"}
