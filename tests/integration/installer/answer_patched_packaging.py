"""The patched ``packaging`` behind the door of the conformance suite; stands alone.

Run with the patched source on ``PYTHONPATH``; the protocol: ``abi-tag-spec/vectors/README.md``.
It answers what an installer's tag library is asked: which tags, whether, and in what order.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from packaging import _runtime_abi  # type: ignore[attr-defined]  # what the patch adds
from packaging.tags import create_compatible_tags_selector, parse_tag
from packaging.utils import parse_wheel_filename


def expanded(environment: dict[str, Any]) -> list[Any]:
    rows = {**environment.get("installed", {}), **environment.get("epochs", published())}
    epochs = {int(number): epoch(row) for number, row in rows.items()}
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
    return list(select((name, parse_wheel_filename(name)[3]) for name in question["wheels"]))


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
    found = answer(vector["operation"], vector["input"])
    reply = {"unsupported": True} if found is None else {"answer": found}
    print(json.dumps({"id": vector["id"], **reply}), flush=True)
