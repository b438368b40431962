"""Folders on ``sys.path`` -> the distributions that are installed there, and their files.

Reads ``*.dist-info`` and ``*.egg-info``. Files are those that RECORD (or ``installed-files.txt``)
names and that may be shared objects by their name; without such a list, those below its top-level
packages. An editable install also has the files of its source tree (`editable`).
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.environment.editable import (
    LONGEST,
    NONE,
    Sources,
    content,
    declared_sources,
    follow_link,
    recorded_sources,
)
from cxxrt_toolchain.collect.environment.source_trees import SourceTrees, may_be_shared
from cxxrt_toolchain.facts.installed import Distribution, Environment, normalized
from cxxrt_toolchain.plain_files import may_name_a_file

if TYPE_CHECKING:
    from cxxrt_toolchain.collect.store import Store
    from cxxrt_toolchain.host.interpreter import Interpreter

_INFO = (".dist-info", ".egg-info")
_SHARED = ".so"
_NAME = re.compile(rb"^Name:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(rb"^Version:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_REQUIRES = re.compile(rb"^Requires-Dist:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_TAG = re.compile(rb"^Tag:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_BODY = re.compile(rb"\r?\n\r?\n")
_LINK = ".egg-link"
_ENTRIES = (*_INFO, _LINK)


def read_environment(interpreter: Interpreter, store: Store) -> Environment:
    """What is installed for an interpreter; the store keeps listings of source trees."""
    trees = SourceTrees(store, interpreter.root)
    found: dict[str, Distribution] = {}
    for folder in dict.fromkeys(interpreter.path):
        for name in _names(folder):
            is_link = name.endswith(_LINK)
            distribution = (_linked if is_link else _distribution)(folder, name, trees)
            if distribution is not None:
                found.setdefault(distribution.key, distribution)
    return Environment(
        interpreter=interpreter, distributions=tuple(found[key] for key in sorted(found))
    )


def with_program(environment: Environment, store: Store) -> Environment:
    """With what a packed program has besides its distributions, as one distribution more."""
    interpreter = environment.interpreter
    known = {path for each in environment.distributions for path in each.files}
    files = SourceTrees(store).shared_below(interpreter.prefix)
    program = Distribution(
        name=interpreter.executable.rpartition("/")[2],
        version="",
        location=interpreter.packed,
        requires=(),
        tags=(),
        files=tuple(path for path in files if path not in known),
    )
    return replace(environment, distributions=(*environment.distributions, program))


def _names(folder: str, suffixes: tuple[str, ...] = _ENTRIES) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(suffixes))  # noqa: PTH208 - names
    except OSError:  # sys.path may name folders that do not exist, and archives
        return []


def _linked(site: str, name: str, trees: SourceTrees) -> Distribution | None:
    """The develop install that an ``.egg-link`` stands for, as setuptools made them before 80."""
    target = follow_link(site, name, trees)
    if target is None:
        return None
    folder, project = target
    key = normalized(name.removesuffix(_LINK))
    found = (_distribution(folder, info, trees, project) for info in _names(folder, _INFO))
    return next((each for each in found if each is not None and each.key == key), None)


def _distribution(
    folder: str, info: str, trees: SourceTrees, project: str = ""
) -> Distribution | None:
    base = os.path.join(folder, info)  # noqa: PTH118 - hundreds of them
    texts = (os.path.join(base, name) for name in ("METADATA", "PKG-INFO"))  # noqa: PTH118 - hundreds
    text = next(filter(None, map(content, texts)), b"") or content(base)
    head = _BODY.split(text, maxsplit=1)[0]
    name, version = _NAME.search(head), _VERSION.search(head)
    if name is None or version is None:
        return None
    listed, sources = _files(folder, base, project, trees)
    return Distribution(
        name=_text(name[1]),
        version=_text(version[1]),
        location=folder,
        requires=tuple(map(_text, _REQUIRES.findall(head))),
        tags=tuple(map(_text, _TAG.findall(content(f"{base}/WHEEL")))),
        files=tuple(dict.fromkeys((*listed, *sources.files))),
        sources=sources.folders,
    )


def _files(
    folder: str, base: str, project: str, trees: SourceTrees
) -> tuple[Iterable[str], Sources]:
    record = content(f"{base}/RECORD")
    if record:
        text = record.decode("utf-8", "surrogateescape")
        return _placed(folder, _recorded(text)), recorded_sources(folder, base, text, trees)
    listed = content(f"{base}/installed-files.txt")
    if listed:  # relative to the .egg-info folder, one a line
        names = listed.decode("utf-8", "surrogateescape").splitlines()
        return _placed(base, filter(may_be_shared, names)), NONE
    return (), declared_sources(folder, base, project, trees)


def _recorded(text: str) -> Iterator[str]:
    """The paths of a RECORD file that may be shared objects; few of its lines are."""
    at = text.find(_SHARED)
    while at >= 0:
        end = text.find("\n", at)
        line = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else len(text)]
        name = _first_field(line)
        if may_be_shared(name):
            yield name
        at = text.find(_SHARED, end) if end >= 0 else -1


def _first_field(line: str) -> str:
    if not line.startswith('"'):
        return line.partition(",")[0]
    try:
        return next(csv.reader([line]))[0]
    except csv.Error:  # it has more than 128 KiB
        return ""


def _placed(folder: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if len(name) > LONGEST or not may_name_a_file(name):
            continue
        path = f"{folder}/{name}" if name[:1] != "/" else name
        yield os.path.normpath(path) if "./" in path else path


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()
