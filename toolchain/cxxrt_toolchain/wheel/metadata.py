"""Two texts of a ``.dist-info`` directory: WHEEL and METADATA.

In: the bytes of one of them. Out: a value, and from a value the text again. METADATA is edited line
by line, so that what is not edited, known or unknown, stays byte for byte. The third text, RECORD,
has its own module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import parse_requirement
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.wheel.fields import FIELD, raw_fields, split_body, tidy_values
from cxxrt_toolchain.wording import quoted

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.tags import Tag

_MOST_TAGS = 4096
_MOST_LINES = 20_000
"""Of METADATA's fields, folded lines included; a whole license text has 700."""
_USUAL_TAG = re.compile(r"[A-Za-z]\w*-\w+-\w+(?:\.\w+){,9}", re.ASCII)
"""Stands for a handful of tags, without a doubt."""
_IDENTITY = ("metadata-version", "name", "version")
_WHEEL_KEYS = ("wheel-version", "generator", "root-is-purelib", "tag", "build")


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
            raise MetadataError(f"WHEEL: Root-Is-Purelib is {quoted(purelib)}, not true or false.")
        if sum(map(_count, known["tag"])) > _MOST_TAGS:
            raise MetadataError(f"WHEEL: its Tag lines expand to more than {_MOST_TAGS} tags.")
        for tag in known["tag"]:
            if not _USUAL_TAG.fullmatch(tag):
                _expanded(tag)
        return cls(
            wheel_version=known["wheel-version"][0],
            generator=known.get("generator", [""])[0],
            root_is_purelib=purelib == "true",
            tags=tuple(known["tag"]),
            build=known.get("build", [None])[0],
            other=tuple((name, value) for key, name, value in rows if key not in _WHEEL_KEYS),
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
        """The tags that the ``Tag`` lines expand to."""
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
            MetadataError: It has too many lines, or name, version or metadata version is missing
                or repeated.
        """
        head, _ = split_body(text)
        if max(head.count(b"\n"), head.count(b"\r")) > _MOST_LINES:
            raise MetadataError(f"METADATA has more than {_MOST_LINES} lines before its body.")
        found = tidy_values(text, (*_IDENTITY, "requires-dist"))
        if found is None:
            found = _untidy_values(text)
        for key in _IDENTITY:
            if len(found.get(key, ())) > 1:
                raise MetadataError(f"METADATA has more than one {key.title()}, or a broken one.")
        metadata_version, name, version = (found.get(key, [""])[0] for key in _IDENTITY)
        if not name or not version or not metadata_version:
            raise MetadataError("METADATA lacks Metadata-Version, Name or Version.")
        return cls(
            text=text,
            name=name,
            version=version,
            metadata_version=metadata_version,
            requires_dist=tuple(" ".join(text.split()) for text in found.get("requires-dist", ())),
        )

    def requirements(self) -> tuple[Requirement, ...]:
        """``Requires-Dist`` as values.

        Raises:
            MetadataError: One of them is not a requirement.
        """
        return tuple(map(_requirement, self.requires_dist))

    def with_requirement(self, requirement: str) -> CoreMetadata:
        """The same metadata with one requirement in place of all those on the same project.

        One that is there in the same words keeps its place. Only unconditional ones are replaced:
        what a marker restricts to an extra or a platform is someone else's sentence.
        """
        name, text = _project(requirement), " ".join(requirement.split())

        def other(value: str) -> bool:
            return value != text and _project(value) == name and _requirement(value).marker is None

        add = () if text in self.requires_dist else (requirement,)
        return self.edited(add=add, remove=other)

    def without_requirement(self, name: str, but: str = "") -> CoreMetadata:
        """The same metadata without any requirement on a project, but for one of that text."""
        from packaging.utils import canonicalize_name

        wanted = canonicalize_name(name)
        return self.edited(remove=lambda text: text != but and _project(text) == wanted)

    def edited(
        self, *, add: Sequence[str] = (), remove: Callable[[str], bool] = lambda _: False
    ) -> CoreMetadata:
        """The same metadata with ``Requires-Dist`` lines added and removed.

        Args:
            add: Requirements, put behind the last ``Requires-Dist``, or at the end of the fields.
            remove: Which of the present ones go; called with the requirement's text.

        Raises:
            MetadataError: An added text is not a requirement, or has several lines; or the lines
                before its place hide it from readers.
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


def _project(requirement: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(_requirement(requirement).name)


def _requirement(text: str) -> Requirement:
    from packaging.requirements import InvalidRequirement

    try:
        return parse_requirement(text)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]  # packaging draws a picture below it
        raise MetadataError(f"{quoted(text)} is not a requirement: {reason}.") from error


def _count(tag: str) -> int:
    """How many tags a Tag line expands to."""
    return prod(field.count(".") + 1 for field in tag.split("-"))


def _expanded(text: str) -> frozenset[Tag]:
    from packaging.tags import parse_tag

    try:
        return parse_tag(text)
    except ValueError as error:
        raise MetadataError(f"WHEEL: {quoted(text)} is not a tag.") from error


def _one_line(text: str) -> str:
    _require_one_line("Requires-Dist", text)
    _requirement(text)
    return text


def _require_one_line(what: str, text: str) -> None:
    if len(text.splitlines()) > 1 or text.endswith(("\n", "\r")):
        raise MetadataError(f"{what} has a line break in its value: {quoted(text)}.")


def _untidy_values(text: bytes) -> dict[str, list[str]]:
    from packaging.metadata import parse_email

    raw, unparsed = parse_email(text)
    for key in _IDENTITY:
        if key in unparsed:
            raise MetadataError(f"METADATA has more than one {key.title()}, or a broken one.")
    return {
        "metadata-version": [raw.get("metadata_version", "")],
        "name": [raw.get("name", "")],
        "version": [raw.get("version", "")],
        "requires-dist": raw.get("requires_dist", []),
    }


def _plain_fields(text: bytes, what: str) -> Iterator[tuple[str, str]]:
    head, body = split_body(text)
    if body.strip():
        raise MetadataError(f"{what} has text behind its fields.")
    for field in raw_fields(head):
        match = FIELD.match(field)
        if match is None:
            raise MetadataError(f"{what} has a line that is not a field: {quoted(repr(field))}.")
        yield match[1].decode(), match[2].decode().strip()


def _is_requirement(field: bytes) -> bool:
    match = FIELD.match(field)
    return match is not None and match[1].lower() == b"requires-dist"


def _is_removed(field: bytes, remove: Callable[[str], bool]) -> bool:
    match = FIELD.match(field)
    if match is None or match[1].lower() != b"requires-dist":
        return False
    return remove(" ".join(match[2].decode("utf-8", "replace").split()))
