"""Who loaded a library: the object that needs it, and the Python package that the object is of.

The dynamic linker appends a newcomer and then what it needs, so the nearest earlier object with the
library in its ``DT_NEEDED`` brought it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Literal

from cxx11_cuda_runtime import _dl
from cxx11_cuda_runtime._blame.elf import read_elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind = Literal["executable", "preload", "module", "library", "dlopen"]


@dataclass(frozen=True)
class Culprit:
    """What brought a library into the process."""

    kind: Kind
    """The program itself, LD_PRELOAD, a Python extension, another library, or a bare dlopen."""
    path: str = ""
    """The object that needs the library; "" for dlopen, and where LD_PRELOAD names the library."""
    module: str = ""
    """Imported module or package that the object belongs to."""
    distribution: str = ""
    """``name version`` of the installed distribution that lists the object in its RECORD."""

    def __str__(self) -> str:
        if self.kind == "preload":
            return f"{self.path}, which LD_PRELOAD names" if self.path else "LD_PRELOAD"
        if self.kind == "executable":
            return f"the program itself, {self.path}"
        if self.kind == "dlopen":
            return "a direct dlopen (ctypes, or another package's loader)"
        owner = f", import of {self.module!r}" if self.module else ""
        listed = f", from {self.distribution}" if self.distribution else ""
        return f"{self.path}{owner}{listed}"


def find_culprit(library: str, soname: str) -> Culprit:
    """Name who loaded a library of this process."""
    ld_preload = os.environ.get("LD_PRELOAD", "")
    if _is_preloaded(library, ld_preload):
        return Culprit(kind="preload")
    objects = _dl.loaded_paths()
    earlier = objects[: objects.index(library)] if library in objects else objects
    path = next((path for path in reversed(earlier) if _needs(path, soname)), "")
    if not path:
        return Culprit(kind="dlopen")
    if path == objects[0]:
        return Culprit(kind="executable", path=path)
    if _is_preloaded(path, ld_preload):
        return Culprit(kind="preload", path=path)
    module, is_extension = _module_of(path)
    return Culprit(
        kind="module" if is_extension else "library",
        path=path,
        module=module,
        distribution=distributions_of([path], sys.path).get(path, ""),
    )


def distributions_of(paths: Sequence[str], sys_path: Sequence[str]) -> dict[str, str]:
    """``name version`` of the distribution that lists a file in its RECORD, by absolute path."""
    found: dict[str, str] = {}
    for root in filter(None, dict.fromkeys(sys_path)):
        rows = {os.path.relpath(p, root): p for p in paths if p.startswith(root + os.sep)}
        for entry in dist_infos(root) if rows else ():
            listed = rows.keys() & set(_recorded(os.path.join(root, entry, "RECORD")))
            name = name_and_version(os.path.join(root, entry)) if listed else ""
            for row in listed:
                found.setdefault(rows[row], name)
    return found


def dist_infos(root: str) -> list[str]:
    """Names of the folders with a distribution's metadata in a site folder."""
    try:
        return [entry for entry in os.listdir(root) if entry.endswith(".dist-info")]
    except OSError:
        return []


def name_and_version(dist_info: str) -> str:
    """As METADATA spells them, else as the folder's name does, which has no hyphens."""
    fields: dict[str, str] = {}
    try:
        with open(os.path.join(dist_info, "METADATA"), encoding="utf-8", errors="replace") as file:
            for line in file:
                name, colon, value = line.partition(":")
                if not colon:  # the end of the header
                    break
                fields.setdefault(name, value.strip())
    except OSError:
        pass
    if "Name" in fields and "Version" in fields:
        return f"{fields['Name']} {fields['Version']}"
    return " ".join(os.path.basename(dist_info)[: -len(".dist-info")].rsplit("-", 1))


def _recorded(record: str) -> Iterator[str]:
    """The paths in a RECORD, relative to its root; none where it cannot be read."""
    try:
        with open(record, encoding="utf-8", errors="replace") as file:
            for line in file:
                yield line.rsplit(",", 2)[0].strip('"')
    except OSError:
        return


def _is_preloaded(library: str, ld_preload: str) -> bool:
    """Whether an entry is that file; one without a slash is a name that the linker looked up."""
    real = os.path.realpath(library)
    names = os.path.basename(library), os.path.basename(real)
    return any(
        os.path.realpath(entry) == real if "/" in entry else entry in names
        for entry in ld_preload.replace(":", " ").split()
    )


def _needs(path: str, soname: str) -> bool:
    facts = read_elf(path)
    return facts is not None and soname in facts.needed


def _module_of(path: str) -> tuple[str, bool]:
    """Name the module that is this file, or the package around it; and whether it is the first."""
    best = ("", "")
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        if file == path or os.path.realpath(file) == os.path.realpath(path):
            return name, True
        folder = os.path.dirname(file) + os.sep
        if os.path.basename(file).startswith("__init__.") and path.startswith(folder):
            best = max(best, (folder, name), key=lambda row: len(row[0]))
    return best[1], False
