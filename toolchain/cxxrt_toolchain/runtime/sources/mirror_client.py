"""Debian packages from a mirror, by plain download that can be resumed."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.sources.mirror import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cxxrt_toolchain.runtime.progress import Progress
    from cxxrt_toolchain.runtime.recipe import Input

_TIMEOUT = 30
"""Seconds without a byte."""
_ATTEMPTS = 3
"""Connections to one mirror for one file: a cut connection is resumed."""
_BLOCK = 1 << 17
_REPORT = 5.0
"""Seconds between two progress lines of one download."""
_PARTIAL = 206
_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorClient:
    """Downloads from the first mirror that has the package.

    Args:
        mirrors: Finds the base addresses; called only when something must be fetched.
    """

    mirrors: Callable[[], tuple[str, ...]]

    def download(self, item: Input, part: Path, progress: Progress) -> None:
        """Write a package to ``part``.

        Raises:
            MissingToolError: No mirror has it or can be reached; the message has each answer.
        """
        answers = []
        for mirror in self.mirrors():
            answer = _from_mirror(f"{mirror}/{quote(item.pool_path)}", part, progress)
            if answer is None:
                return
            answers.append(f"{mirror}: {answer}")
        raise MissingToolError(
            f"{item} cannot be fetched. {'; '.join(answers)}.",
            "Is there a network, and a proxy in the environment if it needs one? If a mirror no "
            f"longer has this version, set {VARIABLE} to one that keeps old ones.",
        )


def _from_mirror(url: str, part: Path, progress: Progress) -> str | None:
    """Fetch, with resumption; None when the body is complete, else the reason."""
    for _ in range(_ATTEMPTS):
        reason, again = _attempt(url, part, progress)
        if reason is None or not again:
            return reason
    return reason


def _attempt(url: str, part: Path, progress: Progress) -> tuple[str | None, bool]:
    """One connection: the reason of a failure or None, and whether another try can help."""
    try:
        return (None if _transfer(url, part, progress) else "the connection was cut"), True
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _RANGE_NOT_SATISFIABLE:
            part.unlink()
            return "the part that was there did not fit", True
        return f"{error.code} {error.reason}", False
    except urllib.error.URLError as error:
        return str(error.reason), False
    except (http.client.HTTPException, OSError) as error:
        return str(error) or type(error).__name__, True


def _transfer(url: str, part: Path, progress: Progress) -> bool:
    """One connection; whether the whole body is in ``part`` afterwards."""
    if not url.startswith(("http://", "https://", "file:")):
        raise urllib.error.URLError("only http, https and file addresses can be fetched")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url)  # noqa: S310 - the schemes are checked above
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310 - checked above
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
        resumed = response.status == _PARTIAL and begins is not None and int(begins[1]) == have
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        name = unquote(url.rpartition("/")[2])
        reported = time.monotonic()
        with part.open("ab" if resumed else "wb") as out:
            while block := response.read(_BLOCK):
                out.write(block)
                have += len(block)
                if time.monotonic() - reported > _REPORT:
                    reported = time.monotonic()
                    progress.note(f"  {name}: {_megabytes(have)} of {_megabytes(total)}")
    if total is None or have == total:
        progress.note(f"fetched {name} ({_megabytes(have)})")
        return True
    return False


def _megabytes(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e6:.1f} MB"
