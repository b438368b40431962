"""This implementation behind the door of the conformance suite: one question per line, one answer.

The operations on tags, file names and variants.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

from cxxrt_toolchain.abi.filename import (
    BadWheelNameError,
    TooManyTagsError,
    parse_wheel_name,
    violations,
)
from cxxrt_toolchain.abi.spec import Spec, epoch_from_document, load_spec
from cxxrt_toolchain.abi.tag import AbiTag, BadTagError, RuntimeAbi, claims_runtime
from cxxrt_toolchain.abi.variant import from_variant_name, properties, to_variant_name
from cxxrt_toolchain.abi.versions import requirement_set
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.host import expansion
from cxxrt_toolchain.host.supported import Host, Veto, expansion_rows, supported_runtimes

Document = dict[str, Any]
SPEC = load_spec()


class Tag(NamedTuple):
    """A tag as it stands: that of ``packaging`` has lost its case."""

    interpreter: str
    abi: str
    platform: str


class RejectedError(Exception):
    """The answer is a rejection that names these sentences."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences = sorted(set(sentences))


def parse(question: Document) -> Document:
    try:
        tag = AbiTag.parse(question["abi"])
    except BadTagError:
        raise RejectedError("T-1") from None
    return {"base": tag.base, "epoch": tag.runtime.epoch, "cuda": tag.runtime.cuda}


def format_parts(question: Document) -> Document:
    try:
        runtime = RuntimeAbi(epoch=question["epoch"], cuda=question["cuda"])
        return {"abi": str(AbiTag(base=question["base"], runtime=runtime))}
    except BadTagError:
        raise RejectedError("T-7") from None


def filename(question: Document) -> Document:
    try:
        name = parse_wheel_name(question["filename"])
        if not any(map(claims_runtime, name.abi)):
            return {"runtime_abi": None, "tags": list(name.expanded)}
        found = violations(
            name,
            SPEC,
            tag_lines=question.get("tag_lines"),
            requires_dist=question.get("requires_dist"),
            variant=question.get("variant", False),
        )
    except BadTagError:
        raise RejectedError("T-1") from None
    except TooManyTagsError:
        raise RejectedError("G-8") from None
    except BadWheelNameError:
        raise RejectedError("G-9") from None
    if found:
        raise RejectedError(*(each.rule for each in found))
    return {"runtime_abi": str(name.runtime), "tags": list(name.expanded)}


def expand(question: Document) -> Document:
    return {"tags": ["-".join(tag) for tag in _expanded(question["environment"])]}


def supported(question: Document) -> Document:
    tags = map("-".join, _expanded(question["environment"]))
    return {"supported": question["tag"] in tags}


def order(question: Document) -> Document:
    places = {"-".join(tag): place for place, tag in enumerate(_expanded(question["environment"]))}
    ranked = []
    for wheel in question["wheels"]:
        try:
            name = parse_wheel_name(wheel)
        except BadWheelNameError:
            continue
        best = min((places[tag] for tag in name.expanded if tag in places), default=None)
        if best is not None:
            ranked.append((wheel, best, _build(name.build)))
    ranked.sort(key=lambda row: row[2], reverse=True)
    return {"wheels": [wheel for wheel, _, _ in sorted(ranked, key=lambda row: row[1])]}


def _build(text: str) -> tuple[int, str]:
    digits = re.match("[0-9]*", text)
    assert digits is not None
    return (int(digits[0]), text[digits.end() :]) if text else (-1, "")


def release(question: Document) -> Document:
    first: dict[tuple[str, str], frozenset[str]] = {}
    same = True
    for wheel in question["wheels"]:
        try:
            name = parse_wheel_name(wheel["filename"])
        except TooManyTagsError:
            raise RejectedError("G-8") from None
        except BadWheelNameError:
            raise RejectedError("G-9") from None
        lines = requirement_set(wheel["requires_dist"])
        same &= first.setdefault((normalized(name.distribution), name.version), lines) == lines
    if not same:
        raise RejectedError("B-7")
    return {"consistent": True}


def to_variant(question: Document) -> Document:
    if filename({"filename": question["filename"]})["runtime_abi"] is None:
        raise RejectedError("M-6")
    renamed = to_variant_name(question["filename"])
    runtime = parse_wheel_name(renamed).runtime
    assert runtime is not None
    return {
        "filename": renamed,
        "label": str(runtime),
        "properties": list(properties(runtime, SPEC)),
    }


def from_variant(question: Document) -> Document:
    try:
        parse_wheel_name(question["filename"])
    except BadWheelNameError:
        return filename(question)
    try:
        name = from_variant_name(question["filename"], question["properties"], SPEC)
    except (BadTagError, BadWheelNameError):
        raise RejectedError("M-4") from None
    filename({"filename": name})
    return {"filename": name}


OPERATIONS = {
    "parse": parse,
    "format": format_parts,
    "filename": filename,
    "expand": expand,
    "supported": supported,
    "order": order,
    "release": release,
    "to-variant": to_variant,
    "from-variant": from_variant,
}


def answer(operation: str, question: Document) -> Document:
    """The answer to one vector's input, as the file would have it."""
    try:
        return OPERATIONS[operation](question)
    except RejectedError as error:
        return {"rejected": error.sentences}


def _expanded(environment: Document) -> list[Tag]:
    base = [Tag(*text.split("-")) for text in environment["tags"]]
    found = supported_runtimes(_host(environment), _spec(environment))
    return expansion.expand(base, expansion_rows(found))


def _host(environment: Document) -> Host:
    return Host(
        driver=environment.get("driver"),
        installed=tuple(
            epoch_from_document(int(number), row)
            for number, row in environment.get("installed", {}).items()
        ),
        vetoes=frozenset(
            Veto(epoch=row["epoch"], cuda=row["cuda"] or 0, architecture=row["architecture"])
            for row in environment.get("veto", [])
            if row["compatible"] is False
        ),
    )


def _spec(environment: Document) -> Spec:
    if "epochs" not in environment:
        return SPEC
    rows = sorted((int(number), row) for number, row in environment["epochs"].items())
    return replace(SPEC, epochs=tuple(epoch_from_document(number, row) for number, row in rows))
