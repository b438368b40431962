"""Recipe files to recipe values.

What goes in: the folder of the recipes and a name. What comes out: the values of ``recipe``, all
of them checked, or a ``ConfigError`` that starts with the key at fault. Nothing here fetches or
runs anything.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TypeVar

from packaging.requirements import InvalidRequirement, Requirement

import cxxrt_toolchain
from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.runtime.recipe import (
    ARCHITECTURES,
    Component,
    Cudart,
    Input,
    Kind,
    Library,
    Role,
    RuntimeRecipe,
    Step,
)
from cxxrt_toolchain.runtime.table import Table

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_E = TypeVar("_E", bound=Enum)


def recipes_root() -> Path:
    """The folder of the recipes: a checkout's, or the copy that is installed with the package."""
    package = Path(cxxrt_toolchain.__file__).parent
    checkout = package.parents[1] / "recipes"
    return checkout if (checkout / "runtime.toml").is_file() else package / "_recipes"


def runtime_names(root: Path) -> tuple[str, ...]:
    """Names of the runtime recipes under a root, sorted."""
    return tuple(sorted(path.stem for path in root.glob("*.toml")))


def load_runtime(root: Path, name: str = "runtime") -> RuntimeRecipe:
    """Read one runtime recipe.

    Raises:
        ConfigError: It does not exist, or one of its keys is wrong.
    """
    if name not in runtime_names(root):
        known = ", ".join(runtime_names(root)) or "none"
        raise ConfigError(f"there is no runtime recipe {name!r}.", f"Known: {known}.")
    table = Table.load(root / f"{name}.toml")
    recipe = RuntimeRecipe(
        name=table.text("name"),
        version=table.text("version"),
        epoch=table.number("epoch"),
        glibc_floor=table.text("glibc-floor"),
        components=table.texts("components"),
        cudart=_enum(table, "cudart", Cudart, Cudart.VENDOR.value),
        requires=tuple(_requirement(table, each) for each in table.texts("requires", ())),
    )
    if not re.fullmatch(rf"{recipe.epoch}\.\d+\.\d+", recipe.version):
        raise ConfigError(
            f"{table.where('version')} must be EPOCH.GCC.REVISION with epoch {recipe.epoch}, "
            f"not {recipe.version!r}."
        )
    if not re.fullmatch(r"2\.\d+", recipe.glibc_floor):
        raise ConfigError(f"{table.where('glibc-floor')} must look like 2.17.")
    table.close()
    return recipe


def load_component(root: Path, name: str) -> Component:
    """Read one component's recipe.

    Raises:
        ConfigError: It does not exist, or one of its keys is wrong.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is not the name of a component.")
    folder = root / name
    table = Table.load(folder / "recipe.toml")
    build = table.table("build") or Table({}, table.where("build"))
    component = Component(
        name=name,
        version=table.text("version"),
        license=table.text("license"),
        license_files=table.texts("license-files"),
        libraries=tuple(_library(row) for row in table.rows("libraries")),
        inputs=load_inputs(table),
        steps=tuple(_step(row) for row in build.rows("steps")),
        scripts=(folder / build.text("scripts", ".")).resolve(),
        kept=build.texts("keep", ()),
        redistribution=table.text("redistribution", ""),
    )
    build.close()
    table.close()
    if not component.libraries or not component.inputs:
        raise ConfigError(f"{name}/recipe.toml: needs at least one library and one input.")
    return component


def load_inputs(table: Table) -> tuple[Input, ...]:
    """The pins under ``[[inputs.<role>]]``; other recipes and fixtures share this format."""
    groups = table.table("inputs")
    if groups is None:
        return ()
    pins = tuple(_input(row, role) for role in Role for row in groups.rows(role.value))
    groups.close()
    return _unique(pins, table)


def _unique(pins: tuple[Input, ...], table: Table) -> tuple[Input, ...]:
    seen: set[str] = set()
    for pin in pins:
        if pin.sha256 in seen:
            raise ConfigError(f"{table.where('inputs')}: {pin} is pinned twice.")
        seen.add(pin.sha256)
    return pins


def _input(row: Table, role: Role) -> Input:
    kind = _enum(row, "kind", Kind)
    target = row.text("target", "")
    pin = Input(
        kind=kind,
        package=row.text("package"),
        version=row.text("version"),
        architecture=row.text("architecture"),
        sha256=row.text("sha256"),
        source=row.text("source") if kind is Kind.DEBIAN else "",
        section=row.text("section", "main"),
        role=role,
        target=_arch(row.where("target"), target) if target else None,
    )
    if not _SHA256.fullmatch(pin.sha256):
        raise ConfigError(f"{row.where('sha256')} must be 64 hexadecimal digits.")
    for key, value in (("package", pin.package), ("source", pin.source or pin.package)):
        if not _NAME.fullmatch(value):
            raise ConfigError(f"{row.where(key)} is not a package name: {value!r}.")
    row.close()
    return pin


def _library(row: Table) -> Library:
    archs = row.texts("architectures", ARCHITECTURES)
    library = Library(
        soname=Soname(row.text("soname")),
        link_name=row.text("link-name"),
        architectures=tuple(_arch(row.where("architectures"), arch) for arch in archs),
        member=row.text("member", ""),
    )
    row.close()
    return library


def _requirement(table: Table, text: str) -> str:
    try:
        return str(Requirement(text))
    except InvalidRequirement as error:
        raise ConfigError(f"{table.where('requires')} has {text!r}: {error}.") from error


def _step(row: Table) -> Step:
    step = Step(name=row.text("name"), command=row.texts("run"))
    row.close()
    return step


def _enum(table: Table, key: str, kind: type[_E], default: str | None = None) -> _E:
    value = table.text(key, default)
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(member.value for member in kind)
        raise ConfigError(f"{table.where(key)} is {value!r}; known: {known}.") from error


def _arch(where: str, value: str) -> str:
    if value not in ARCHITECTURES:
        raise ConfigError(f"{where} is {value!r}; known: {', '.join(ARCHITECTURES)}.")
    return value
