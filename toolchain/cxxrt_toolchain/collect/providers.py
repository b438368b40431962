"""Wheels and environments -> the `Provider` of each distribution in them, by names of files."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from packaging.version import InvalidVersion

from cxxrt_toolchain.abi.versions import parse_version
from cxxrt_toolchain.collect.environment.source_trees import may_be_shared
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.installed import Environment, normalized
from cxxrt_toolchain.facts.needs.providers import Provider
from cxxrt_toolchain.wheel.reader import Wheel


def in_wheels(paths: Iterable[Path]) -> Iterator[Provider]:
    """What some wheels bring; those that cannot be read are passed over."""
    for path in paths:
        with suppress(InputError), Wheel.open(path) as wheel:
            names = (member.name for member in wheel.members if not member.is_dir)
            tags, requires = wheel.name, wheel.metadata.requires_dist
            yield from _provider(tags.distribution, tags.version, names, requires)


def in_environment(environment: Environment) -> Iterator[Provider]:
    """What is installed."""
    for each in environment.distributions:
        yield from _provider(each.name, each.version, each.files, each.requires)


def _provider(
    name: str, version: str, paths: Iterable[str], requires: tuple[str, ...]
) -> Iterator[Provider]:
    """Empty for a text that is no version: no requirement leads to it."""
    try:
        parse_version(version)
    except InvalidVersion:
        return
    files = frozenset(path.rpartition("/")[2] for path in paths if may_be_shared(path))
    yield Provider(name=normalized(name), version=version, files=files, requires=requires)
