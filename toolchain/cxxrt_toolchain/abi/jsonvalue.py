"""A JSON value that knows its own path, so that every complaint names the key.

In: JSON text. Out: typed values, or a `JsonValueError` such as ``libraries[2].size: expected an
integer, found "big"``. Says nothing about what a document means; its readers do.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 60
"""Characters of a wrong value that a message quotes."""


class JsonValueError(ValueError):
    """A value that is not what its reader expected; the message starts with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonValue:
    """One value of a document and where it stands in it."""

    path: str
    """For example ``libraries[2].size``; empty for the document itself."""
    value: object

    @classmethod
    def parse(cls, text: str | bytes) -> JsonValue:
        """Read a document.

        Raises:
            JsonValueError: The text is not JSON, or an object of it has a key twice.
        """
        try:
            return cls(path="", value=json.loads(text, object_pairs_hook=_unique))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise JsonValueError(f"not a JSON document: {error}") from None

    def __getitem__(self, key: str) -> JsonValue:
        """The member of that name; a missing one is an error."""
        found = self.get(key)
        if found is None:
            raise JsonValueError(f"{self._child(key)}: missing")
        return found

    def get(self, key: str) -> JsonValue | None:
        """The member of that name, or None."""
        if not isinstance(self.value, dict):
            self._expected("an object")
        if key not in self.value:
            return None
        return JsonValue(path=self._child(key), value=self.value[key])

    def members(self) -> Iterator[tuple[str, JsonValue]]:
        """Names and values of an object, in document order."""
        if not isinstance(self.value, dict):
            self._expected("an object")
        for key, value in self.value.items():
            yield key, JsonValue(path=self._child(key), value=value)

    def items(self) -> Iterator[JsonValue]:
        """The values of an array."""
        if not isinstance(self.value, list):
            self._expected("an array")
        for index, value in enumerate(self.value):
            yield JsonValue(path=f"{self.path}[{index}]", value=value)

    def text(self, pattern: str = r".+") -> str:
        """A string, the whole of which matches a regular expression."""
        if not isinstance(self.value, str):
            self._expected("a string")
        if re.fullmatch(pattern, self.value) is None:
            self._expected(f"a string that matches {pattern}")
        return self.value

    def texts(self, pattern: str = r".+") -> tuple[str, ...]:
        """An array of strings."""
        matches = re.compile(pattern).fullmatch
        if isinstance(self.value, list) and all(
            isinstance(each, str) and matches(each) for each in self.value
        ):
            return tuple(self.value)
        return tuple(each.text(pattern) for each in self.items())

    def integer(self, minimum: int = 0) -> int:
        """An integer of at least `minimum`; a boolean is none."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self._expected("an integer")
        if self.value < minimum:
            self._expected(f"an integer of at least {minimum}")
        return self.value

    def _child(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _expected(self, what: str) -> NoReturn:
        shown = json.dumps(self.value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        raise JsonValueError(f"{self.path or 'the document'}: expected {what}, found {shown}")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise JsonValueError(f"{key}: written twice in one object")
        found[key] = value
    return found
