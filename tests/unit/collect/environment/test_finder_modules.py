"""Import hooks of editable installs: what each backend writes is read, and nothing is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.environment.finder_modules import Mapped, read_finder

if TYPE_CHECKING:
    from pathlib import Path

SETUPTOOLS = """\
from __future__ import annotations
import sys

MAPPING: dict[str, str] = {'flat': '/p/flat', 'ns.portion': '/p/ns/portion', 'top': '/p/top'}
NAMESPACES: dict[str, list[str]] = {'ns': ['/p/ns', '/q/ns']}
PATH_PLACEHOLDER = '__editable__.flat-1.0.finder' + ".__path_hook__"


class _EditableFinder:
    MAPPING = {'not': '/the/modules/own'}
"""
SETUPTOOLS_64 = "import sys\nMAPPING = {'flat': '/p/flat'}\nNAMESPACES = {}\n"
SCIKIT_BUILD = """\
import os
DIR = os.path.abspath(os.path.dirname(__file__))


def install(known_source_files, known_wheel_files):
    sys.meta_path.insert(0, ScikitBuildRedirectingFinder(known_source_files))


install({'p': '/s/p/__init__.py', 'p.a': '/s/p/a.py', 'p.x': '/s/p/x.abi3.so'}, \
{'p.core': 'p/core.so'}, {'p': ['/s/p', 'p'], 'p.sub': ['/s/p/sub']}, ['p'], '/build', False, [])
"""
SCIKIT_BUILD_OLD = (
    "install({'p': '/s/p/__init__.py'}, {'p.core': 'p/core.so'}, None, False, True)\n"
)
INPLACE = "install_inplace(['p', 'q'], ['/s/src'], '/s', False, True, [])\n"
MESON = """\
def init():
    finder = MesonpyMetaFinder(
        'the-project',
        {'p', 'q'},
        '/s/build/cp312',
        ['/env/bin/ninja'],
        False,
    )
    sys.meta_path.insert(0, finder)
"""
MESON_OLD = """\
install(
    {'p'},
    '/s/build/cp312',
    ['ninja'],
    False,
)
"""
EDITABLES = """\
from editables.redirector import RedirectingFinder as F
F.install()
F.map_module('p', '/s/src/p/__init__.py')
F.map_module('single', '/s/src/single.py')
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SETUPTOOLS, Mapped(modules=("/p/flat", "/p/ns/portion", "/p/top", "/p/ns", "/q/ns"))),
        (SETUPTOOLS_64, Mapped(modules=("/p/flat",))),
        (
            SCIKIT_BUILD,
            Mapped(
                names=("p",), modules=("/s/p/__init__.py", "/s/p/x.abi3.so", "/s/p", "/s/p/sub")
            ),
        ),
        (SCIKIT_BUILD_OLD, Mapped(names=("p",), modules=("/s/p/__init__.py",))),
        (INPLACE, Mapped(names=("p", "q"))),
        (MESON, Mapped(names=("p", "q"), builds=("/s/build/cp312",))),
        (MESON_OLD, Mapped(names=("p",), builds=("/s/build/cp312",))),
        (EDITABLES, Mapped(modules=("/s/src/p/__init__.py", "/s/src/single.py"))),
    ],
)
def test_what_each_backend_writes_is_read(text: str, expected: Mapped) -> None:
    assert read_finder(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0",
        b"MAPPING = {",
        b"MAPPING = ['/p']",
        b"MAPPING = {1: 2, 'a': None, 'b': 3.5}",
        b"MAPPING = {'a': 'not/absolute', 'b': '/nul\\0', 'c': '/\\ud800'}",
        b"MAPPING = dict(a='/p')",
        b"MAPPING = {**other, 'a': '/p'}",
        b"MAPPING: dict[str, str]",
        b"MAPPING = {[]: '/p'}",
        b"MAPPING = {{'a'}: '/p'}",
        b"MAPPING = " + b"[" * 5000 + b"]" * 5000,
        b"MAPPING = " + b"-" * 100_000 + b"1",
        b"MAPPING = {'a': '\xff\xfe'}",
        "MAPPING = {'a': '/p'}".encode("utf-16"),
        b"install()",
        b"install(1)\ninstall(*a, **b)\ninstall({'p'})\ninstall({'p'}, 'relative')",
        b"install_inplace()\nF.map_module()\nF.map_module('p')\nF.map_module('p', p)",
        b"install({'a': '/s/a.py'}, {}, ['/x'])",
        b"\x7fELF\x02\x01\x01",
    ],
)
def test_what_is_of_no_known_form_leads_nowhere(text: bytes) -> None:
    found = read_finder(text)
    assert (found.modules, found.builds) == ((), ())


def test_nothing_of_a_hook_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    write = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    text = f"MAPPING = {{'a': {write}}}\ninstall({write})\n{write}\nMAPPING = {{'b': '/p'}}\n"
    assert read_finder(text.encode()).modules == ("/p",)
    assert not mark.exists()
