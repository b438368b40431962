"""A diagnosis on the terminal and in a pipe."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from environment_case import SITE, binary, environment, libstdcxx
from sample_diagnosis import sample

from cxxrt_toolchain.report.diagnosis_text import show_diagnosis
from cxxrt_toolchain.report.graph import draw
from cxxrt_toolchain.rules.every import judge


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def in_a_pipe(diagnosis: object) -> str:
    stream = io.StringIO()
    show_diagnosis(diagnosis, stream)  # type: ignore[arg-type]  # a Diagnosis, as the callers say
    return stream.getvalue()


def test_a_pipe_gets_whole_lines_without_colour_or_filling() -> None:
    text = in_a_pipe(sample())
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    for found in sample().findings:
        assert f"{found.rule}  {found.message}" in text
        assert all(line in text for line in (*found.evidence, *found.remedies))


def test_a_healthy_environment_takes_a_few_lines() -> None:
    facts = environment({"a": [binary("a/_core.so")]})
    lines = in_a_pipe(draw(facts, judge(facts))).splitlines()
    assert lines[0] == "/env: healthy"
    assert lines[1] == "Python 3.12.1, glibc 2.36; 1 package with native code, 1 object"
    assert len(lines) == 5


def test_the_table_says_who_uses_whose_runtime() -> None:
    private = libstdcxx(f"{SITE}/a.libs/libstdc++-1a.so.6", soname="libstdc++-1a.so.6")
    facts = environment(
        {"a": [private, binary("a/_x.so", [private.name])], "b": [binary("b/y.so")]}
    )
    text = in_a_pipe(draw(facts, judge(facts)))
    rows = [line.split() for line in text.splitlines()]
    assert ["libstdc++.so.6", "GLIBCXX_3.4.28", "the", "system", "b"] in rows
    assert ["libstdc++-1a.so.6", "GLIBCXX_3.4.28", "a", "a"] in rows


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_lines_that_fit(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    show_diagnosis(sample(), stream)
    assert max(map(len, stream.getvalue().splitlines())) <= width
    words = "".join(in_a_pipe(sample()).split())  # nothing is cut off
    assert sorted(words) == sorted("".join(stream.getvalue().split()))


def test_names_cannot_draw_on_the_terminal() -> None:
    evil = replace(sample(), title="env\x1b[2J")
    assert "env\\x1b[2J" in in_a_pipe(evil)


def test_who_is_at_fault_is_named_also_where_the_message_does_not() -> None:
    first = replace(sample().findings[0], message="a module crashes", culprits=("guilty",))
    text = in_a_pipe(replace(sample(), findings=(first,)))
    assert "at fault guilty" in text
    named = replace(first, message="guilty crashes")
    assert "at fault" not in in_a_pipe(replace(sample(), findings=(named,)))
