"""What is wrong with a library that another distribution brings, and what helps."""

from __future__ import annotations

import os
import re
import sys

from cxx11_cuda_runtime._blame.culprit import dist_infos, find_culprit, name_and_version
from cxx11_cuda_runtime._errors import (
    LibraryLoadError,
    ProviderMismatchError,
    ProviderNotFoundError,
    RuntimeLoadError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Row = Mapping[str, Any]


def installed(row: Row, roots: Iterable[str]) -> tuple[str, str]:
    """``name version`` and site folder of a row's distribution; empty where it is not installed."""
    wanted = _normalized(re.split(r"[^\w.-]", row["requirement"])[0])
    for root in roots:
        for entry in dist_infos(root or os.curdir):
            if _normalized(entry.partition("-")[0]) == wanted:
                return name_and_version(os.path.join(root, entry)), root
    return "", ""


def refuse_broken(rows: Sequence[Row], who: str) -> None:
    """Return if every value is a row; `ValueError` for the first that is not."""
    for row in rows:
        given = row if isinstance(row, dict) else {}
        texts = [given.get("soname"), given.get("requirement")]
        many = [given.get("places"), given.get("proof", ())]
        if not all(isinstance(text, str) for text in texts) or not all(
            isinstance(each, (list, tuple)) and all(isinstance(item, str) for item in each)
            for each in many
        ):
            raise ValueError(
                f"{who}: {row!r} is no row of a library: it takes the texts soname and "
                "requirement and a list of places."
            ) from None


def not_found(row: Row, who: str) -> RuntimeLoadError:
    """The error: no place of the row has a file. `ValueError` if the value is no row."""
    refuse_broken([row], who)
    soname, requirement = row["soname"], row["requirement"]
    message = (
        f"{who} needs {soname} of the distribution {re.split('[^a-zA-Z0-9.-]', requirement)[0]}"
    )
    found, root = installed(row, sys.path)
    if not found:
        return ProviderNotFoundError(f"{message}, which is not installed.", [_install(row)])
    unplaced = any(place.startswith("data:") for place in row["places"])
    if unplaced and _is_listed(root, found, soname):
        return ProviderNotFoundError(
            f"{message}. {found} is installed in {root}, and {soname} was not: "
            "'pip install --target' leaves out what a wheel installs beside its packages.",
            [
                f"uv pip install --target {root} '{requirement}'",
                "install into a virtual environment",
            ],
        )
    return ProviderNotFoundError(f"{message}; {found} in {root} has no such file.", [_install(row)])


def mismatch(row: Row, function: str, handle: int, who: str, path: str) -> RuntimeLoadError:
    """A library without a function of the proof: loaded by somebody before, or just now."""
    from cxx11_cuda_runtime import _dl

    soname, requirement = row["soname"], row["requirement"]
    message = f"{who} needs {function!r} of {soname} ({requirement}), and"
    if path:
        found, _ = installed(row, sys.path)
        text = f"{message} {path} lacks it{f'; {found} is installed' if found else ''}."
        return ProviderMismatchError(text, [_install(row)])
    path = _dl.path_of(handle, soname)
    culprit = find_culprit(path, soname)
    remedies = [f"import {who} first"]
    if culprit.module:
        remedies = [f"import {who} before {culprit.module.partition('.')[0]}"]
    return ProviderMismatchError(
        f"{message} this process already uses {path}, which lacks it; it was loaded by {culprit}.",
        remedies,
    )


def refused(rows: Sequence[Row], path: str, dlerror: str) -> RuntimeLoadError:
    """The dynamic linker does not load a file that the rows name."""
    requirements = " ".join(dict.fromkeys(f"'{row['requirement']}'" for row in rows))
    return LibraryLoadError(
        f"cannot load {path}: {dlerror}.",
        [f"pip install --force-reinstall --no-deps {requirements}"],
    )


def _install(row: Row) -> str:
    return f"pip install -U '{row['requirement']}'"


def _is_listed(root: str, found: str, soname: str) -> bool:
    """Whether the distribution's RECORD has a file of that name."""
    for entry in dist_infos(root):
        folder = os.path.join(root, entry)
        if name_and_version(folder) == found:
            try:
                with open(os.path.join(folder, "RECORD"), encoding="utf-8") as file:
                    return f"/{soname}," in file.read()
            except (OSError, UnicodeDecodeError):
                return False
    return False


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
