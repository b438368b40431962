"""References to wheels: what a plan holds, and which of them a survey is about."""

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from heapq import nsmallest
from pathlib import Path

from cxxrt_toolchain.abi.filename import BadWheelNameError, parse_wheel_name
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.facts.installed import normalized

_LINUX = re.compile(r"(?:many|musl)?linux")
_PROJECT = ("project", "name", "package", "file_project")
_DOWNLOADS = ("downloads", "download_count", "num_downloads")
"""Names of columns, as the usual lists of downloads have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelRef:
    """One wheel: where it lies and what is known before anything is read."""

    filename: str
    place: str
    """A path, or an address without user, password and query."""
    size: int | None = None
    sha256: str | None = None
    upload_time: str | None = None
    """ISO 8601, UTC."""
    downloads: int | None = None
    members: tuple[tuple[str, int], ...] | None = None
    """Names and sizes of its shared objects, where a list of an index's contents gives them."""

    @property
    def project(self) -> str:
        """The normalized name."""
        return normalized(self.filename.partition("-")[0])


def is_linux_wheel(filename: str) -> bool:
    """Whether this is the name of a wheel that may hold Linux binaries, by its platform tag."""
    try:
        tags = parse_wheel_name(filename)
    except BadWheelNameError:
        return False
    return any(_LINUX.match(platform) for platform in tags.platform)


def utc(text: str) -> str:
    """A time or date as ISO 8601 in UTC, so that texts compare as times do.

    Raises:
        ValueError: The text has another form.
    """
    moment = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text.strip()))
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def since(refs: Iterable[WheelRef], moment: str) -> list[WheelRef]:
    """Those uploaded then or later; one whose time nobody knows is kept."""
    return [ref for ref in refs if ref.upload_time is None or ref.upload_time >= moment]


def sampled(refs: Iterable[WheelRef], count: int, seed: int) -> list[WheelRef]:
    """A random sample without replacement; the same for the same names, in whatever order."""

    def rank(ref: WheelRef) -> bytes:
        return hashlib.sha256(f"{seed}:{ref.filename}".encode()).digest()

    return nsmallest(count, refs, key=rank)


def weighted(ref: WheelRef, downloads: Mapping[str, int]) -> WheelRef:
    """The reference with the downloads of its project."""
    return replace(ref, downloads=downloads.get(ref.project)) if downloads else ref


def read_downloads(path: Path) -> dict[str, int]:
    """Downloads by normalized project, most first.

    Raises:
        InputError: It is no CSV file with a column of projects and one of downloads.
    """
    found: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = rows.fieldnames or ()
            project = next(name for name in _PROJECT if name in names)
            downloads = next(name for name in _DOWNLOADS if name in names)
            for row in rows:
                name = normalized(row[project] or "")
                found[name] = found.get(name, 0) + int(row[downloads])
    except StopIteration:
        wanted = f"{' or '.join(_PROJECT)}, and {' or '.join(_DOWNLOADS)}"
        raise InputError(f"{path} lacks a column: it needs {wanted}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path} is no table of downloads: {error}.") from error
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def parse_moment(text: str) -> str:
    """The argument of ``--since``."""
    try:
        return utc(text)
    except ValueError:
        raise UsageError(f"--since {text!r} is no date.", "For example 2026-11-01.") from None
