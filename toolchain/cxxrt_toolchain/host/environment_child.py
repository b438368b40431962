"""Describe the interpreter that runs this file; stands alone, Python 3.7 and later.

Protocol: standard input is one JSON object, the last line of standard output is the answer::

    > {"epochs": {"1": {"architectures": ["x86_64"], "cuda_majors": [12]}}, "packaging": "DIR"}
    < {"python": "3.11.7", "glibc": "2.36", "vetoes": [[1, 12, "x86_64"]],
       "manifest": {"path": "…/manifest.json", "text": "…"}, "pip": "DIR", "tags": ["…"]}

``glibc``, ``manifest``, ``pip`` (the directory that ``import pip`` would find it in) and ``tags``
are null where there is nothing to say. ``tags`` is what the ``packaging`` in DIR computes here,
null if DIR is or where it is too new for this Python. ``vetoes`` are the questions that the module
``_cxxrt`` of this environment answers with False (S-5), asked for the given epochs and for the one
that an installed runtime declares. Nothing is imported but that module and ``packaging``; an
exception of either ends this process.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

TYPE_CHECKING = False  # importing typing costs more than answering
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any


def main() -> None:
    """Read the question, write the answer."""
    leave_own_folder()
    question = json.load(sys.stdin)
    manifest = installed_manifest()
    epochs = dict(question["epochs"])
    if manifest is not None:
        epochs.update(declared(manifest["text"], epochs))
    answer = {
        "python": platform.python_version(),
        "glibc": glibc(),
        "vetoes": vetoes(epochs),
        "manifest": manifest,
        "pip": folder_of("pip"),
        "tags": tags(question["packaging"]) if question["packaging"] else None,
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def leave_own_folder() -> None:
    """Undo that running a file makes its folder importable."""
    here = Path(__file__).resolve().parent
    if sys.path and Path(sys.path[0]).resolve() == here:
        del sys.path[0]


def glibc() -> str | None:
    """The version of the C library, if it is glibc."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):  # another libc, another system
        return None
    return version if name == "glibc" else None


def folder_of(package: str) -> str | None:
    """The directory on sys.path that holds a package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return str(Path(next(iter(spec.submodule_search_locations))).parent)


def installed_manifest() -> dict[str, str] | None:
    """Path and text of the installed runtime wheel's manifest."""
    folder = folder_of("cxx11_cuda_runtime")
    if folder is None:
        return None
    path = Path(folder, "cxx11_cuda_runtime", "manifest.json")
    return {"path": str(path), "text": path.read_text(encoding="utf-8")} if path.is_file() else None


def declared(text: str, known: dict[str, Any]) -> dict[str, Any]:
    """The epoch of an installed runtime, if the questioner does not know it."""
    try:
        document = json.loads(text)
        number, arch, cuda = document["epoch"], document["arch"], sorted(document["cudart"])
    except (ValueError, KeyError, TypeError):  # the questioner reads it again, and complains
        return {}
    if str(number) in known:
        return {}
    return {str(number): {"architectures": [arch], "cuda_majors": [int(each) for each in cuda]}}


def vetoes(epochs: dict[str, Any]) -> list[tuple[int, int, str]]:
    """What this environment's ``_cxxrt`` refuses."""
    try:
        module = importlib.import_module("_cxxrt")
    except ImportError:
        return []
    compatible = getattr(module, "cxxrt_compatible", None)
    if compatible is None:
        return []
    return [
        (int(number), cuda or 0, arch)
        for number, row in sorted(epochs.items())
        for arch in row["architectures"]
        for cuda in (None, *row["cuda_majors"])
        if compatible(int(number), cuda, arch) is False
    ]


def tags(folder: str) -> list[str] | None:
    """What the ``packaging`` in that directory computes for this interpreter, best first."""

    class Finder:
        """Finds that one package there, and nothing else."""

        @staticmethod
        def find_spec(name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            return PathFinder.find_spec(name, [folder]) if name == "packaging" else None

    sys.meta_path.insert(0, Finder)
    try:
        packaging = importlib.import_module("packaging.tags")
    except SyntaxError:  # written for a newer Python
        return None
    return [str(tag) for tag in packaging.sys_tags()]


if __name__ == "__main__":
    main()
