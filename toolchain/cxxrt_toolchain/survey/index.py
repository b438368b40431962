"""The wheels of a simple index: JSON where it speaks it, else HTML.

Sources: PEP 503 (HTML), PEP 629 (its version), PEP 691 (JSON), PEP 700 (size and upload time), and
the serial numbers that PyPI's JSON has, by which a page that did not change since the last plan is
not fetched again. Metadata files (PEP 658, PEP 714) are not asked for: METADATA comes with the end
of a wheel, in a request that is needed anyway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.survey.refs import WheelRef, is_linux_wheel, utc
from cxxrt_toolchain.web.address import joined, parts_of, public
from cxxrt_toolchain.web.client import WebError

if TYPE_CHECKING:
    from cxxrt_toolchain.web.client import Client, Reply

_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = {"Accept": f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"}
_MOST_ROOT, _MOST_PAGE = 512 << 20, 128 << 20
"""Bytes of the list of projects (PyPI's has 40 MB) and of one project's page."""
_AT_ONCE = 8
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Page(NamedTuple):
    """What one project's page says."""

    project: str
    serial: int | None
    """Rises with every change of the project, where the index counts them."""
    refs: tuple[WheelRef, ...]
    others: int
    """Files that are no wheels for Linux, told by their names."""


class Index:
    """A simple index; `WebError` or `InputError` where it cannot be read."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self.url = f"{url.rstrip('/')}/"

    def projects(self) -> dict[str, int | None]:
        """Normalized names with their serials, in the index's order."""
        url, content = self._fetch(self.url, _MOST_ROOT)
        if isinstance(content, str):
            named: Iterable[tuple[str, int | None]] = (
                (_last_part(link.target) or link.text, None) for link in _links(url, content)
            )
        else:
            rows = _list(content, "projects", self.url)
            named = ((str(row.get("name", "")), _integer(row.get("_last-serial"))) for row in rows)
        found = {normalized(name): serial for name, serial in named}
        return {name: serial for name, serial in found.items() if _NAME.fullmatch(name)}

    def pages(self, projects: Mapping[str, int | None]) -> Iterator[Page]:
        """Their pages in this order, a few fetched ahead; a project without a page has no files."""
        names = iter(projects)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            ahead = [pool.submit(self._page, name) for name in islice(names, 2 * _AT_ONCE)]
            try:
                while ahead:
                    page = ahead.pop(0).result()
                    ahead += [pool.submit(self._page, name) for name in islice(names, 1)]
                    yield page._replace(serial=projects[page.project])
            finally:
                for each in ahead:
                    each.cancel()

    def _page(self, project: str) -> Page:
        url, content = self._fetch(f"{self.url}{project}/", _MOST_PAGE)
        if isinstance(content, str):
            files: Iterable[Mapping[str, Any]] = map(_file_of_link, _links(url, content))
        else:
            files = _list(content, "files", self.url)
        refs, others = [], 0
        for file in files:
            name = str(file.get("filename", ""))
            ref = _ref(url, name, file) if is_linux_wheel(name) else None
            if ref is None or ref.project != project:
                others += 1
            else:
                refs.append(ref)
        return Page(project, None, tuple(refs), others)

    def _fetch(self, url: str, most: int) -> tuple[str, str | Mapping[str, Any]]:
        """Where a page came from, and its JSON or HTML."""

        def read(reply: Reply) -> tuple[str, str | Mapping[str, Any]]:
            text = reply.body(most).decode("utf-8", "replace")
            if "json" not in reply.headers.get("Content-Type", ""):
                return reply.url, text
            try:
                content = json.loads(text)
            except ValueError as error:
                raise InputError(f"{public(url)}: not JSON: {error}.") from error
            if not isinstance(content, Mapping):
                raise InputError(f"{public(url)}: no page of a simple index.")
            meta = content.get("meta")
            _require_version(url, meta.get("api-version") if isinstance(meta, Mapping) else None)
            return reply.url, content

        try:
            return self._client.get(url, read, _ACCEPT)
        except WebError as error:
            raise error.about(url) from error


def _ref(page: str, name: str, file: Mapping[str, Any]) -> WheelRef | None:
    """A reference to a file of a page; None without an address of a server."""
    place = public(joined(page, str(file.get("url", ""))))
    if parts_of(place).scheme not in ("http", "https"):
        return None
    hashes = file.get("hashes")
    sha256 = str(hashes.get("sha256", "")).lower() if isinstance(hashes, Mapping) else ""
    try:
        uploaded = utc(str(file["upload-time"]))
    except (KeyError, ValueError):
        uploaded = None
    return WheelRef(
        filename=name,
        place=place,
        size=_integer(file.get("size")),
        sha256=sha256 if _SHA256.fullmatch(sha256) else None,
        upload_time=uploaded,
    )


def _list(content: Mapping[str, Any], key: str, url: str) -> list[Mapping[str, Any]]:
    rows = content.get(key)
    if not isinstance(rows, list):
        raise InputError(f"{public(url)}: its JSON has no list {key!r}: no simple index.")
    return [row for row in rows if isinstance(row, Mapping)]


def _integer(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _require_version(url: str, version: object) -> None:
    """`InputError` where a page has a layout of the future; without a version it has the first."""
    if version is not None and str(version).partition(".")[0] != "1":
        raise InputError(f"{public(url)}: version {str(version)[:20]!r} of the API is unknown.")


class _Link(NamedTuple):
    """A link of an HTML page."""

    target: str
    text: str


class _Links(HTMLParser):
    """Collects the links of a page, the address that they start from, and its version."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.found: list[_Link] = []
        self.version: str | None = None
        self._base = url
        self._target: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self._target = values.get("href")
        elif tag == "base":
            self._base = joined(self._base, values.get("href") or "")
        elif tag == "meta" and values.get("name") == "pypi:repository-version":
            self.version = values.get("content")

    def handle_data(self, data: str) -> None:
        if self._target:
            self.found.append(_Link(joined(self._base, self._target), data.strip()))
            self._target = None


def _links(url: str, page: str) -> list[_Link]:
    parser = _Links(url)
    parser.feed(page)
    _require_version(url, parser.version)
    return parser.found


def _file_of_link(link: _Link) -> dict[str, Any]:
    """A link as a file of a JSON page: PEP 503 puts the hash into the fragment."""
    algorithm, _, value = parts_of(link.target).fragment.partition("=")
    name = _last_part(link.target)
    return {"filename": name, "url": link.target, "hashes": {algorithm: value}}


def _last_part(url: str) -> str:
    return unquote(parts_of(url).path.rstrip("/").rpartition("/")[2])
