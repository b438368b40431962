"""The patched ``packaging`` behind the door of the conformance suite; stands alone.

Run with the patched source on ``PYTHONPATH``; the protocol: ``abi-tag-spec/vectors/README.md``.
It answers what an installer's tag library is asked: which tags, whether, and in what order.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from packaging import _runtime_abi  # type: ignore[attr-defined]  # what the patch adds
from packaging.tags import create_compatible_tags_selector, parse_tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

sys.path.append(str(Path(__file__).parents[2] / "spec"))
from forms import OPERATIONS, fits

CLAIMED = ("expand", "supported", "order")


def expanded(environment: dict[str, Any]) -> list[Any]:
    known, declared = (
        {int(number): epoch(row) for number, row in rows.items()}
        for rows in (environment.get("epochs", published()), environment.get("installed", {}))
    )
    epochs = _runtime_abi.merged(known, declared)
    answers = {
        (row["epoch"], row["cuda"], row["architecture"]): row["compatible"]
        for row in environment.get("veto", [])
    }
    base = [tag for text in environment["tags"] for tag in parse_tag(text)]
    return list(
        _runtime_abi.expand(
            base, epochs, environment.get("driver"), lambda *question: answers.get(question)
        )
    )


def published() -> dict[str, Any]:
    return {
        str(number): {
            "glibc_floor": "{}.{}".format(*row.glibc_floor),
            "architectures": sorted(row.architectures),
            "cuda_majors": row.cuda_majors,
        }
        for number, row in _runtime_abi.EPOCHS.items()
    }


def epoch(row: dict[str, Any]) -> _runtime_abi.Epoch:
    major, _, minor = row["glibc_floor"].partition(".")
    architectures = frozenset(row["architectures"])
    return _runtime_abi.Epoch((int(major), int(minor)), architectures, tuple(row["cuda_majors"]))


def order(question: dict[str, Any]) -> list[str]:
    select = create_compatible_tags_selector(expanded(question["environment"]))
    named = []
    for name in question["wheels"]:
        with contextlib.suppress(InvalidWheelFilename):
            _, _, build, tags = parse_wheel_filename(name)
            named.append((name, build, tags))
    named.sort(key=lambda row: row[1], reverse=True)
    return list(select((name, tags) for name, _, tags in named))


def answer(operation: str, question: dict[str, Any]) -> dict[str, Any] | None:
    if operation == "expand":
        return {"tags": [str(tag) for tag in expanded(question["environment"])]}
    if operation == "supported":
        (tag,) = parse_tag(question["tag"])
        return {"supported": tag in expanded(question["environment"])}
    if operation == "order":
        return {"wheels": order(question)}
    return None


for line in sys.stdin:
    vector = json.loads(line)
    operation, question = vector["operation"], vector["input"]
    if operation in CLAIMED and not fits(question, OPERATIONS[operation]):
        reply: dict[str, Any] = {"answer": {"rejected": ["C-5"]}}
    else:
        found = answer(operation, question)
        reply = {"unsupported": True} if found is None else {"answer": found}
    print(json.dumps({"id": vector["id"], **reply}), flush=True)
