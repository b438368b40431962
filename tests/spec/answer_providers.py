"""Section 18 behind the door of the conformance suite: bounds by rows, places, and the loader."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import answer_loader
from packaging.requirements import Requirement

from cxxrt_toolchain.abi.provider import (
    NoProviderError,
    Provided,
    load_providers,
    read_library,
    read_provider,
)

Document = dict[str, Any]
answer_loader.numbers("1")  # its import has put the loader on sys.path

from cxx11_cuda_runtime import _errors, _group, _provider  # noqa: E402

_SAID = ("sonames", "distribution", "policy", "first", "below", "line")


def _read(document: Document) -> tuple[Provided, ...]:
    """The rows of a document with what a bound asks for, and with no more."""
    rows = [{key: row[key] for key in _SAID if key in row} for row in document["libraries"]]
    rows = [{"scope": "local", **row} for row in rows]
    return read_provider({"name": "x", "architectures": [], "libraries": rows})


def providers(question: Document) -> Document:
    rows = dict(load_providers())
    if "rows" in question:
        if not _rows_are_well_formed(question["rows"]):
            return {"rejected": ["C-5"]}
        rows = {row.soname: row for each in question["rows"] for row in _read(each)}
        for soname, row in rows.items():
            document = question.get("tables", {}).get(soname)
            empty = {"complete": False, "releases": {}}
            row.__dict__["table"] = read_library(document or empty)
    found = set()
    try:
        for soname, symbols in question["needs"].items():
            if soname in rows:
                found.add((rows[soname], rows[soname].requirement(symbols)))
    except NoProviderError:
        return {"rejected": ["K-6"]}
    answers = {text: _requirement(text, row.policy) for row, text in found}
    keys = ("distribution", "minimum", "below", "line")
    return {
        "requirements": sorted(answers.values(), key=lambda row: [row[key] or "" for key in keys])
    }


def _rows_are_well_formed(documents: list[Document]) -> bool:
    """What ``forms.json`` cannot say of rows: K-1, and which of them have a line."""
    rows = [row for each in documents for row in each["libraries"]]
    sonames = [soname for row in rows for soname in row["sonames"]]
    lines = all(
        row["policy"] in ("symbols", "versions", "line")
        and ("line" in row) == (row["policy"] == "line")
        for row in rows
    )
    return lines and len(sonames) == len(set(sonames))


def _requirement(text: str, policy: str) -> Document:
    requirement = Requirement(text)
    clauses = {clause.operator: clause.version for clause in requirement.specifier}
    line = clauses.get("==", "").removesuffix(".*") if policy == "line" else None
    below = clauses.get("<")
    return {
        "distribution": requirement.name,
        "minimum": clauses[">="],
        "below": below,
        "line": line,
    }


def places(question: Document) -> Document:
    row = {"places": [question["place"]], "requirement": "x"}
    with (
        patch.object(sys, "path", question["sys_path"]),
        patch.object(sys, "prefix", question["prefix"]),
        patch.object(os.path, "exists", lambda _: True),
        patch.object(_provider, "__file__", f"{question['own']}/cxx11_cuda_runtime/_provider.py"),
        patch.object(_provider, "_has_distribution", lambda root, _: root in question["installed"]),
    ):
        return {"paths": list(dict.fromkeys(_provider.places(row)))}


def libraries(question: Document) -> Document:
    sonames = [row["soname"] for row in question["rows"]]
    scopes = {row.get("scope", "local") for row in question["rows"]}
    if len(sonames) > len(set(sonames)) or not scopes <= {"local", "global"}:
        return {"rejected": ["C-5"]}
    return _load(question)


def _load(question: Document) -> Document:
    loaded = dict(question["resident"])
    steps: list[Document] = []

    def dlopen(name: str, mode: int) -> str:
        soname = name.rpartition("/")[2]
        scope = "global" if mode & 0x100 else "local"
        if mode & 0x4:
            if soname not in loaded:
                raise OSError(name)
            if soname in question["resident"]:
                action = "promote" if scope == "global" else "keep"
                steps.append({"soname": soname, "action": action})
        else:
            loaded[soname] = question["placed"][soname]
            steps.append({"sonames": [soname], "action": "load", "scope": scope})
        return soname

    def dlsym(soname: str, function: str) -> None:
        if function not in loaded[soname]:
            raise OSError(function)

    def open_together(paths: list[str], mode: int) -> None:
        sonames = sorted(path.rpartition("/")[2] for path in paths)
        loaded.update({s: question["placed"][s] for s in sonames if s not in loaded})
        scope = "global" if mode & 0x100 else "local"
        steps.append({"sonames": sonames, "action": "load", "scope": scope})

    rows = [{"requirement": "x", "places": (), **row} for row in question["rows"]]
    linker = SimpleNamespace(dlopen=dlopen, dlsym=dlsym, dlclose=lambda _: None)
    with (
        patch.object(_provider, "_ctypes", lambda: linker),
        patch.object(_provider, "_is_whole", lambda _: True),
        patch.object(_provider, "places", lambda row: _placed(row, question["placed"])),
        patch.object(_group, "open_together", open_together),
        patch("cxx11_cuda_runtime._dl.path_of", lambda *_: "/resident"),
    ):
        try:
            _provider.require(rows, "a vector")
        except _errors.ProviderNotFoundError:
            return {"rejected": ["K-10"]}
        except _errors.ProviderMismatchError:
            return {"rejected": ["K-11"]}
    return {"steps": [step for place, step in enumerate(steps) if step not in steps[:place]]}


def _placed(row: Document, placed: Document) -> Any:  # noqa: ANN401
    return iter([f"/{row['soname']}"] if row["soname"] in placed else [])


OPERATIONS = {"providers": providers, "places": places, "libraries": libraries}
