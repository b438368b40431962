"""Where this user's caches lie: one folder for the builds and for what the doctor keeps."""

from collections.abc import Mapping
from pathlib import Path

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.wording import quoted


def cache_root(environ: Mapping[str, str], option: Path | None = None) -> Path:
    """The folder that an option, ``CXXRT_CACHE`` or the XDG base directories name; absolute."""
    named = option or environ.get("CXXRT_CACHE")
    return expanded(named or Path(environ.get("XDG_CACHE_HOME") or "~/.cache", "cxxrt"))


def expanded(folder: Path | str) -> Path:
    """The absolute path of a folder; `UsageError`: ``~`` names a user without a home folder."""
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(
            f"the folder {quoted(str(folder))} cannot be found: {str(error).rstrip('.')}.",
            "Look at CXXRT_CACHE, CXXRT_DOWNLOADS, XDG_CACHE_HOME and HOME.",
        ) from None
