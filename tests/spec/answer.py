"""This implementation behind the door of the conformance suite: all operations.

``python -m cxxrt_abi_tag_spec.conformance -- python tests/spec/answer.py``
"""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import answer_loader
import answer_policy
import answer_providers
import answer_tags
from forms import OPERATIONS as FORMS
from forms import fits

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    **answer_policy.OPERATIONS,
    **answer_loader.OPERATIONS,
    **answer_providers.OPERATIONS,
}
OPERATIONS = answer_tags.OPERATIONS.keys() | _OTHERS.keys()
MALFORMED = {"rejected": ["C-5"]}


def answer(operation: str, question: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The answer to one vector's input, as the file would have it."""
    if not fits(question, FORMS[operation]):
        return MALFORMED
    if operation in answer_tags.OPERATIONS:
        return answer_tags.answer(operation, question)
    return _OTHERS[operation](question)


def reply(line: str) -> dict[str, Any]:
    """The answer line to a question line; one that is no question is malformed, too."""
    try:
        vector = json.loads(line, parse_constant=_refuse, parse_int=_integer)
        json.dumps(vector, ensure_ascii=False).encode()  # no lone surrogate
        name, operation, question = vector["id"], vector["operation"], vector["input"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"id": None, "answer": MALFORMED}
    if operation not in OPERATIONS:
        return {"id": name, "unsupported": True}
    try:
        return {"id": name, "answer": answer(operation, question)}
    except Exception as error:  # noqa: BLE001 - the next question is to be answered
        return {"id": name, "error": repr(error)}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int | float:
    """The number; one that no form takes (and Python does not read) is no integer."""
    return int(digits) if len(digits) < 4000 else math.inf


def main() -> None:
    """Speak the protocol of ``abi-tag-spec/vectors/README.md``."""
    for line in filter(str.strip, sys.stdin):
        print(json.dumps(reply(line)), flush=True)


if __name__ == "__main__":
    main()
