"""Which release first provides a symbol: the specification's tables as values.

``abi-tag-spec/generate_symbols.py`` makes the tables from the real libraries.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

import cxxrt_abi_tag_spec
from cxxrt_toolchain.errors import ConfigError, InputError
from cxxrt_toolchain.strict import Value

_DATA = Path(cxxrt_abi_tag_spec.__file__).parent
_SCHEMA = 1


class SymbolTableError(InputError):
    """A table of the specification cannot be read; the message has the file and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudartSymbols:
    """The exports of one libcudart major."""

    soname: str
    first_seen: Mapping[str, Version]
    """Symbol to the CUDA release (``12.8``) that first exports it."""
    releases: tuple[Version, ...]
    """Ascending; also those that export nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRelease:
    """What one release of the runtime wheel carries."""

    version: Version
    gcc: Version
    cudart: Mapping[int, Version]
    """CUDA major to the version of NVIDIA's distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolTables:
    """Everything that a lower bound is computed from."""

    versions: Mapping[str, Mapping[str, Version]]
    """SONAME to version node (``GLIBCXX_3.4.30``) to the GCC release that first defines it."""
    only: Mapping[tuple[str, str], frozenset[str]]
    """(SONAME, version node) to its architectures, where not all have it (V-9)."""
    cudart: Mapping[int, CudartSymbols]
    """By CUDA major."""
    releases: tuple[RuntimeRelease, ...]
    """Ascending."""


class _CudartTables(Mapping[int, CudartSymbols]):
    """The tables of the folder, each read when it is asked for: few wheels need a CUDA runtime."""

    def __init__(self, folder: Path) -> None:
        files = folder.glob("cudart*.json")
        self._files = {int(path.stem.removeprefix("cudart")): path for path in files}
        self._read: dict[int, CudartSymbols] = {}

    def __getitem__(self, major: int) -> CudartSymbols:
        if major not in self._read:
            path = self._files[major]
            self._read.update([read_cudart(path.name, path.read_bytes())])
        return self._read[major]

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)


@cache
def load_symbol_tables() -> SymbolTables:
    """The tables of the installed specification; `SymbolTableError` names an unusable file."""
    symbols = _DATA / "symbols"
    gcc = (symbols / "gcc-runtime.json").read_bytes()
    return SymbolTables(
        versions=read_versions(gcc),
        only=read_only(gcc),
        cudart=_CudartTables(symbols),
        releases=read_releases((_DATA / "releases.json").read_bytes()),
    )


def read_versions(content: bytes) -> dict[str, dict[str, Version]]:
    """Read ``gcc-runtime.json``: SONAME to node to GCC release."""
    with _named("symbols/gcc-runtime.json"):
        return {
            soname: {node: _version(release) for node, release in nodes.members()}
            for soname, nodes in _document(content)["libraries"].members()
        }


def read_only(content: bytes) -> dict[tuple[str, str], frozenset[str]]:
    """Read of ``gcc-runtime.json`` which version nodes only some architectures have."""
    with _named("symbols/gcc-runtime.json"):
        return {
            (soname, node): frozenset(architectures.texts())
            for soname, nodes in _document(content)["architectures"].members()
            for node, architectures in nodes.members()
        }


def read_cudart(name: str, content: bytes) -> tuple[int, CudartSymbols]:
    """Read ``cudart<major>.json``: the major and its table."""
    with _named(f"symbols/{name}"):
        root = _document(content)
        added = {_dotted(key, each): each for key, each in root["releases"].members()}
        releases = tuple(sorted(added))
        first_seen = {symbol: each for each in releases for symbol in added[each].texts()}
        soname = root["soname"].text()
        table = CudartSymbols(soname=soname, first_seen=first_seen, releases=releases)
        return root["major"].integer(minimum=1), table


def read_releases(content: bytes) -> tuple[RuntimeRelease, ...]:
    """Read ``releases.json``, ascending."""
    with _named("releases.json"):
        found = [
            RuntimeRelease(
                version=_version(each["version"]),
                gcc=_version(each["gcc"]),
                cudart={
                    int(Value(major, value.path).text(r"[0-9]+")): _version(value)
                    for major, value in each["cudart"].members()
                },
            )
            for each in _document(content)["releases"].items()
        ]
        return tuple(sorted(found, key=lambda release: release.version))


@contextmanager
def _named(file: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise SymbolTableError(f"{file}: {error}") from None


def _document(content: bytes) -> Value:
    root = Value.parse_json(content)
    if (found := root["schema"].integer()) != _SCHEMA:
        raise ConfigError(f"schema: {found} is not {_SCHEMA}")
    return root


def _version(value: Value) -> Version:
    return _dotted(value.text(), value)


def _dotted(text: str, value: Value) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise ConfigError(f"{value.path}: {error}") from None
