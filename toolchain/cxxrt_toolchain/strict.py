"""A JSON or TOML document read strictly: an error names the key, and an unknown key is an error.

For example `ConfigError`: ``runtime.toml: libraries[2].size must be an integer, not "big".``
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar, overload

from cxxrt_toolchain.errors import ConfigError

if TYPE_CHECKING:
    _E = TypeVar("_E", bound=Enum)

ANY = r"(?s).*"
"""The pattern of a string that may be empty or have several lines."""
_NOT_EMPTY = r".+"
_SHOWN = 60
"""Characters of a wrong value that a message quotes."""


class Value:
    """One value of a document, as `json` or `tomllib` makes it, and where it stands.

    For example ``libraries[2].size``; a document's path is empty, or its file's name and ``: ``.
    """

    __slots__ = ("_asked", "path", "value")

    def __init__(self, value: object, path: str = "") -> None:
        self.value = value
        self.path = path
        self._asked: set[str] = set()

    @classmethod
    def parse_json(cls, text: str | bytes) -> Value:
        """The document of a JSON text; `ConfigError`: not JSON, or an object has a key twice."""
        try:
            return cls(json.loads(text, object_pairs_hook=_unique))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(f"not a JSON document: {error}") from None

    @classmethod
    def load_toml(cls, file: Path, name: str = "") -> Value:
        """The document in a TOML file, by the name for messages; `ConfigError`: not a TOML file."""
        if sys.version_info >= (3, 11):  # not at the top: most documents are JSON
            import tomllib
        else:
            import tomli as tomllib
        name = name or f"{file.parent.name}/{file.name}"
        try:
            return cls(tomllib.loads(file.read_text(encoding="utf-8")), f"{name}: ")
        except FileNotFoundError as error:
            raise ConfigError(f"{name} does not exist.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: not TOML: {error}.") from error

    def __getitem__(self, key: str) -> Value:
        """The member of that name; a missing one is an error."""
        found = self.get(key)
        if found is None:
            raise ConfigError(f"{self._child(key)} is missing.")
        return found

    @overload
    def get(self, key: str) -> Value | None: ...
    @overload
    def get(self, key: str, default: object) -> Value: ...
    def get(self, key: str, default: object = None) -> Value | None:
        """The member of that name; without it the default, if there is one."""
        self._asked.add(key)
        table = self.table()
        if key not in table and default is None:
            return None
        return Value(table.get(key, default), self._child(key))

    def table(self) -> dict[str, object]:
        """A table (JSON: an object), as it was parsed."""
        if not isinstance(self.value, dict):
            self.fail("a table")
        return self.value

    def members(self) -> Iterator[tuple[str, Value]]:
        """Names and values of a table, in document order."""
        for key, value in self.table().items():
            self._asked.add(key)
            yield key, Value(value, self._child(key))

    def items(self) -> Iterator[Value]:
        """The values of an array."""
        if not isinstance(self.value, list):
            self.fail("an array")
        for index, value in enumerate(self.value):
            yield Value(value, f"{self.path}[{index}]")

    def text(self, pattern: str = _NOT_EMPTY) -> str:
        """A string, the whole of which matches a regular expression."""
        if not isinstance(self.value, str):
            self.fail("a string")
        if re.fullmatch(pattern, self.value) is None:
            self.fail(
                "a string that is not empty"
                if pattern == _NOT_EMPTY and not self.value
                else f"a string that matches {pattern}"
            )
        return self.value

    def texts(self, pattern: str = _NOT_EMPTY) -> tuple[str, ...]:
        """An array of strings."""
        matches = re.compile(pattern).fullmatch
        if isinstance(self.value, list) and all(
            isinstance(each, str) and matches(each) for each in self.value
        ):
            return tuple(self.value)
        return tuple(each.text(pattern) for each in self.items())

    def choice(self, kind: type[_E]) -> _E:
        """The member of an enumeration that has this value."""
        for member in kind:
            if member.value == self.value:
                return member
        return self.fail(f"one of {', '.join(str(member.value) for member in kind)}")

    def integer(self, minimum: int = 0) -> int:
        """An integer of at least `minimum`; a boolean is not one."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("an integer")
        if self.value < minimum:
            self.fail(f"an integer of at least {minimum}")
        return self.value

    def close(self) -> None:
        """Raise a `ConfigError` if a key was not asked for: a misspelt key is never ignored."""
        if left := sorted(self.table().keys() - self._asked):
            known = f"Known: {', '.join(sorted(self._asked))}."
            raise ConfigError(f"{self._child(left[0])} is not a key of this format.", known)

    def fail(self, what: str) -> NoReturn:
        """Raise the `ConfigError` that says what the value must be."""
        shown = json.dumps(self.value, ensure_ascii=False, default=str)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        where = self.path.removesuffix(": ") or "the document"
        raise ConfigError(f"{where} must be {what}, not {shown}.")

    def _child(self, key: str) -> str:
        dot = "." if self.path and not self.path.endswith(": ") else ""
        return f"{self.path}{dot}{key}"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(each for each in names if names.count(each) > 1)
        raise ConfigError(f"{twice} is given twice in one object.")
    return found
