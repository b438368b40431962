"""Inputs to verified files in the cache.

A file gets its name in the cache only after its hash was checked; what is incomplete lies beside it
as ``.part`` and is resumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.runtime.recipe import Input, Kind
from cxxrt_toolchain.runtime.sources.cache import locked

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.progress import Progress

_SUFFIX = {Kind.DEBIAN: ".deb", Kind.PYPI: ".whl"}
_BLOCK = 1 << 20


class Downloader(Protocol):
    """Fetches inputs of one kind."""

    def download(self, item: Input, part: Path, progress: Progress) -> None:
        """Write the input's content to ``part``, going on where an earlier try stopped.

        `MissingToolError`: it cannot be fetched; `InputError`: it has another hash.
        """


def cached_path(item: Input, downloads: Path) -> Path:
    """Where an input lies once it has been fetched."""
    suffix = ".tar" if item.is_tarball else _SUFFIX[item.kind]
    return downloads / f"{item.sha256}{suffix}"


def fetch(
    items: Iterable[Input],
    *,
    downloads: Path,
    downloaders: Mapping[Kind, Downloader],
    progress: Progress,
) -> dict[Input, Path]:
    """Fetch what the cache does not have.

    `InputError`: a file has another hash than its pin; `MissingToolError`: it cannot be fetched, or
    the cache cannot be written.
    """
    return {
        item: _fetch_one(item, cached_path(item, downloads), downloaders[item.kind], progress)
        for item in items
    }


def _fetch_one(item: Input, file: Path, downloader: Downloader, progress: Progress) -> Path:
    if _intact(item, file, progress):
        return file
    with locked(file):
        if _intact(item, file, progress):  # another run was faster
            return file
        part = file.with_name(f"{file.name}.part")
        resumed = part.exists()
        downloader.download(item, part, progress)
        actual = sha256_of(part)
        if actual != item.sha256 and resumed:
            # The part came from another file of that name: fetch it again from the start.
            part.unlink()
            downloader.download(item, part, progress)
            actual = sha256_of(part)
        if actual != item.sha256:
            part.unlink()
            raise wrong_hash(item, actual)
        part.replace(file)
    return file


def _intact(item: Input, file: Path, progress: Progress) -> bool:
    if not file.is_file():
        return False
    if sha256_of(file) == item.sha256:
        return True
    progress.note(f"{file} is damaged; fetching {item} again")
    file.unlink(missing_ok=True)
    return False


def sha256_of(file: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def wrong_hash(item: Input, actual: str) -> InputError:
    """The error for content that is not what was pinned."""
    return InputError(
        f"{item}: wrong sha256. Expected {item.sha256}, got {actual}.",
        "Nothing of it was kept. Either the mirror is at fault, or the pin in the recipe is.",
    )
