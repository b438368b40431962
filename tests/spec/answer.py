"""This implementation behind the door of the conformance suite: all operations.

``python -m cxxrt_abi_tag_spec.conformance -- python tests/spec/answer.py``
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import answer_loader
import answer_policy
import answer_providers
import answer_tags

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    **answer_policy.OPERATIONS,
    **answer_loader.OPERATIONS,
    **answer_providers.OPERATIONS,
}
OPERATIONS = answer_tags.OPERATIONS.keys() | _OTHERS.keys()


def answer(operation: str, question: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The answer to one vector's input, as the file would have it."""
    if operation in answer_tags.OPERATIONS:
        return answer_tags.answer(operation, question)
    return _OTHERS[operation](question)


def main() -> None:
    """Speak the protocol of ``abi-tag-spec/vectors/README.md``."""
    for line in sys.stdin:
        vector = json.loads(line)
        reply: dict[str, Any] = {"unsupported": True}
        if vector["operation"] in OPERATIONS:
            reply = {"answer": answer(vector["operation"], vector["input"])}
        print(json.dumps({"id": vector["id"], **reply}), flush=True)


if __name__ == "__main__":
    main()
