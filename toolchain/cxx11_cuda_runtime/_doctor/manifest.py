"""Sizes and digests of the vendored libraries, from ``manifest.json``.

In: the text. Out: frozen rows in load order. The schema is ``runtime-manifest.schema.json`` of the
ABI tag specification; the other keys are for build machines.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


class ManifestError(ValueError):
    """The text is not a runtime manifest; the message starts with the key's path."""


@dataclass(frozen=True)
class LibraryFile:
    """One library file as it was when the wheel was built."""

    soname: str
    path: str
    """Relative to the package's folder."""
    size: int
    sha256: str


def parse_manifest(text: str) -> tuple[LibraryFile, ...]:
    """The rows of ``libraries``.

    Raises:
        ManifestError: The text is not JSON, or a row lacks a key.
    """
    try:
        rows = json.loads(text)["libraries"]
        return tuple(
            LibraryFile(
                soname=row["soname"], path=row["path"], size=row["size"], sha256=row["sha256"]
            )
            for row in rows
        )
    except ValueError as error:
        raise ManifestError(f"manifest.json: {error}") from None
    except (KeyError, TypeError) as error:
        raise ManifestError(f"libraries: {error}") from None
