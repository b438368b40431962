"""The Debian mirrors that this machine is configured with.

In: the environment and the files of apt, python-apt and debootstrap below a root. Out: base
addresses, best first. This program names no mirror of its own and contacts none here. A wrong guess
costs one "not found"; the hash decides about what is fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VARIABLE = "CXXRT_DEBIAN_MIRROR"

_ROLLING = frozenset({"stable", "testing", "unstable", "sid", "oldstable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AptSource:
    """One line or stanza of apt's sources (sources.list(5))."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def debian_mirrors(environ: Mapping[str, str], root: Path = Path("/")) -> tuple[str, ...]:
    """Base addresses of Debian mirrors, without a trailing slash.

    The environment's ``CXXRT_DEBIAN_MIRROR`` (several, separated by spaces or commas) is used
    alone. Else apt's own sources come first where the machine runs Debian, then what its packages
    know of Debian.

    Raises:
        MissingToolError: This machine is not configured with one.
    """
    if chosen := environ.get(VARIABLE, "").replace(",", " ").split():
        return _tidy(chosen)
    found = _tidy((*_from_apt(root), *_from_packages(root)))
    if not found:
        raise MissingToolError(
            "the build's inputs are Debian packages, and nothing on this machine names a Debian "
            "mirror: apt is not configured with one.",
            f"Set {VARIABLE} to the base address of one (where its pool/ lies), or on Ubuntu: "
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
    for source in apt_sources(root):
        codenames = {suite.partition("-")[0] for suite in source.suites if "security" not in suite}
        of_debian = known & codenames and source.uri.count("security") == 0
        rolling = _ROLLING & codenames and source.uri.rstrip("/").endswith("/debian")
        if "main" in source.components and (of_debian or rolling):
            yield from _expand(source.uri, root)


def _expand(uri: str, root: Path) -> Iterator[str]:
    """Resolve ``mirror+file:`` (apt-transport-mirror(1)); drop what is not a plain download."""
    if uri.startswith("mirror+file:"):
        listed = root / uri.removeprefix("mirror+file:").lstrip("/")
        for line in _read(listed).splitlines():
            if words := line.partition("#")[0].split():
                yield from _expand(words[0], root)
    elif uri.startswith(("http://", "https://", "file:")):
        yield uri


def apt_sources(root: Path) -> Iterator[AptSource]:
    """The enabled binary sources of apt, in both of its formats."""
    etc = root / "etc/apt"
    for file in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))):
        for line in _read(file).splitlines():
            if source := _one_line(line):
                yield source
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", _read(file)):
            yield from _deb822(stanza)


def _one_line(line: str) -> AptSource | None:
    words = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0]).split()
    if len(words) < 4 or words[0] != "deb":  # noqa: PLR2004 - type, URI, suite, component
        return None
    return AptSource(uri=words[1], suites=(words[2],), components=tuple(words[3:]))


def _deb822(stanza: str) -> Iterator[AptSource]:
    lines = [line for line in stanza.splitlines() if not line.startswith("#")]
    unfolded = re.sub(r"\n[ \t]+", " ", "\n".join(lines))
    pairs = (line.partition(":") for line in unfolded.splitlines() if ":" in line)
    fields = {key.strip().lower(): value.split() for key, _, value in pairs}
    if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
        return
    for uri in fields.get("uris", []):
        yield AptSource(
            uri=uri,
            suites=tuple(fields.get("suites", [])),
            components=tuple(fields.get("components", [])),
        )


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
