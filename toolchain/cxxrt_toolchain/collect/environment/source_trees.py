"""The files below a folder of a source tree that may be shared objects.

In: a folder. Out: real paths. A source tree may hold version control, environments, build trees
and links in circles: hidden folders, environments and folders that no import reads are skipped,
each folder is entered once, and at most `MOST_FOLDERS` are. The listing of a folder is kept in the
store: its mtime changes with every entry that comes or goes, so that a second run takes one
``stat`` per folder.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

from cxxrt_toolchain.collect.store import Store, identity

MOST_FOLDERS = 5_000
"""Folders of one tree; PyTorch's package has half as many."""
_MOST_ENTRIES = 50_000
"""Entries of one folder."""
_SHARED = ".so"
_SKIPPED = frozenset(
    {"__pycache__", "node_modules", "site-packages", "dist-packages", "CMakeFiles"}
)
_ENVIRONMENT = frozenset({"pyvenv.cfg", "conda-meta"})
"""What a virtual or conda environment has at its top."""
_KIND = "folders"


class Listing(NamedTuple):
    """The names in one folder that matter."""

    folders: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    """Files that may be shared objects."""
    links: tuple[str, ...] = ()
    """Symlinks to either; they are followed each time."""


class SourceTrees:
    """Lists folders, and keeps the listings between runs.

    `root` stands before every path, for the files of another mount namespace or below another root.
    Links are not followed there, because they mean its paths, not ours, and nothing is kept between
    runs.
    """

    def __init__(self, store: Store, root: str = "") -> None:
        self._store = Store() if root else store
        self.root = root

    def real(self, path: str) -> str:
        """The path after every symlink."""
        return path if self.root else os.path.realpath(path)

    def gather(self, folder: str) -> None:
        """Keep the listings of all folders below one in one shelf of the store."""
        self._store.gather(self.real(folder))

    def shared_below(self, folder: str) -> Iterator[str]:
        """The real paths of files below a folder, nearest first; empty if it is not a folder."""
        start = self.real(folder)
        waiting, seen = [start], {start}
        for at in waiting:  # grows while it is walked
            listing = self.listing(at)
            yield from (f"{at}/{name}" for name in listing.shared)
            found = [f"{at}/{name}" for name in listing.folders]
            for name in listing.links:
                real = self.real(f"{at}/{name}")
                if os.path.isdir(real):  # noqa: PTH112 - called for each link
                    found += [] if self.root else [real]
                elif may_be_shared(name):
                    yield real
            new = [each for each in dict.fromkeys(found) if each not in seen]
            seen.update(new)
            waiting += new[: MOST_FOLDERS - len(waiting)]

    def modules(self, path: str) -> Iterator[str]:
        """The real paths of ``path.*.so`` and ``path.so``; `path` with or without a suffix."""
        folder, _, stem = path.rpartition("/")
        stem = stem.partition(".")[0]
        listing = self.listing(folder or "/")
        for name in (*listing.shared, *listing.links):
            if name.partition(".")[0] == stem and may_be_shared(name):
                yield self.real(f"{folder}/{name}")

    def listing(self, folder: str) -> Listing:
        """The listing of a folder; empty for an environment's and for what is not a folder."""
        try:
            found = os.stat(folder)  # noqa: PTH116 - thousands of them
        except (OSError, ValueError):
            return Listing()
        key = identity(found)
        match self._store.get(_KIND, folder, key):
            case (tuple(folders), tuple(shared), tuple(links)):
                return Listing(folders, shared, links)
        listing = _list(folder)
        self._store.put(_KIND, folder, key, tuple(listing))
        return listing


def may_be_shared(name: str) -> bool:
    """Whether a file may be a shared object, by its name."""
    return _SHARED in name.rpartition("/")[2]


def _list(folder: str) -> Listing:
    folders, shared, links = [], [], []
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                name = entry.name
                if name in _ENVIRONMENT:
                    return Listing()
                if count >= _MOST_ENTRIES:
                    break
                if entry.is_symlink():
                    if may_be_shared(name) or "." not in name:
                        links.append(name)
                elif entry.is_dir():
                    if _is_of_interest(name):
                        folders.append(name)
                elif may_be_shared(name):
                    shared.append(name)
    except OSError:  # gone meanwhile, no folder, or not ours to look into
        return Listing()
    return Listing(tuple(sorted(folders)), tuple(sorted(shared)), tuple(sorted(links)))


def _is_of_interest(name: str) -> bool:
    """Whether a folder may hold libraries; of the hidden ones, libtool's ``.libs`` does."""
    return (name[0] != "." or name == ".libs") and name not in _SKIPPED
