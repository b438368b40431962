"""``manifest.json`` beside the libraries, as far as the doctor reads it: which file should be what.

What goes in: the text. What comes out: frozen rows in load order. The rest of the manifest is for
build machines (its schema: ``runtime-manifest.schema.json`` of the ABI tag specification).
"""

from __future__ import annotations

import json
from dataclasses import dataclass


class ManifestError(ValueError):
    """The text is no runtime manifest; the message starts with the key's path."""


@dataclass(frozen=True)
class LibraryFile:
    """One library file as it was when the wheel was built."""

    soname: str
    path: str
    """Relative to the package's folder."""
    size: int
    sha256: str


def parse_manifest(text: str) -> tuple[LibraryFile, ...]:
    """Read the rows of ``libraries``.

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
