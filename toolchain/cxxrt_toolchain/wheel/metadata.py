"""The three texts of a ``.dist-info`` directory: WHEEL, METADATA and RECORD.

What goes in: the bytes of one of them. What comes out: a value, and from a value the text again.
METADATA is edited line by line, so that what is not edited, known or unknown, stays byte for
byte; RECORD's rows are CSV as the specification says.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import parse_tag
from packaging.utils import canonicalize_name

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.wheel.fields import FIELD, raw_fields, split_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from packaging.tags import Tag

_MOST_TAGS = 4096
_KNOWN_KEYS = ("wheel-version", "generator", "root-is-purelib", "tag", "build")


class MetadataError(InputError):
    """A text of ``.dist-info`` that cannot be read, or a value that cannot be written there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """The WHEEL file."""

    wheel_version: str = "1.0"
    generator: str
    root_is_purelib: bool
    tags: tuple[str, ...]
    """Each as written, in file order; usually expanded (``py3-none-any``)."""
    build: str | None = None
    other: tuple[tuple[str, str], ...] = ()
    """Keys that the specification does not know."""

    @classmethod
    def parse(cls, text: str) -> WheelFile:
        """Read a WHEEL file.

        Raises:
            MetadataError: A key is missing, repeated or has a value that no wheel may have.
        """
        rows = [
            (name.lower(), name, value) for name, value in _plain_fields(text.encode(), "WHEEL")
        ]
        known: dict[str, list[str]] = {}
        for key, _, value in rows:
            known.setdefault(key, []).append(value)
        for key in ("wheel-version", "root-is-purelib", "tag"):
            if key not in known:
                raise MetadataError(f"WHEEL has no {key.title()}.")
        for key in ("wheel-version", "root-is-purelib", "build"):
            if len(known.get(key, ())) > 1:
                raise MetadataError(f"WHEEL has {key.title()} more than once.")
        purelib = known["root-is-purelib"][0].lower()
        if purelib not in ("true", "false"):
            raise MetadataError(f"WHEEL: Root-Is-Purelib is {purelib!r}, neither true nor false.")
        for tag in known["tag"]:
            _expanded(tag)
        return cls(
            wheel_version=known["wheel-version"][0],
            generator=known.get("generator", [""])[0],
            root_is_purelib=purelib == "true",
            tags=tuple(known["tag"]),
            build=known.get("build", [None])[0],
            other=tuple((name, value) for key, name, value in rows if key not in _KNOWN_KEYS),
        )

    def __str__(self) -> str:
        rows = [("Wheel-Version", self.wheel_version), ("Generator", self.generator)]
        rows.append(("Root-Is-Purelib", "true" if self.root_is_purelib else "false"))
        rows += [("Tag", tag) for tag in self.tags]
        if self.build is not None:
            rows.append(("Build", self.build))
        rows += self.other
        for name, value in rows:
            _require_one_line(f"WHEEL: {name}", value)
        return "".join(f"{name}: {value}\n" for name, value in rows)

    @property
    def expanded_tags(self) -> frozenset[Tag]:
        """What the ``Tag`` lines stand for."""
        return frozenset(tag for text in self.tags for tag in _expanded(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """A METADATA file: the fields that we read, and all of its bytes."""

    text: bytes
    name: str
    version: str
    metadata_version: str
    requires_dist: tuple[str, ...]
    """As written, unfolded."""

    @classmethod
    def parse(cls, text: bytes) -> CoreMetadata:
        """Read a METADATA file.

        Raises:
            MetadataError: Name, version or metadata version is missing or repeated.
        """
        raw, unparsed = parse_email(text)
        for key in ("metadata-version", "name", "version"):
            if key in unparsed:
                raise MetadataError(f"METADATA has more than one {key.title()}, or a broken one.")
        name, version = raw.get("name"), raw.get("version")
        metadata_version = raw.get("metadata_version")
        if not name or not version or not metadata_version:
            raise MetadataError("METADATA lacks Metadata-Version, Name or Version.")
        return cls(
            text=text,
            name=name,
            version=version,
            metadata_version=metadata_version,
            requires_dist=tuple(" ".join(text.split()) for text in raw.get("requires_dist", ())),
        )

    def requirements(self) -> tuple[Requirement, ...]:
        """``Requires-Dist`` as values.

        Raises:
            MetadataError: One of them is no requirement.
        """
        return tuple(map(_requirement, self.requires_dist))

    def with_requirement(self, requirement: str) -> CoreMetadata:
        """The same metadata with one requirement in place of all those on the same project.

        Only unconditional ones are replaced: what a marker restricts to an extra or a platform
        is someone else's sentence.
        """
        name = canonicalize_name(_requirement(requirement).name)

        def same(value: str) -> bool:
            old = _requirement(value)
            return canonicalize_name(old.name) == name and old.marker is None

        return self.edited(add=(requirement,), remove=same)

    def without_requirement(self, name: str) -> CoreMetadata:
        """The same metadata without any requirement on a project."""
        wanted = canonicalize_name(name)
        return self.edited(
            remove=lambda value: canonicalize_name(_requirement(value).name) == wanted
        )

    def edited(
        self,
        *,
        add: Sequence[str] = (),
        remove: Callable[[str], bool] = lambda _: False,
    ) -> CoreMetadata:
        """The same metadata with ``Requires-Dist`` lines added and removed.

        Args:
            add: Requirements, put behind the last ``Requires-Dist``, or at the end of the fields.
            remove: Which of the present ones go; called with the requirement's text.

        Raises:
            MetadataError: An added text is no requirement, or more than one line; or what stands
                before its place hides it from readers.
        """
        head, body = split_body(self.text)
        newline = b"\r\n" if b"\r\n" in head else b"\n"
        fields = list(raw_fields(head))
        kept = [field for field in fields if not _is_removed(field, remove)]
        last = max((i for i, f in enumerate(kept) if _is_requirement(f)), default=len(kept) - 1)
        new = [b"Requires-Dist: " + _one_line(text).encode() + newline for text in add]
        if new and kept and not kept[last].endswith(b"\n"):
            kept[last] += newline
        found = CoreMetadata.parse(b"".join([*kept[: last + 1], *new, *kept[last + 1 :], body]))
        if not {" ".join(text.split()) for text in add}.issubset(found.requires_dist):
            raise MetadataError("METADATA has a line among its fields that ends them for a reader.")
        return found


def requires_dist(text: bytes) -> tuple[str, ...]:
    """The ``Requires-Dist`` values of a METADATA file, as written."""
    return CoreMetadata.parse(text).requires_dist


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RecordRow:
    """One row of RECORD."""

    path: str
    hash: str
    """``<algorithm>=<urlsafe base64 without padding>``; empty for RECORD itself."""
    size: int | None
    """Bytes."""


def sha256_field(digest: bytes) -> str:
    """A SHA-256 digest as RECORD spells it."""
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def record_row(path: str, content: bytes) -> RecordRow:
    """The row of a file with this content."""
    return RecordRow(
        path=path, hash=sha256_field(hashlib.sha256(content).digest()), size=len(content)
    )


def parse_record(text: bytes) -> tuple[RecordRow, ...]:
    """Read RECORD.

    Raises:
        MetadataError: It is no UTF-8 or CSV, or a row has not three fields or no size.
    """
    rows = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text.decode(), newline="")), 1):
            if not row:
                continue
            if len(row) != 3 or (row[2] and not (row[2].isascii() and row[2].isdigit())):  # noqa: PLR2004
                raise MetadataError(f"RECORD line {number} is not path, hash, size: {row!r}.")
            size = int(row[2]) if row[2] else None
            rows.append(RecordRow(path=row[0], hash=row[1], size=size))
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise MetadataError(f"RECORD cannot be read: {error}.") from error
    return tuple(rows)


