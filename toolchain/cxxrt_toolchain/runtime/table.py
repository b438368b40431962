"""A TOML table read strictly: every key is taken once, with its type; what is left is an error.

What goes in: a parsed table and the key path under which it was found. What comes out: values,
or a ``ConfigError`` that starts with the path of the key at fault.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

from cxxrt_toolchain.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_T = TypeVar("_T")
_REQUIRED = object()


class Table:
    """One table; ``close`` it when everything wanted has been taken.

    Args:
        values: The parsed table.
        path: What error messages call it, for example ``runtime.toml`` or ``runtime.toml: build``.
    """

    def __init__(self, values: Mapping[str, object], path: str) -> None:
        self._left = dict(values)
        self._path = path

    @classmethod
    def load(cls, file: Path) -> Table:
        """Parse a file.

        Raises:
            ConfigError: The file does not exist or is not TOML.
        """
        name = f"{file.parent.name}/{file.name}"
        try:
            return cls(tomllib.loads(file.read_text(encoding="utf-8")), name)
        except FileNotFoundError as error:
            raise ConfigError(f"{name}: there is no such recipe file.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: not TOML: {error}.") from error

    def where(self, key: str) -> str:
        """The path of one key, for a message."""
        return f"{self._path}: {key}"

    def _take(self, key: str, kind: type[_T], default: object) -> _T:
        value = self._left.pop(key, default)
        if value is _REQUIRED:
            raise ConfigError(f"{self.where(key)} is missing.")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigError(f"{self.where(key)} must be a {kind.__name__}, not {value!r}.")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not empty, unless the default is."""
        value = self._take(key, str, _REQUIRED if default is None else default)
        if not value and default != "":
            raise ConfigError(f"{self.where(key)} is empty.")
        return value

    def number(self, key: str) -> int:
        """An integer."""
        return self._take(key, int, _REQUIRED)

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """An array of strings."""
        items = self._take(key, list, _REQUIRED if default is None else list(default))
        if not all(isinstance(item, str) for item in items):
            raise ConfigError(f"{self.where(key)} must hold strings only.")
        return tuple(items)

    def rows(self, key: str) -> tuple[Table, ...]:
        """An array of tables; absent is empty."""
        items = self._take(key, list, [])
        for item in items:
            if not isinstance(item, dict):
                raise ConfigError(f"{self.where(key)} must hold tables only.")
        return tuple(Table(item, f"{self.where(key)}[{n}]") for n, item in enumerate(items))

    def table(self, key: str) -> Table | None:
        """A table inside this one, or None."""
        value = self._take(key, dict, {})
        return Table(value, self.where(key)) if value else None

    def keys(self) -> tuple[str, ...]:
        """Keys that have not been taken."""
        return tuple(self._left)

    def close(self) -> None:
        """Complain about keys that nobody asked for.

        Raises:
            ConfigError: There is one: a misspelt key must not be ignored in silence.
        """
        if self._left:
            raise ConfigError(f"{self.where(next(iter(self._left)))} is not a key of this format.")
