"""The import that a wired ``__init__.py`` gets: first, and nothing else changes."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.repair.forwarder import forwarder_source, import_first, init_source

_LINE = b"from . import _x as _x  # the C++ runtime first (cxxrt-toolchain)\n"


def _first(source: bytes) -> bytes:
    return import_first(source, "_x", relative=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", _LINE),
        (b"import os\n", _LINE + b"import os\n"),
        (b"# only a comment", b"# only a comment\n" + _LINE),
        (b'"""Doc."""\nimport os\n', b'"""Doc."""\n' + _LINE + b"import os\n"),
        (b'"""Doc."""', b'"""Doc."""\n' + _LINE),
        (b'"""Doc\n\nlong."""  # c\nx = 1\n', b'"""Doc\n\nlong."""  # c\n' + _LINE + b"x = 1\n"),
        (
            b'"""D."""\nfrom __future__ import annotations\n\nimport os\n',
            b'"""D."""\nfrom __future__ import annotations\n' + _LINE + b"\nimport os\n",
        ),
        (b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\nx = '\xe4'\n", None),
        (b'"""Doc."""; import os\n', b'"""Doc."""; from . import _x as _x; import os\n'),
        (b"@wraps\ndef f(): ...\n", _LINE + b"@wraps\ndef f(): ...\n"),
        (b"\xef\xbb\xbfimport os\n", b"\xef\xbb\xbf" + _LINE + b"import os\n"),
    ],
)
def test_the_import_goes_where_the_language_allows_the_first_one(
    before: bytes, after: bytes | None
) -> None:
    if after is None:
        first_statement = before.index(b"x = ")
        after = before[:first_statement] + _LINE + before[first_statement:]
    assert _first(before) == after


def test_windows_line_ends_stay() -> None:
    assert _first(b'"""Doc."""\r\nimport os\r\n').count(b"\r\n") == 3


def test_a_second_time_changes_nothing() -> None:
    once = _first(b"import os\n")
    assert _first(once) == once


def test_a_top_level_module_imports_absolutely() -> None:
    assert import_first(b"", "_x", relative=False).startswith(b"import _x  #")


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(InputError, match="does not parse"):
        _first(b"def f(:\n")
    with pytest.raises(InputError, match="does not parse"):
        _first(b"x = '\xff'\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b'"""Doc."""\rimport a\r', b'"""Doc."""\rfrom . import _x as _x%s\rimport a\r'),
        (
            b'# Text.\r"""Doc."""; import a\r',
            b'# Text.\r"""Doc."""; from . import _x as _x; import a\r',
        ),
        (b"#\r\r\n@a\rdef f(): pass", b"#\r\r\nfrom . import _x as _x%s\r@a\rdef f(): pass"),
    ],
)
def test_a_carriage_return_ends_a_line_as_it_does_for_python(
    source: bytes, expected: bytes
) -> None:
    assert _first(source) == expected.replace(
        b"%s", _LINE.rstrip()[len(b"from . import _x as _x") :]
    )


_STATEMENTS = st.lists(
    st.sampled_from(
        [
            "x = 1",
            "import os",
            "def f():\n    return 'a;b'",
            "if True:\n    y = 2",
            "# comment\nz = '''\nfrom __future__ import x\n'''",
        ]
    ),
    max_size=5,
)


@given(
    st.sampled_from(["", '"""Doc."""', "'''Doc\n\n; more'''"]),
    st.sampled_from(["", "from __future__ import annotations"]),
    _STATEMENTS,
    st.sampled_from(["\n", "\n\n", "; "]),
)
def test_all_else_of_the_program_stays(
    docstring: str, future: str, statements: list[str], joint: str
) -> None:
    prologue = [part for part in (docstring, future) if part]
    source = joint.join(prologue) + "\n" + "\n".join(statements)
    body = ast.parse(_first(source.encode())).body
    added = body.pop(len(prologue))
    assert ast.unparse(added) == "from . import _x as _x"
    assert [ast.dump(node) for node in body] == [ast.dump(n) for n in ast.parse(source).body]


def test_the_added_files_are_valid_python() -> None:
    call = 'require(glibcxx="3.4.26", who="foo-bar")'
    source = init_source(call, "foo-bar", "cxx11-cuda-runtime<2,>=1.9")
    assert source.rstrip().endswith(call)
    ast.parse(source, feature_version=(3, 9))
    ast.parse(forwarder_source("ns/foo"), feature_version=(3, 9))
    assert "extension module ns.foo," in forwarder_source("ns/foo")


@pytest.mark.parametrize(
    "source",
    [
        b"# -*- coding: rot13 -*-\n",
        b"# -*- coding: idna -*-\n#" + b"a" * 80,
        b"# -*- coding: unicode_escape -*-\nx = 'a\\n'\n",
        b"# -*- coding: nosuch -*-\n",
        b"# -*- coding: utf-16 -*-\n\n",
        b"# -*- coding: hex -*-\n00\n",
        b"x=" + b"-" * 200_000 + b"1",
        b"(" * 100_000,
        b"x = '\0'",
        b"\xff = 1",
    ],
    ids=lambda source: repr(source[:24]),
)
def test_an_encoding_or_a_depth_that_cannot_be_edited_is_unusable_input(source: bytes) -> None:
    with pytest.raises(InputError, match="cannot add 'import _x'"):
        _first(source)


def test_a_source_in_another_encoding_keeps_it() -> None:
    source = "# -*- coding: latin-1 -*-\nx = '\u00e4'\n".encode("latin-1")
    assert _first(source) == source.replace(b"x = ", _LINE + b"x = ")


def test_the_warnings_of_a_foreign_source_are_not_ours(recwarn: pytest.WarningsRecorder) -> None:
    assert _first(b"x = '\\d'\n").endswith(b"x = '\\d'\n")
    assert not recwarn.list
