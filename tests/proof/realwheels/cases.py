"""The tables of cases as values.

In: ``cases/*.toml`` and ``pins/*.txt``. Out: a `Catalogue`, checked: every name resolves to a pin,
every case has a mechanism and an expectation. Runs nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from realwheels.pins import Pin, ProofError, load_pins

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parents[1] / "cases"


class Mechanism(Enum):
    """Why it fails; the names are those of the catalogue of rules."""

    M1 = "captured runtime"
    M2 = "duplicated runtime"
    M3 = "too old"
    M4 = "same name, different code"
    UNDEFINED = "a symbol that nothing defines"
    OPENMP = "duplicated OpenMP runtime"
    NONE = "none known"


class Cure(Enum):
    """A way to run the same steps that may help; none of them rebuilds anything."""

    RUNTIME = "runtime first"
    """The shared libstdc++ is opened first, RTLD_GLOBAL, by the process itself."""
    PRELOAD = "LD_PRELOAD"
    """The dynamic linker opens it before the interpreter starts."""
    ORDER = "other order"
    """The imports the other way round."""
    REPAIR = "cxxrt repair"
    """The wheels that fail are repaired, and the runtime wheel is installed."""
    DEEPBIND = "RTLD_DEEPBIND"
    """The last package is opened with its own definitions first."""
    LOCAL = "RTLD_LOCAL"
    """The first package may not make its symbols global."""


Rate = Literal["all", "some"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Lines that are taken out of an installed Python file, to undo a package's workaround."""

    file: str
    """Below site-packages."""
    remove: tuple[str, ...]
    """Whole lines, without their indentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One set of installed distributions."""

    python: str
    """``3.6``."""
    pins: tuple[Pin, ...]
    """Sorted."""
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a way to run the steps ends in, and how often."""

    outcomes: tuple[str, ...]
    """Beginnings of an `Outcome`'s text; one of them."""
    rate: Rate = "all"
    """``some``: in one run at least, for races."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One combination."""

    id: str
    about: str
    """What a reader of the table needs to know; may be empty."""
    family: str
    """The table's name: ``historical``, ``present``, ``components``, ``reported``, ``healthy``."""
    packages: tuple[str, ...]
    """``name==version``, in the order of the steps."""
    environment: Environment
    steps: tuple[str, ...]
    """Python statements, run one after the other in a fresh process."""
    other_order: tuple[str, ...]
    prints: str
    """What the last step prints where all is well; empty: not looked at."""
    mechanism: Mechanism
    culprits: tuple[str, ...]
    """Distributions that doctor must name; empty for a healthy case."""
    also: tuple[str, ...]
    """Distributions that doctor rightly names besides: the same defect, shown by another case."""
    runs: int
    expect: Expectation
    cures: tuple[tuple[Cure, Expectation], ...]
    runtime_step: str
    """How the shared runtime comes first (`Cure.RUNTIME`) where its package supports the Python."""
    repair: tuple[str, ...]
    """Distributions that `Cure.REPAIR` repairs."""
    imports: tuple[str, ...]
    """What ``cxxrt doctor --import`` is given; empty: the environment alone is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All cases, in the order of their tables."""

    cases: tuple[Case, ...]


def load_catalogue(folder: Path = CASES) -> Catalogue:
    """Read every table.

    Raises:
        ProofError: A key is unknown or missing, or a name has no pin.
    """
    cases = tuple(case for path in sorted(folder.glob("*.toml")) for case in _table(path))
    ids = [case.id for case in cases]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise ProofError(f"two cases have the id {twice[0]}.")
    return Catalogue(cases=cases)


def _table(path: Path) -> list[Case]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    groups = {name: tuple(each) for name, each in document.pop("groups", {}).items()}
    packages = document.pop("packages", {})
    defaults = document.pop("defaults", {})
    rows = [*document.pop("case", []), *_pairs(document.pop("pairs", []))]
    if document:
        raise ProofError(f"{path.name} has the unknown key {next(iter(document))!r}.")
    reader = _Reader(path.stem, groups, packages)
    return [reader.case({**defaults, **row}) for row in rows]


