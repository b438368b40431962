"""Wheels and environments -> the `Provider` of each distribution in them, by names of files."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from packaging.version import InvalidVersion

from cxxrt_toolchain.abi.provider import load_providers
from cxxrt_toolchain.abi.versions import parse_version
from cxxrt_toolchain.collect.environment.source_trees import may_be_shared
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.installed import Environment, normalized
from cxxrt_toolchain.facts.needs.protos import shared_libprotobuf
from cxxrt_toolchain.facts.needs.providers import Provider
from cxxrt_toolchain.wheel.reader import Wheel


def in_wheels(paths: Iterable[Path]) -> Iterator[Provider]:
    """What some wheels bring; those that cannot be read are passed over.

    Objects are read only of wheels that require a distribution which brings a libprotobuf.
    """
    for path in paths:
        with suppress(InputError), Wheel.open(path) as wheel:
            names = (member.name for member in wheel.members if not member.is_dir)
            tags, requires = wheel.name, wheel.metadata.requires_dist
            protos = _protos(wheel) if _uses_protobuf(requires) else ()
            yield from _provider(tags.distribution, tags.version, names, requires, protos)


def in_environment(environment: Environment) -> Iterator[Provider]:
    """What is installed."""
    for each in environment.distributions:
        yield from _provider(each.name, each.version, each.files, each.requires, ())


def _provider(
    name: str,
    version: str,
    paths: Iterable[str],
    requires: tuple[str, ...],
    protos: Iterable[tuple[str, str]],
) -> Iterator[Provider]:
    """Empty for a text that is no version: no requirement leads to it."""
    try:
        parse_version(version)
    except InvalidVersion:
        return
    files = frozenset(path.rpartition("/")[2] for path in paths if may_be_shared(path))
    yield Provider(
        name=normalized(name),
        version=version,
        files=files,
        requires=requires,
        protos=frozenset(protos),
    )


def _uses_protobuf(requires: Iterable[str]) -> bool:
    rows = load_providers().values()
    names = {row.distribution for row in rows if row.soname.startswith("libprotobuf")}
    required = (re.match(r"[A-Za-z0-9._-]*", text) for text in requires)
    return any(normalized(match[0]) in names for match in required if match)


def _protos(wheel: Wheel) -> Iterator[tuple[str, str]]:
    for found in collect(wheel, record=False).objects:
        library = shared_libprotobuf(found.facts)
        yield from ((library, name) for name in found.protos)
