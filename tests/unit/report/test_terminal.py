"""Lines and tables on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from cxxrt_toolchain.report.terminal import Page


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    return Terminal()


def in_a_table(stream: io.StringIO, *cells: str) -> list[str]:
    Page(stream).table([[((cell, ""),) for cell in cells]])
    return stream.getvalue().split("\n")[:-1]


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, (True, False)),
        ({"NO_COLOR": "1"}, (False, False)),
        ({"TERM": "dumb"}, (False, False)),
        ({"FORCE_COLOR": "1"}, (True, True)),
        ({"TTY_COMPATIBLE": "1"}, (True, True)),
    ],
)
def test_a_terminal_gets_colours_unless_a_variable_says_else(
    variables: dict[str, str],
    coloured: tuple[bool, bool],
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for stream, is_coloured in zip((terminal, io.StringIO()), coloured, strict=True):
        Page(stream).line(("bad", "bold red"), (": plain", ""))
        bad = "\x1b[1;31mbad\x1b[0m" if is_coloured else "bad"
        assert stream.getvalue() == f"{bad}: plain\n"


def test_no_name_draws_on_the_terminal(terminal: Terminal) -> None:
    page = Page(terminal)
    page.line(("a\x1b[2Jb\nc", ""))
    page.table([[(("\x1b[H", ""),)]])
    assert terminal.getvalue() == "a\\x1b[2Jb\\x0ac\n\\x1b[H\n"


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        (("ab", "one two three four five"), ["ab  one two three", "    four five"]),
        (("", "x"), ["  x"]),
        (("ab", "/a/path/wider/than/it"), ["ab  /a/path/wider/th", "    an/it"]),
        (("ab", "see /a/path/wider/than"), ["ab  see", "    /a/path/wider/th", "    an"]),
        (("one two three", "four five six"), ["one two    four five", "three      six"]),
        (("漢字", "漢字漢字漢字漢字漢字"), ["漢字  漢字漢字漢字漢", "      字漢字"]),
        (("first\nsecond", "x"), ["first   x", "second"]),
        (("a", ""), ["a"]),
    ],
)
def test_a_table_is_folded_to_the_terminal(
    cells: tuple[str, ...], lines: list[str], terminal: Terminal
) -> None:
    assert [line.rstrip() for line in in_a_table(terminal, *cells)] == lines


def test_a_cell_in_a_pipe_is_one_line() -> None:
    assert in_a_table(io.StringIO(), "a b", "words " * 40) == ["a b  " + "words " * 40]


def test_a_terminal_too_narrow_for_anything_gets_every_letter(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "2")
    assert "".join("".join(in_a_table(terminal, "abc", "de f", "g")).split()) == "adgbecf"
