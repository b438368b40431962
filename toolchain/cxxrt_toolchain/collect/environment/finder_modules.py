"""The packages and modules that the import hook of an editable install maps. Pure.

In: the module that a backend wrote beside the ``.pth`` file that imports it. Out: the names and
places that are literals in it, by `ast.literal_eval` of the few statements that hold them; nothing
is executed, and a module of another form maps nothing. Known forms:

* setuptools (``__editable___*_finder``): ``MAPPING`` and ``NAMESPACES``, from
  setuptools/command/editable_wheel.py; since 64.
* scikit-build-core (``_editable_skbc_*``, before 1.0 ``_*_editable``): ``install(sources, wheel
  files, search locations, …)``, ``install_inplace(packages, folders, …)``.
* meson-python (``_*_editable_loader``): ``MesonpyMetaFinder(name, packages, build folder, …)``,
  formerly ``install(packages, build folder, …)``; mesonpy/_editable.py.
* editables (hatchling, pdm-backend): ``F.map_module(name, file)``.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from cxxrt_toolchain.plain_files import may_name_a_file

_MOST_TEXT = 8 << 20
_STATEMENT = re.compile(r"^(?=[^\s#)\]}])", re.MULTILINE)
"""The start of a top-level statement; parsing only some of them is ten times faster."""
_TELLING = re.compile(
    r"MAPPING\b|NAMESPACES\b|install(?:_inplace)?\(|F\.map_module\(|def init\(", re.ASCII
)
_FAILURES = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)
"""Of `ast.parse` and `ast.literal_eval`, as the module `ast` documents them."""
_TO_BUILD = 2
"""meson-python names the packages and then the folder that they are built in."""
_PLACES = re.compile(r"/__init__\.py\Z|\.so[^/]*\Z")
"""Of scikit-build-core's source files: packages, and extension modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """The paths and names that a hook maps; paths are absolute."""

    names: tuple[str, ...] = ()
    """Top-level packages that it serves."""
    modules: tuple[str, ...] = ()
    """Folders of packages, and files of modules, with or without their suffix."""
    builds: tuple[str, ...] = ()
    """Build folders of Meson."""


def read_finder(text: bytes) -> Mapped:
    """What a hook maps; nothing if it is not Python, or not of a known form."""
    names: list[str] = []
    modules: list[str] = []
    builds: list[str] = []
    for node in _telling_nodes(text[:_MOST_TEXT].decode("utf-8", "surrogateescape")):
        if isinstance(node, ast.Call):
            _of_call(node, names, modules, builds)
        else:
            modules += _paths(_value(node.value))
    return Mapped(
        names=tuple(dict.fromkeys(names)),
        modules=tuple(dict.fromkeys(modules)),
        builds=tuple(dict.fromkeys(builds)),
    )


def _telling_nodes(text: str) -> Iterator[ast.Call | ast.Assign | ast.AnnAssign]:
    starts = [match.start() for match in _STATEMENT.finditer(text)]
    for start, end in pairwise((*starts, len(text))):
        if not _TELLING.match(text, start):
            continue
        try:
            tree = ast.parse(text[start:end])
        except _FAILURES:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call | ast.Assign | ast.AnnAssign):
                yield node


def _of_call(node: ast.Call, names: list[str], modules: list[str], builds: list[str]) -> None:
    function = node.func.attr if isinstance(node.func, ast.Attribute) else _name(node.func)
    values = [_value(each) for each in node.args]
    if function == "map_module":
        modules += _texts(values[1:2])
    elif function == "install_inplace":
        names += _texts(values[:1])
    elif function in {"install", "MesonpyMetaFinder"}:
        if values and isinstance(values[0], dict):  # scikit-build-core
            names += [name for name in values[0] if isinstance(name, str) and "." not in name]
            modules += [path for path in _paths(values[0]) if _PLACES.search(path)]
            modules += _paths(values[2]) if len(values) > _TO_BUILD else []
            return
        at = next((i for i, each in enumerate(values) if isinstance(each, set | list)), None)
        if at is not None:
            names += _texts(values[at : at + 1])
            builds += _absolute(_texts(values[at + 1 : at + _TO_BUILD]))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.expr | None) -> object:
    if node is None:
        return None
    try:
        value: object = ast.literal_eval(node)
    except _FAILURES:
        return None
    return value


def _paths(value: object) -> list[str]:
    """The absolute paths among the values of a dictionary, or in lists that are its values."""
    mapping: Mapping[object, object] = value if isinstance(value, dict) else {}
    return _absolute(_texts(mapping.values()))


def _texts(values: Iterable[object]) -> list[str]:
    found: list[str] = []
    for value in values:
        several = value if isinstance(value, list | tuple | set | frozenset) else (value,)
        found += sorted(each for each in several if isinstance(each, str))
    return found


def _absolute(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path[:1] == "/" and may_name_a_file(path)]
