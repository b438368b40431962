"""What is installed where a process has its files from.

In: `ProcessFacts`. Out: its `Interpreter` with the folders that it imports from, found above what
is mapped: the process is not asked anything. Lists folders; of files, reads the manifest of an
installed runtime only.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.manifest import ManifestError
from cxxrt_toolchain.doctor.interpreter import Interpreter
from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.host.runtime_folder import find_runtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cxxrt_toolchain.doctor.procfs import ProcessFacts

_PYTHON = re.compile(r"(?:lib)?python(\d\.\d+)")
_SYSTEM = ("/lib", "/usr/lib")
_SITES = ("/site-packages/", "/dist-packages/")


def interpreter_of(facts: ProcessFacts) -> Interpreter:
    """The interpreter that the process runs, as far as its files tell; any other program, too."""
    names = (facts.executable, *(each.path for each in facts.files if "/libpython" in each.path))
    versions = (match[1] for name in names if (match := _PYTHON.search(name.rpartition("/")[2])))
    base = facts.executable.rpartition("/bin/")[0]
    folders = dict.fromkeys((*_sites(facts), *_listed(facts.environment)))
    return Interpreter(
        executable=facts.executable,
        program=facts.executable,
        python=next(versions, ""),
        glibc="",
        prefix=facts.environment.get("CONDA_PREFIX", base),
        base_prefix=base,
        path=tuple(facts.root + folder for folder in folders),
    )


def _listed(environment: Mapping[str, str]) -> Iterator[str]:
    yield from filter(None, environment.get("PYTHONPATH", "").split(":"))


def _sites(facts: ProcessFacts) -> Iterator[str]:
    """Folders that hold installed distributions, above the files that are mapped."""
    parents = dict.fromkeys(each.path.rpartition("/")[0] for each in facts.files)
    known: dict[str, bool] = {}
    for parent in parents:
        of_system = parent.startswith(_SYSTEM) or parent.endswith("/lib-dynload")
        if of_system and "/dist-packages" not in parent:
            continue
        site = next((name for name in _SITES if name in f"{parent}/"), None)
        if site is not None:
            yield f"{parent}/".partition(site)[0] + site.rstrip("/")
            continue
        folder = parent
        for _ in range(4):
            if folder.count("/") < 2:  # noqa: PLR2004 - nothing is installed at the root
                break
            if folder not in known:
                known[folder] = _holds_distributions(facts.root + folder)
            if known[folder]:
                yield folder
            folder = folder.rpartition("/")[0]


def _holds_distributions(folder: str) -> bool:
    try:
        return any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(folder))  # noqa: PTH208 - names
    except OSError:
        return False


def runtime_version(search: Iterable[str]) -> str:
    """The newest ``GLIBCXX`` of the runtime wheel in some folders; empty without one."""
    try:
        manifest = find_runtime(search).manifest
    except (MissingToolError, ManifestError, OSError):
        return ""
    highest = manifest.highest("GLIBCXX")
    return f"GLIBCXX_{highest}" if highest else ""
