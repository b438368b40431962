"""Check a finished build, and write ``figures.json``, before its folder gets its final name."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import StepFailedError
from cxxrt_toolchain.runtime.conformity import Figures, broken_promises, figures

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.runtime.recipe import Component

_FILE = "figures.json"


def verify_build(work: Path, *, component: Component, arch: str, floor: str) -> None:
    """Write a build's figures; `StepFailedError`: a missing library or a broken promise."""
    faults: list[str] = []
    rows: list[Figures] = []
    for library in component.for_arch(arch):
        path = work / "lib" / library.soname
        if not path.is_file():
            faults.append(f"{library.soname} was not built.")
            continue
        facts, reference = read_library(path), _reference(work, library.soname)
        faults += broken_promises(
            library.soname,
            facts,
            arch=arch,
            floor=floor,
            ref=reference,
            namespace=component.namespace,
        )
        if os.fsencode(work) in path.read_bytes():
            faults.append(f"{library.soname} holds the path of the build folder.")
        rows.append(figures(library.soname, facts, path.stat().st_size, reference))
    if faults:
        raise StepFailedError(f"the build of {component.name} is not usable: {' '.join(faults)}")
    text = json.dumps([asdict(row) for row in rows], indent=2)
    (work / _FILE).write_text(text + "\n", encoding="utf-8")


def load_figures(folder: Path) -> tuple[Figures, ...]:
    """The figures that ``verify_build`` wrote."""
    rows = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return tuple(
        Figures(**{**row, "provides": tuple((name, version) for name, version in row["provides"])})
        for row in rows
    )


def read_library(path: Path) -> SharedObject:
    """The facts of a library, with its symbols."""
    with path.open("rb") as stream:
        return read_elf(stream, path.name, symbols=True)


def _reference(work: Path, soname: str) -> SharedObject | None:
    """The distribution's build; Debian's library packages have one file of that name, or a link."""
    found = sorted(path for path in (work / "reference").rglob(soname) if path.is_file())
    return read_library(found[0]) if found else None
