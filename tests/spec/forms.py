"""Whether a question of the conformance suite has its form in ``vectors/forms.json`` (C-5)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[2] / "abi-tag-spec" / "vectors" / "forms.json"
_DOCUMENT = json.loads(_FILE.read_text(encoding="utf-8"))
OPERATIONS: dict[str, Any] = _DOCUMENT["operations"]
_PATTERNS = {name: re.compile(text, re.ASCII) for name, text in _DOCUMENT["patterns"].items()}
_LONGEST = 255
"""Characters of a text with a pattern other than base64, and digits of an integer."""
_SMALLEST = {"integer": None, "epoch": 1, "major": 10}
_TYPES = {"text": str, "flag": bool, "any": object}


def fits(value: object, form: Any) -> bool:  # noqa: ANN401, PLR0911 - one line for each kind
    """Whether a JSON value has a form; `vectors/README.md` says what forms are."""
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(each, form[0]) for each in value)
    if isinstance(form, dict):
        return isinstance(value, dict) and _members_fit(value, form)
    if form.endswith("?"):
        return value is None or fits(value, form[:-1])
    if form in _DOCUMENT["shared"]:
        return fits(value, _DOCUMENT["shared"][form])
    if form in _SMALLEST:
        least = _SMALLEST[form]
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return abs(value) < 10**_LONGEST and (least is None or value >= least)
    if form in _PATTERNS:
        if not isinstance(value, str) or (form != "base64" and len(value) > _LONGEST):
            return False
        return _PATTERNS[form].fullmatch(value) is not None
    return isinstance(value, _TYPES[form])


def _members_fit(value: dict[str, object], form: dict[str, Any]) -> bool:
    for name, inner in form.items():
        if name.startswith("<"):
            if not all(fits(key, name[1:-1]) and fits(each, inner) for key, each in value.items()):
                return False
        elif name.removesuffix("?") in value:
            if not fits(value[name.removesuffix("?")], inner):
                return False
        elif not name.endswith("?"):
            return False
    return True
