"""Where this user's caches lie: one folder for the builds and for what the doctor keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def cache_root(environ: Mapping[str, str], option: Path | None = None) -> Path:
    """The folder that an option, ``CXXRT_CACHE`` or the XDG base directories name; absolute.

    Args:
        environ: As ``os.environ``.
        option: What the command line says; None where it says nothing.
    """
    named = option or environ.get("CXXRT_CACHE")
    root = named or Path(environ.get("XDG_CACHE_HOME") or "~/.cache", "cxxrt")
    return Path(root).expanduser().absolute()
