"""Debian packages from the mirrors that this machine is configured with.

The mirrors are those of apt, python-apt and debootstrap, best first; this program names none of its
own. A wrong guess costs one "not found"; the hash decides about what is fetched.
"""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.progress import Progress
    from cxxrt_toolchain.runtime.recipe import Input

_VARIABLE = "CXXRT_DEBIAN_MIRROR"
_TIMEOUT = 30
"""Seconds without a byte."""
_ATTEMPTS = 3
"""Connections to one mirror for one file: a cut connection is resumed."""
_BLOCK = 1 << 17
_MOST = 1 << 30
"""Bytes: three times the largest input, GCC's own source. A mirror may send without end."""
_REPORT = 5.0
"""Seconds between two progress lines of one download."""
_PARTIAL = 206
_RANGE_NOT_SATISFIABLE = 416
_ROLLING = frozenset({"stable", "testing", "unstable", "sid", "oldstable"})


def debian_mirrors(environ: Mapping[str, str], root: Path = Path("/")) -> tuple[str, ...]:
    """Base addresses of Debian mirrors, without a trailing slash; `MissingToolError` without one.

    The environment's ``CXXRT_DEBIAN_MIRROR`` (several, separated by spaces or commas) is used
    alone. Else apt's own sources come first where the machine runs Debian, then what its packages
    know.
    """
    if chosen := environ.get(_VARIABLE, "").replace(",", " ").split():
        return _tidy(chosen)
    found = _tidy((*_from_apt(root), *_from_packages(root)))
    if not found:
        raise MissingToolError(
            "the build's inputs are Debian packages, and nothing on this machine names a Debian "
            "mirror: apt is not configured with one.",
            f"Set {_VARIABLE} to the base address of one (where its pool/ lies), or on Ubuntu: "
            "apt-get install debootstrap",
        )
    return found


def _tidy(uris: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(uri.rstrip("/") for uri in uris))


def _from_apt(root: Path) -> Iterator[str]:
    release = dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', _read(root / "etc/os-release")))
    if release.get("ID") != "debian":
        return
    known = frozenset({release.get("VERSION_CODENAME", "")} - {""})
    for uri, suites, components in _apt_sources(root):
        codenames = {suite.partition("-")[0] for suite in suites if "security" not in suite}
        of_debian = known & codenames and "security" not in uri
        rolling = _ROLLING & codenames and uri.rstrip("/").endswith("/debian")
        if "main" in components and (of_debian or rolling):
            yield from _expand(uri, root)


def _expand(uri: str, root: Path) -> Iterator[str]:
    """Resolve ``mirror+file:`` (apt-transport-mirror(1)); drop what is not a plain download."""
    if uri.startswith("mirror+file:"):
        listed = root / uri.removeprefix("mirror+file:").lstrip("/")
        for line in _read(listed).splitlines():
            if words := line.partition("#")[0].split():
                yield from _expand(words[0], root)
    elif uri.startswith(("http://", "https://", "file:")):
        yield uri


def _apt_sources(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """URI, suites and components of apt's binary sources, in both formats (sources.list(5))."""
    etc = root / "etc/apt"
    for file in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))):
        for line in _read(file).splitlines():
            words = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0]).split()
            if len(words) > 3 and words[0] == "deb":  # noqa: PLR2004 - type, URI, suite, component
                yield words[1], [words[2]], words[3:]
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", _read(file)):
            yield from _deb822(stanza)


def _deb822(stanza: str) -> Iterator[tuple[str, list[str], list[str]]]:
    lines = [line for line in stanza.splitlines() if not line.startswith("#")]
    unfolded = re.sub(r"\n[ \t]+", " ", "\n".join(lines))
    pairs = (line.partition(":") for line in unfolded.splitlines() if ":" in line)
    fields = {key.strip().lower(): value.split() for key, _, value in pairs}
    if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
        return
    for uri in fields.get("uris", []):
        yield uri, fields.get("suites", []), fields.get("components", [])


def _from_packages(root: Path) -> Iterator[str]:
    template = _read(root / "usr/share/python-apt/templates/Debian.info")
    yield from re.findall(r"(?m)^BaseURI:\s*(https?://\S*/debian/?)$", template)
    debootstrap = _read(root / "usr/sbin/debootstrap")
    yield from re.findall(r'(?m)^DEF_MIRROR="(https?://[^"]+)"', debootstrap)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorClient:
    """Downloads from the first mirror that has the package; asks for them only when it must."""

    mirrors: Callable[[], tuple[str, ...]]

    def download(self, item: Input, part: Path, progress: Progress) -> None:
        """Write a package to ``part``; `MissingToolError` has the answer of each mirror."""
        answers = []
        for mirror in self.mirrors():
            answer = _from_mirror(f"{mirror}/{quote(item.pool_path)}", part, progress)
            if answer is None:
                return
            answers.append(f"{mirror}: {answer}")
        raise MissingToolError(
            f"{item} cannot be fetched. {'; '.join(answers)}.",
            "Is there a network, and a proxy in the environment if it needs one? If a mirror no "
            f"longer has this version, set {_VARIABLE} to one that keeps old ones.",
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
                have += len(block)
                if have > _MOST:
                    out.truncate(0)
                    raise urllib.error.URLError(f"it sends more than {_megabytes(_MOST)}")
                out.write(block)
                if time.monotonic() - reported > _REPORT:
                    reported = time.monotonic()
                    progress.note(f"  {name}: {_megabytes(have)} of {_megabytes(total)}")
    if total is None or have == total:
        progress.note(f"fetched {name} ({_megabytes(have)})")
        return True
    return False


def _megabytes(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e6:.1f} MB"
