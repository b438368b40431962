"""The texts of ``.dist-info``: read strictly, edited without touching anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.metadata import parse_email
from packaging.tags import Tag

from cxxrt_toolchain.wheel.fields import tidy_values
from cxxrt_toolchain.wheel.metadata import CoreMetadata, MetadataError, WheelFile
from cxxrt_toolchain.wheel.record import RecordRow, format_record, parse_record

_WHEEL = """Wheel-Version: 1.0
Generator: bdist_wheel (0.45)
Root-Is-Purelib: false
Tag: cp312-cp312-manylinux_2_17_x86_64
Tag: cp312-cp312-manylinux2014_x86_64
Build: 3
Delocated-By: someone
"""
_METADATA = (
    b"Metadata-Version: 2.4\r\n"
    b"Name: Demo.Pkg\r\n"
    b"Version: 1.0\r\n"
    b"X-Unknown:  kept   as is \r\n"
    b"Requires-Dist: numpy>=1.2 ;\r\n"
    b"\tpython_version >= '3.9'\r\n"
    b"Requires-Dist: cxx11_cuda.runtime>=1.9\r\n"
    b"License: first\r\n        second \xc3\xa4\r\n"
    b"\r\n"
    b"# Demo\r\n\r\nRequires-Dist: not-a-field\n"
)


def test_wheel_reads_and_writes_the_same_text() -> None:
    parsed = WheelFile.parse(_WHEEL)
    assert not parsed.root_is_purelib
    assert parsed.build == "3"
    assert parsed.other == (("Delocated-By", "someone"),)
    assert Tag("cp312", "cp312", "manylinux2014_x86_64") in parsed.expanded_tags
    assert str(parsed) == _WHEEL


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no Wheel-Version"),
        ("Wheel-Version: 1.0\nTag: py3-none-any\n", "no Root-Is-Purelib"),
        (_WHEEL + "Build: 4\n", "more than once"),
        (_WHEEL.replace("false", "maybe"), "not true or false"),
        (_WHEEL + "nonsense\n", "not a field"),
        (_WHEEL + "\nbody", "text behind its fields"),
    ],
)
def test_a_broken_wheel_file_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MetadataError, match=reason):
        WheelFile.parse(text)


def test_wheel_refuses_a_line_break_in_a_value() -> None:
    broken = WheelFile(generator="x\nTag: py3-none-any", root_is_purelib=True, tags=())
    with pytest.raises(MetadataError, match="line break"):
        str(broken)


def test_metadata_reads_folded_requirements() -> None:
    parsed = CoreMetadata.parse(_METADATA)
    assert (parsed.name, parsed.version) == ("Demo.Pkg", "1.0")
    assert [r.name for r in parsed.requirements()] == ["numpy", "cxx11_cuda.runtime"]
    assert parsed.requires_dist[0] == "numpy>=1.2 ; python_version >= '3.9'"


def test_a_requirement_is_replaced_and_all_else_stays_byte_for_byte() -> None:
    edited = CoreMetadata.parse(_METADATA).with_requirement("cxx11-cuda-runtime>=1.14,<2")
    assert edited.text == _METADATA.replace(
        b"Requires-Dist: cxx11_cuda.runtime>=1.9\r\n",
        b"Requires-Dist: cxx11-cuda-runtime>=1.14,<2\r\n",
    )


def test_replacing_a_requirement_twice_changes_nothing_more() -> None:
    once = CoreMetadata.parse(_METADATA).with_requirement("cxx11-cuda-runtime>=1.14,<2")
    assert once.with_requirement("cxx11-cuda-runtime>=1.14,<2") == once


def test_a_requirement_under_a_marker_is_left_alone() -> None:
    edited = CoreMetadata.parse(_METADATA).with_requirement("numpy>=2")
    assert b"python_version >= '3.9'" in edited.text
    assert "numpy>=2" in edited.requires_dist


def test_all_requirements_on_a_project_are_removed() -> None:
    edited = CoreMetadata.parse(_METADATA).without_requirement("CXX11-cuda-runtime")
    assert [r.name for r in edited.requirements()] == ["numpy"]


@pytest.mark.parametrize("body", [b"", b"\nBody\n"])
def test_a_requirement_is_added_where_there_was_none(body: bytes) -> None:
    text = b"Metadata-Version: 2.1\nName: a\nVersion: 1\n" + body
    edited = CoreMetadata.parse(text).with_requirement("b>=1")
    assert edited.requires_dist == ("b>=1",)
    assert edited.text == text[: len(text) - len(body)] + b"Requires-Dist: b>=1\n" + body


def test_a_last_line_without_an_end_gets_one() -> None:
    edited = CoreMetadata.parse(b"Metadata-Version: 2.1\nName: a\nVersion: 1").with_requirement("b")
    assert edited.requires_dist == ("b",)


@pytest.mark.parametrize("bad", ["b\nName: evil", "b\r\n", "b\x85c", "not a requirement!"])
def test_an_added_requirement_cannot_smuggle_in_another_line(bad: str) -> None:
    with pytest.raises(MetadataError):
        CoreMetadata.parse(_METADATA).edited(add=(bad,))


@pytest.mark.parametrize(
    "text",
    [b"", b"Name: a\nVersion: 1\n", b"Metadata-Version: 2.1\nName: a\nName: b\nVersion: 1\n"],
)
def test_metadata_without_its_identity_is_refused(text: bytes) -> None:
    with pytest.raises(MetadataError):
        CoreMetadata.parse(text)


def test_record_quotes_commas_and_keeps_rows() -> None:
    rows = (
        RecordRow(path="a,b.py", hash="sha256=LXEWQrcm", size=1),
        RecordRow(path="d/RECORD", hash="", size=None),
    )
    assert parse_record(format_record(rows)) == rows
    assert format_record(rows).startswith(b'"a,b.py",sha256=')


@pytest.mark.parametrize(
    "text", [b"a,b\n", b"a,,x\n", b"\xff,,\n", b"a,,\xc2\xb2\n", b"a,," + b"9" * 5000]
)
def test_a_broken_record_is_refused(text: bytes) -> None:
    with pytest.raises(MetadataError):
        parse_record(text)


@pytest.mark.parametrize("tag", ["cp", "py3-none", "#cp311-cp311-any", "py3-none-any.", "a-b-c-d"])
def test_a_tag_line_that_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(MetadataError):
        WheelFile.parse(f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")


def test_a_tag_line_that_expands_without_end_is_refused() -> None:
    many = ".".join(f"t{n}" for n in range(5000))
    with pytest.raises(MetadataError, match="more than 4096 tags"):
        WheelFile.parse(f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {many}-{many}-{many}\n")


def test_a_requirement_that_no_reader_would_see_is_not_added() -> None:
    text = _METADATA.replace(b"Requires-Dist", b"Requires\xff-Dist", 1)
    with pytest.raises(MetadataError, match="ends them for a reader"):
        CoreMetadata.parse(text).edited(add=("b",))


_LINES = st.one_of(
    st.sampled_from(
        [
            *(
                b"Name: a",
                b"name:b ",
                b"Name : q",
                b"Name: a\x0cb",
                b"Name: a\x1cb",
                b"Name: a\x00",
            ),
            *(b"Version: 1", b"Metadata-Version:\t2.1", b"Description: z", b"X: \xc3\xa4"),
            *(b"Requires-Dist: x>=1 ", b"Requires-Dist: y;", b"Requires-Dist: =?utf-8?q?a?="),
            *(b" folded", b"\tfolded \x0b", b"", b" ", b"From x", b"bad", b":x"),
        ]
    ),
    st.binary(max_size=6),
)


@given(
    st.lists(_LINES, max_size=8),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from([b"", b"\n", b"\n\nbody"]),
)
def test_tidy_fields_are_read_as_packaging_reads_them(
    lines: list[bytes], newline: bytes, rest: bytes
) -> None:
    text = newline.join(lines) + rest
    found = tidy_values(text, ("metadata-version", "name", "version", "requires-dist"))
    if found is None:
        return
    raw, unparsed = parse_email(text)
    for key in ("metadata-version", "name", "version"):
        value = raw.get(key.replace("-", "_"))
        assert found.get(key, []) == unparsed.get(key, [] if value is None else [value])
    assert found.get("requires-dist", []) == raw.get("requires_dist", [])


def test_fields_that_are_not_tidy_are_left_to_packaging() -> None:
    untidy = b"Metadata-Version: 2.1\nName: a\nVersion: 1\nX-_: y\nRequires-Dist: b\n"
    assert tidy_values(untidy, ()) is None
    assert CoreMetadata.parse(untidy).requires_dist == ("b",)
    with pytest.raises(MetadataError, match="more than one Name"):
        CoreMetadata.parse(untidy + b"Name: c\n")
