"""The runtime's loader behind the door of the conformance suite, with the dynamic linker replaced.

In: what the linker would find. Out: what the loader asked it to do. The loader's own code decides;
only its ports (``_dl``, the file searches, what a wheel build bakes in) are answered from the
vector. Nothing is loaded into this process.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parents[2] / "toolchain"))
with patch.dict(os.environ, {"CXXRT_DISABLE": "1"}):  # the import must not load anything here
    from cxx11_cuda_runtime import _baked, _cudart, _dl, _errors, _load, _require, _search
    from cxx11_cuda_runtime._blame import culprit

Document = dict[str, Any]
CXX = "libstdc++.so.6"
ROOT = "/site"
"""The only entry of ``sys.path`` while a vector is answered."""
REPEATED = ("conda", "library-path")
"""Of these origins, a library may have several candidates, in the order of the folders."""
_CUDART = "libcudart.so."
ORIGINS = {
    "vendored": "own",
    "conda": "conda",
    "ld-library-path": "library-path",
    "system": "system",
    "nvidia-wheel": "nvidia",
    "torch-wheel": "torch",
}
"""The loader's words for where it found a file, and the specification's."""


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@dataclass(kw_only=True)
class Linker:
    """A dynamic linker that does as it is told and remembers it."""

    loaded: dict[str, str | None]
    files: dict[str, Document]
    """Path to the candidate that lies there."""
    steps: list[Document] = field(default_factory=list)
    handles: dict[int, str] = field(default_factory=dict)

    def resident(self, soname: str) -> int | None:
        if soname not in self.loaded:
            return None
        known = {step["soname"] for step in self.steps}
        if soname not in {*known, "libgcc_s.so.1", "libgomp.so.1"}:
            self.steps.append({"soname": soname, "action": "promote"})
        return self.handle(soname)

    def open_library(self, path: str) -> int:
        if path not in self.files:
            raise OSError(f"{path}: cannot open shared object file: No such file or directory")
        found = self.files[path]
        self.loaded[found["soname"]] = found["version"]
        self.steps.append({"soname": found["soname"], "action": "load", "origin": found["origin"]})
        return self.handle(found["soname"])

    def handle(self, soname: str) -> int:
        number = 1 + sum(map(ord, soname))
        self.handles[number] = soname
        return number

    def has_function(self, handle: int, _path: str, symbol: str) -> bool:
        version = self.loaded[self.handles[handle]]
        return version is not None and numbers(version) >= numbers(symbol)

    def reported_release(self, handle: int) -> tuple[int, ...]:
        version = self.loaded[self.handles[handle]]
        return numbers(version) if version else (0, 0)

    def file_contains(self, path: str, text: bytes) -> bool:
        return numbers(self.files[path]["version"]) >= numbers(text.strip(b"\0").decode())

    def file_gomp(self, path: str) -> tuple[int, ...]:
        return numbers(self.files[path]["version"])

    def file_minor(self, path: str) -> int:
        version = self.files[path]["version"] if path in self.files else self.loaded[CXX]
        return numbers(version or "0")[-1]

    def outside(self, soname: str, **_: object) -> Iterator[tuple[str, str]]:
        for how in ("conda", "ld-library-path", "system"):
            yield from ((how, path) for path in self.places(soname, ORIGINS[how]))

    def places(self, soname: str, origin: str) -> list[str]:
        return [
            path
            for path, found in self.files.items()
            if (found["soname"], found["origin"]) == (soname, origin)
        ]


def loader(question: Document) -> Document:  # noqa: PLR0911 - one for each error
    """Answer one vector."""
    state, wanted = question["state"], question["require"]
    resident, candidates = state.get("resident", {}), state.get("candidates", [])
    if not _is_well_formed(resident, candidates, wanted):
        return {"rejected": ["C-5"]}
    linker = Linker(loaded=dict(resident), files=_files(candidates))
    with ExitStack() as ports, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        _replace_ports(ports, linker, wanted, glibc=state.get("glibc", True))
        try:
            how = _load.load_cxx()
            _require.require(
                glibcxx=wanted.get("glibcxx"),
                cudart=wanted.get("cudart"),
                openmp=wanted.get("openmp", False),
                who="a vector",
                how=how,
            )
        except _errors.UnbuiltError:
            return {"rejected": ["L-5"]}
        except _errors.LibstdcxxTooOldError:
            return {"rejected": ["L-3"]}
        except _errors.OpenmpNotFoundError:
            return {"rejected": ["L-6a"]}
        except _errors.CudartNotFoundError:
            return {"rejected": ["L-9a"]}
        except _errors.CudartTooOldError:
            major = wanted["cudart"].split(".")[0]
            return {"rejected": ["L-8" if f"libcudart.so.{major}" in resident else "L-9a"]}
    return {"steps": linker.steps}


def _is_well_formed(resident: Document, candidates: list[Document], wanted: Document) -> bool:
    """What ``forms.json`` cannot say of a state and a requirement (vectors/README.md)."""
    rows = [(found["soname"], found["version"]) for found in candidates]
    rows += [(soname, version) for soname, version in resident.items() if version is not None]
    versions = all(_is_version_of(soname, text) for soname, text in rows)
    cxx = CXX not in resident or resident[CXX] is not None
    once = [(f["soname"], f["origin"]) for f in candidates if f["origin"] not in REPEATED]
    return (
        versions
        and cxx
        and len(once) == len(set(once))
        and {found["origin"] for found in candidates} <= set(ORIGINS.values())
        and _is_version_of(CXX, wanted.get("glibcxx", "3.4.0"))
        and len(wanted.get("cudart", "12").split(".")) <= len(("M", "n"))
    )


def _is_version_of(soname: str, text: str) -> bool:
    if soname == CXX:
        return re.fullmatch(r"3\.4\.[0-9]+", text) is not None
    if soname.startswith(_CUDART):
        return text.split(".")[:-1] == [soname.removeprefix(_CUDART)]
    return True


def _files(candidates: list[Document]) -> dict[str, Document]:
    files: dict[str, Document] = {}
    for number, found in enumerate(candidates):
        soname, origin = found["soname"], found["origin"]
        other = f"/{origin}/{number}/"
        folder = {"own": _load.LIB, "torch": f"{ROOT}/torch/lib/"}.get(origin, other)
        by_name = origin == "system" and soname != CXX  # the loader leaves the search to dlopen
        files[soname if by_name else folder + soname] = found
    if any((found["soname"], found["origin"]) == (CXX, "own") for found in candidates):
        gcc = {"soname": "libgcc_s.so.1", "origin": "own", "version": None}
        files[_load.LIB + "libgcc_s.so.1"] = gcc
    return files


def _replace_ports(ports: ExitStack, linker: Linker, wanted: Document, *, glibc: bool) -> None:
    own = [found for found in linker.files.values() if found["origin"] == "own"]
    minor = next((numbers(f["version"])[-1] for f in own if f["soname"] == CXX), 0)
    cudart = {
        found["version"].split(".")[0]: (found["version"], _releases(found["version"], wanted))
        for found in own
        if found["soname"].startswith(_CUDART)
    }

    def existing(
        how: str, _folders: object, soname: str, _looked: object
    ) -> Iterator[tuple[str, str]]:
        yield from ((how, path) for path in linker.places(soname, ORIGINS[how]))

    def nvidia(major: str, _looked: object) -> str:
        return next(iter(linker.places(f"libcudart.so.{major}", "nvidia")), "")

    needed = numbers(wanted.get("glibcxx", "3.4.0"))[-1]
    proved = sorted({minor, min(minor, needed)} - {0}, reverse=True)
    for module, names in (
        (_baked, {"GLIBCXX": minor, "CUDART": cudart}),
        (_baked, {"LIBRARIES": tuple(found["soname"] for found in own)}),
        (_baked, {"MARKERS": tuple((n, f"3.4.{n}") for n in proved)}),
        (_dl, {"supported": lambda: glibc, "resident": linker.resident}),
        (_dl, {"open_library": linker.open_library, "has_function": linker.has_function}),
        (_dl, {"file_contains": linker.file_contains}),
        (_search, {"outside_candidates": linker.outside, "glibcxx_of_file": linker.file_minor}),
        (_search, {"gomp_of_file": linker.file_gomp}),
        (os.path, {"exists": linker.files.__contains__}),
        (sys, {"path": [ROOT]}),
        (_cudart, {"_existing": existing, "_nvidia_file": nvidia}),
        (_cudart, {"reported_release": linker.reported_release}),
        (_dl, {"path_of": lambda *_: "/resident", "is_deleted": lambda _: False}),
        (culprit, {"find_culprit": lambda *_: culprit.Culprit(kind="dlopen")}),
    ):
        ports.enter_context(patch.multiple(module, **names))
    ports.enter_context(patch.dict(_load.found_via, clear=True))
    ports.enter_context(patch.dict(os.environ, clear=True))


def _releases(version: str, wanted: Document) -> tuple[tuple[str, str], ...]:
    """The releases up to one, as far as they matter: itself, and the one that is asked for."""
    major, newest = numbers(version)
    asked = numbers(wanted.get("cudart", ""))[1:] if "." in wanted.get("cudart", "") else ()
    minors = sorted({newest, *(min(newest, minor) for minor in asked)} - {0}, reverse=True)
    return tuple((f"{major}.{minor}",) * 2 for minor in minors)


OPERATIONS = {"loader": loader}
