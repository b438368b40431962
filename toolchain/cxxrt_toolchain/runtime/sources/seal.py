"""What a finished folder of the cache holds: the SHA-256 of each file that is packed, or read.

The name of a folder says what it was made from; only its seal says that it still is what was made.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.runtime.sources.fetch import sha256_of

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.progress import Progress

_SEAL = "sealed.json"
_SEALED = ("figures.json", "lib", "licenses")
"""What goes into a wheel, and what is said of it; a compiler that is kept beside does not."""


def seal(folder: Path) -> None:
    """Write down what a folder holds."""
    (folder / _SEAL).write_text(json.dumps(_sums(folder), indent=1) + "\n", encoding="utf-8")


def is_intact(
    folder: Path,
    progress: Progress | None = None,
    source: tuple[Path, Collection[str]] | None = None,
) -> bool:
    """Whether a folder exists and holds what was sealed; `progress` gets a line if it does not.

    `source` is a wheel and the members that were unpacked: then the files are compared with these,
    whatever the seal says.
    """
    if not folder.is_dir():
        return False
    damage = _damage(folder) or (_difference(folder, *source) if source else "")
    if damage and progress is not None:
        progress.note(f"{folder} is damaged ({damage}); making it again")
    return not damage


def _damage(folder: Path) -> str:
    try:
        sealed = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        found = _sums(folder)
    except FileNotFoundError:
        return "it has no record of its files"
    except (OSError, ValueError, RecursionError) as error:
        return str(error)
    if not isinstance(sealed, dict):
        return f"{_SEAL} is no record of files"
    names = sorted(name for name in {*sealed, *found} if sealed.get(name) != found.get(name))
    return ", ".join(names[:3])


def _difference(folder: Path, wheel: Path, members: Collection[str]) -> str:
    """The first file that is not byte for byte in the wheel."""
    known = {member.rpartition("/")[2]: member for member in members}
    files = [path for path in folder.glob("l*/*") if path.is_file()]  # lib and licenses
    with zipfile.ZipFile(wheel) as archive:
        for path in files:
            member = known.get(path.name)
            if member is None or path.is_symlink() or path.read_bytes() != archive.read(member):
                return f"{path.name} is not that of {wheel.name}"
    return "" if len(files) == len(known) else f"not all files of {wheel.name} are there"


def _sums(folder: Path) -> dict[str, str]:
    """The digest of each file, by its path; of a link where it leads."""
    found = {}
    for top in (folder / name for name in _SEALED):
        for path in sorted([top, *top.rglob("*")] if top.is_dir() else [top]):
            name = str(path.relative_to(folder))
            if path.is_symlink():
                found[name] = f"link to {path.readlink()}"
            elif path.is_file():
                found[name] = sha256_of(path)
    return found
