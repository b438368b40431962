"""This implementation behind the door of the conformance suite: one question per line, one answer.

The operations on tags, file names and variants. Run as a command it speaks the protocol of
``abi-tag-spec/vectors/README.md``; the tests call ``answer()`` in process.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from packaging.tags import Tag, create_compatible_tags_selector, parse_tag
from packaging.utils import parse_wheel_filename

from cxxrt_toolchain.abi.filename import (
    BadWheelNameError,
    TooManyTagsError,
    parse_wheel_name,
    violations,
)
from cxxrt_toolchain.abi.spec import Spec, epoch_from_document, load_spec
from cxxrt_toolchain.abi.tag import AbiTag, BadTagError, RuntimeAbi
from cxxrt_toolchain.abi.variant import from_variant_name, properties, to_variant_name
from cxxrt_toolchain.host.supported import Host, Veto, supported_tags

Document = dict[str, Any]
SPEC = load_spec()


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
    if found:
        raise RejectedError(*(each.rule for each in found))
    runtime = str(name.runtime) if name.runtime else None
    return {"runtime_abi": runtime, "tags": list(name.expanded)}


def expand(question: Document) -> Document:
    return {"tags": [str(tag) for tag in _expanded(question["environment"])]}


def supported(question: Document) -> Document:
    (tag,) = parse_tag(question["tag"])
    return {"supported": tag in _expanded(question["environment"])}


def order(question: Document) -> Document:
    select = create_compatible_tags_selector(_expanded(question["environment"]))
    named = [(wheel, parse_wheel_filename(wheel)[3]) for wheel in question["wheels"]]
    return {"wheels": list(select(named))}


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
        return {"filename": from_variant_name(question["filename"], question["properties"], SPEC)}
    except (BadTagError, BadWheelNameError):
        raise RejectedError("M-4") from None


OPERATIONS = {
    "parse": parse,
    "format": format_parts,
    "filename": filename,
    "expand": expand,
    "supported": supported,
    "order": order,
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
    base = [tag for text in environment["tags"] for tag in parse_tag(text)]
    return supported_tags(base, _host(environment), _spec(environment))


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


def main() -> None:
    """Speak the protocol."""
    for line in sys.stdin:
        vector = json.loads(line)
        reply: Document = {"unsupported": True}
        if vector["operation"] in OPERATIONS:
            reply = {"answer": answer(vector["operation"], vector["input"])}
        print(json.dumps({"id": vector["id"], **reply}), flush=True)


if __name__ == "__main__":
    main()
