"""Describe the interpreter that runs this file; stands alone, Python 3.4 and later.

Protocol: the argument is a JSON object with the question and the file for the answer, which must
not exist. Start files and libraries may write to every descriptor, or close it::

    > {"answer": "FILE", "question": null}
    < {"python": "3.6.15", "glibc": "2.36", "path": ["DIR", …], "prefix": "DIR",
       "base_prefix": "DIR", "program": "…/python3.6", "free_threaded": false}
    > {"answer": "FILE", "question": {"epochs": {"1": {"architectures": ["x86_64"],
       "cuda_majors": [12]}}, "packaging": "DIR"}}
    < {…, "vetoes": [[1, 12, "x86_64"]], "manifest": "TEXT", "pip": "DIR", "tags": ["…"]}

``glibc`` is null with another C library; ``program`` is the ELF file that runs. ``manifest`` is the
text of the installed runtime wheel's, ``pip`` the folder that ``import pip`` would find it in, and
``tags`` what the ``packaging`` in DIR computes here: each of them null if there is none, ``tags``
also where that ``packaging`` is too new for this Python. ``vetoes`` are the questions that the
module ``_cxxrt`` of this environment answers with False (S-5), asked for the given epochs and for
the one that an installed runtime declares. Without a question, nothing is imported from the
environment except by its start files (``*.pth``, ``sitecustomize``); with one, only ``_cxxrt`` and
``packaging`` are. An exception of either ends this process.
"""

import itertools
import json
import os
import sys

TYPE_CHECKING = False  # importing typing costs more than answering
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

MOST_TEXT = 1 << 20
"""Bytes of a manifest."""
# Annotations are strings where an older Python could not evaluate them.


def main() -> None:
    """Read the question, write the answer, end without what was registered for the end."""
    leave_own_folder()
    argument = json.loads(sys.argv[1])
    question = argument["question"]
    answer = {
        "python": sys.version.split()[0].rstrip("+"),
        "glibc": glibc(),
        "path": absolute(sys.path),
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "program": os.path.realpath("/proc/self/exe"),
        "free_threaded": "t" in getattr(sys, "abiflags", ""),
    }
    if question is not None:
        answer.update(about_tags(question["epochs"], question["packaging"]))
    text = json.dumps(answer).encode()
    file = os.open(argument["answer"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    while text:
        text = text[os.write(file, text) :]
    os._exit(0)


def absolute(folders: "list[str]") -> "list[str]":
    """The absolute paths of folders; without relative ones if the working folder is deleted.

    A start file may have put other objects among them, which Python passes over.
    """
    folders = [each for each in folders if isinstance(each, str)]
    try:
        working = os.getcwd()
    except OSError:
        return [each for each in folders if os.path.isabs(each)]
    return [os.path.normpath(os.path.join(working, each)) for each in folders]


def leave_own_folder() -> None:
    """Undo that running a file makes its folder importable."""
    here = os.path.dirname(os.path.realpath(__file__))
    if sys.path and os.path.realpath(sys.path[0]) == here:
        del sys.path[0]


def glibc() -> "str | None":
    """The version of the C library, if it is glibc."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):  # another libc, another system
        return None
    return version if name == "glibc" else None


def about_tags(epochs: "dict[str, Any]", packaging: "str | None") -> "dict[str, Any]":
    """What decides which tags this environment supports."""
    manifest = installed_manifest()
    if manifest is not None:
        epochs.update(declared(manifest, epochs))
    return {
        "vetoes": vetoes(epochs),
        "manifest": manifest,
        "pip": folder_of("pip"),
        "tags": tags(packaging) if packaging else None,
    }


def folder_of(package: str) -> "str | None":
    """The folder on sys.path that holds a package, without importing it."""
    from importlib.util import find_spec

    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return os.path.dirname(next(iter(spec.submodule_search_locations)))


def installed_manifest() -> "str | None":
    """The text of the installed runtime wheel's manifest."""
    folder = folder_of("cxx11_cuda_runtime")
    path = os.path.join(folder or "", "cxx11_cuda_runtime", "manifest.json")
    if folder is None or not os.path.isfile(path) or os.path.getsize(path) > MOST_TEXT:
        return None
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def declared(text: str, known: "dict[str, Any]") -> "dict[str, Any]":
    """The epoch of an installed runtime, if the question does not name it."""
    try:
        document = json.loads(text)
        number, arch, cuda = document["epoch"], document["arch"], sorted(document["cudart"])
    except (ValueError, KeyError, TypeError):  # who asked reads it again, and complains
        return {}
    if str(number) in known:
        return {}
    return {str(number): {"architectures": [arch], "cuda_majors": [int(each) for each in cuda]}}


def vetoes(epochs: "dict[str, Any]") -> "list[tuple[int, int, str]]":
    """What this environment's ``_cxxrt`` refuses."""
    from importlib import import_module

    try:
        module = import_module("_cxxrt")
    except ImportError:
        return []
    compatible = getattr(module, "cxxrt_compatible", None)
    if compatible is None:
        return []
    return [
        (int(number), cuda or 0, arch)
        for number, row in sorted(epochs.items())
        for arch in row["architectures"]
        for cuda in itertools.chain((None,), row["cuda_majors"])
        if compatible(int(number), cuda, arch) is False
    ]


def tags(folder: str) -> "list[str] | None":
    """What the ``packaging`` in that folder computes for this interpreter, best first."""
    from importlib import import_module
    from importlib.machinery import PathFinder

    class Finder:
        """Finds that one package there, and nothing else."""

        @staticmethod
        def find_spec(
            name: str, _path: object = None, _target: object = None
        ) -> "ModuleSpec | None":
            return PathFinder.find_spec(name, [folder]) if name == "packaging" else None

    sys.meta_path.insert(0, Finder)
    try:
        packaging = import_module("packaging.tags")
    except SyntaxError:  # written for a newer Python
        return None
    return [str(tag) for tag in packaging.sys_tags()]


if __name__ == "__main__":
    main()