def format_record(rows: Iterable[RecordRow]) -> bytes:
    """RECORD's text, rows as given."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow((row.path, row.hash, "" if row.size is None else row.size))
    return buffer.getvalue().encode()


def _requirement(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise MetadataError(f"{text!r} is no requirement: {error}.") from error


def _expanded(text: str) -> frozenset[Tag]:
    if prod(field.count(".") + 1 for field in text.split("-")) > _MOST_TAGS:
        raise MetadataError(f"WHEEL: a Tag line expands to more than {_MOST_TAGS} tags.")
    try:
        return parse_tag(text)
    except ValueError as error:
        raise MetadataError(f"WHEEL: {text!r} is no tag.") from error


def _one_line(text: str) -> str:
    _require_one_line("Requires-Dist", text)
    _requirement(text)
    return text


def _require_one_line(what: str, text: str) -> None:
    if len(text.splitlines()) > 1 or text.endswith(("\n", "\r")):
        raise MetadataError(f"{what} has a line break in its value: {text!r}.")


def _plain_fields(text: bytes, what: str) -> Iterator[tuple[str, str]]:
    head, body = split_body(text)
    if body.strip():
        raise MetadataError(f"{what} has text behind its fields.")
    for field in raw_fields(head):
        match = FIELD.match(field)
        if match is None:
            raise MetadataError(f"{what} has a line that is no field: {field!r}.")
        yield match[1].decode(), match[2].decode().strip()


def _is_requirement(field: bytes) -> bool:
    match = FIELD.match(field)
    return match is not None and match[1].lower() == b"requires-dist"


def _is_removed(field: bytes, remove: Callable[[str], bool]) -> bool:
    match = FIELD.match(field)
    if match is None or match[1].lower() != b"requires-dist":
        return False
    return remove(" ".join(match[2].decode("utf-8", "replace").split()))