def _pairs(tables: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each package of ``first`` with each of ``then``."""
    for table in tables:
        rest = dict(table)
        for pair in product(rest.pop("first"), rest.pop("then")):
            yield {**rest, "packages": list(pair)}


class _Reader:
    """Rows of one table to cases."""

    def __init__(
        self, family: str, groups: dict[str, tuple[str, ...]], packages: dict[str, Any]
    ) -> None:
        self._family = family
        self._groups = groups
        self._packages = packages

    def case(self, row: dict[str, Any]) -> Case:
        """One row; every key is used up or wrong."""
        row = dict(row)
        names: list[str] = row.pop("packages")
        case_id = row.pop("id", None) or "-then-".join(names).replace("==", "-")
        where = f"{self._family}.toml, {case_id}"
        steps = tuple(row.pop("steps", None) or [self._import(each, where) for each in names])
        python = row.pop("python")
        culprits = tuple(row.pop("culprits", ()))
        case = Case(
            id=case_id,
            about=row.pop("about", ""),
            family=self._family,
            packages=tuple(names),
            environment=self._environment(python, [*names, *row.pop("with", [])], where),
            steps=steps,
            other_order=tuple(row.pop("other-order", None) or reversed(steps)),
            prints=row.pop("prints", ""),
            mechanism=_mechanism(row.pop("mechanism", "NONE"), where),
            culprits=culprits,
            also=tuple(row.pop("also", ())),
            runs=row.pop("runs", 1),
            expect=_expectation(row.pop("expect", "ok")),
            cures=tuple(
                (_cure(k, where), _expectation(v)) for k, v in row.pop("cures", {}).items()
            ),
            runtime_step=row.pop("runtime-step", "import cxx11_cuda_runtime"),
            repair=tuple(row.pop("repair", ())) or culprits,
            imports=tuple(row.pop("imports", ())) or _modules(steps),
        )
        if row:
            raise ProofError(f"{where} has the unknown key {next(iter(row))!r}.")
        return case

    def _import(self, name: str, where: str) -> str:
        package = self._packages.get(name, {})
        module = package.get("import", name.partition("==")[0].replace("-", "_"))
        if not module:
            raise ProofError(f"{where}: {name} has no module to import.")
        return f"import {module}"

    def _environment(self, python: str, names: list[str], where: str) -> Environment:
        pins = load_pins(python)
        wanted: dict[str, None] = {}
        edits: list[Edit] = []
        for name in names:
            package = self._packages.get(name, {})
            real = package.get("is", name)
            for each in (real, *self._expand(package.get("needs", ()), where)):
                wanted[each] = None
            edits += [_edit(row) for row in package.get("edits", ())]
        for each in wanted:
            if each not in pins:
                raise ProofError(f"{where}: {each} has no pin for Python {python}.")
        distributions = [each.partition("==")[0] for each in wanted]
        if twice := {each for each in distributions if distributions.count(each) > 1}:
            raise ProofError(f"{where} needs two versions of {', '.join(sorted(twice))}.")
        return Environment(
            python=python, pins=tuple(sorted(pins[each] for each in wanted)), edits=tuple(edits)
        )

    def _expand(self, needs: list[str] | tuple[str, ...], where: str) -> list[str]:
        """Group names to their members; groups may name groups."""
        found: list[str] = []
        for each in needs:
            if "==" in each:
                found.append(each)
            elif each in self._groups:
                found += self._expand(self._groups[each], where)
            else:
                raise ProofError(f"{where}: there is no group {each!r}.")
        return found


def _edit(row: dict[str, Any]) -> Edit:
    return Edit(file=row["file"], remove=tuple(row["remove"]))


def _mechanism(text: str, where: str) -> Mechanism:
    try:
        return Mechanism[text]
    except KeyError as error:
        raise ProofError(f"{where}: {text!r} is no mechanism.") from error


def _cure(text: str, where: str) -> Cure:
    try:
        return Cure[text.upper()]
    except KeyError as error:
        raise ProofError(f"{where}: {text!r} is no cure.") from error


def _expectation(value: str | list[str] | dict[str, Any]) -> Expectation:
    if isinstance(value, dict):
        return Expectation(outcomes=tuple(value["outcomes"]), rate=value["rate"])
    return Expectation(outcomes=(value,) if isinstance(value, str) else tuple(value))


def _modules(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The modules that plain ``import a`` and ``import a as b`` steps name, in order."""
    found: dict[str, None] = {}
    for step in steps:
        for line in step.splitlines():
            words = line.split()
            if words[:1] == ["import"] and "," not in line:
                found[words[1].rstrip(";")] = None
    return tuple(found)
