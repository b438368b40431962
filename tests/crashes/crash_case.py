"""The cases of the matrix: ``tests/packages/crash_*`` to frozen values.

In: a folder with ``case.toml`` and two downstream projects, ``first`` and ``second``. Out: a
`Case`. Nothing is built or run here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGES = Path(__file__).parents[1] / "packages"
_PREFIX = "crash_"
_HALVES = ("first", "second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One of the two packages of a case."""

    name: str
    """Its import name."""
    folder: Path
    compiler: str
    """A key of `toolsets.Toolsets`: what its usual build machine has."""
    publish: tuple[str, str] | None
    """What its publisher does to the wheel that setuptools has built, and to which library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A crash, and how to provoke it."""

    name: str
    row: int
    """Its place in the table."""
    title: str
    """At most 30 characters."""
    mechanism: str
    """As ``abi-tag-spec/hazards.md`` tells them apart, and ``string ABI``."""
    story: str
    """What the two projects do, and how they came to be built that way."""
    use: str
    """What a user types."""
    prints: str
    """What it prints where all is well."""
    library: str
    """The family of the runtime library that it is about."""
    rule: str | None
    """What ``cxxrt check`` says of a wheel built the usual way; None: no wheel alone shows it."""
    doctor: str | None
    """What ``cxxrt doctor --import`` must say before: a rule and its culprits, or ``note`` and a
    rule. None: nothing, for what is wrong shows in no loaded object."""
    refused: str | None
    """The rule with which our backend refuses to build a wheel; None: it builds both, and they
    work."""
    backend: tuple[tuple[str, Any], ...]
    """Keys of ``[tool.cxxrt]`` in the build with our backend."""
    environment: tuple[tuple[str, str], ...]
    """Variables of the process that uses both."""
    host_below: str | None
    """The ``GLIBCXX_`` version that this machine must not have yet, for the usual way to fail."""
    needs: str | None
    """A distribution, one of the runtime recipe's inputs, that a user has installed, too."""
    nvcc: bool
    """Whether nvcc builds it: the one of the CUDA major that `backend` names."""
    projects: tuple[Project, Project]


def find_cases() -> tuple[Case, ...]:
    """Every case, in the order of the table."""
    cases = [read_case(path.parent) for path in PACKAGES.glob(f"{_PREFIX}*/case.toml")]
    return tuple(sorted(cases, key=lambda case: case.row))


def read_case(folder: Path) -> Case:
    """Read one folder.

    Raises:
        KeyError, TypeError: A key is missing or unknown.
    """
    table = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    first, second = (_project(folder / half, table.pop(half, {})) for half in _HALVES)
    texts = {key: table.pop(key).strip() for key in ("title", "mechanism", "story", "use")}
    return Case(
        name=folder.name.removeprefix(_PREFIX),
        row=table.pop("row"),
        **texts,
        prints=table.pop("prints"),
        library=table.pop("library", "libstdc++"),
        rule=table.pop("rule", None),
        doctor=table.pop("doctor", None),
        refused=table.pop("refused", None),
        backend=tuple(table.pop("backend", {}).items()),
        environment=tuple(table.pop("environment", {}).items()),
        host_below=table.pop("host_below", None),
        needs=table.pop("needs", None),
        nvcc=table.pop("nvcc", False),
        projects=(first, second),
        **table,
    )


def _project(folder: Path, table: dict[str, Any]) -> Project:
    publish = table.pop("publish", None)
    return Project(
        name=f"{folder.parent.name}_{folder.name}",
        folder=folder,
        compiler=table.pop("compiler", "host"),
        publish=None if publish is None else next(iter(publish.items())),
        **table,
    )
