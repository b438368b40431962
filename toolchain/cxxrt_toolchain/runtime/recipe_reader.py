"""Recipe files to recipe values, all of them checked.

A ``ConfigError`` starts with the key at fault. Nothing here fetches or runs anything.
"""

import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

import cxxrt_toolchain
from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.errors import ConfigError, UsageError
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
from cxxrt_toolchain.strict import ANY, Value

PROVIDERS = "providers"
"""The folder of the recipes of providers."""
_NAME = r"[a-z0-9][a-z0-9.+-]*"
_ARCH = "|".join(ARCHITECTURES)


def recipes_root() -> Path:
    """The folder of the recipes: a checkout's, or the copy that is installed with the package."""
    package = Path(cxxrt_toolchain.__file__).parent
    checkout = package.parents[1] / "recipes"
    return checkout if (checkout / "runtime.toml").is_file() else package / "_recipes"


def runtime_names(root: Path) -> tuple[str, ...]:
    """Names of the runtime recipes under a root, sorted."""
    return tuple(sorted(path.stem for path in root.glob("*.toml")))


def load_runtime(root: Path, name: str = "runtime") -> RuntimeRecipe:
    """Read one runtime recipe; `ConfigError`: it does not exist, or one of its keys is wrong."""
    if name not in runtime_names(root):
        known = ", ".join(runtime_names(root)) or "none"
        raise ConfigError(f"no runtime recipe {name!r} exists.", f"Known: {known}.")
    table = Value.load_toml(root / f"{name}.toml")
    recipe = RuntimeRecipe(
        name=table["name"].text(),
        version=table["version"].text(),
        epoch=table["epoch"].integer(),
        glibc_floor=table["glibc-floor"].text(r"2\.\d+"),
        components=table["components"].texts(),
        cudart=table.get("cudart", Cudart.VENDOR.value).choice(Cudart),
        requires=tuple(_requirement(each) for each in table.get("requires", []).items()),
    )
    if not re.fullmatch(rf"{recipe.epoch}\.\d+\.\d+", recipe.version):
        table["version"].fail(f"EPOCH.GCC.REVISION with epoch {recipe.epoch}")
    table.close()
    return recipe


def provider_names(root: Path) -> tuple[str, ...]:
    """Names of the recipes of providers under a root, sorted."""
    return runtime_names(root / PROVIDERS)


def load_provider(root: Path, name: str) -> RuntimeRecipe:
    """Read the recipe of a provider's wheel; errors as for `load_runtime`."""
    if name not in provider_names(root):
        known = ", ".join(provider_names(root)) or "none"
        raise ConfigError(f"no recipe of a provider {name!r} exists.", f"Known: {known}.")
    table = Value.load_toml(root / PROVIDERS / f"{name}.toml")
    compiler = load_runtime(root, table["compiler"].text())
    line = table["line"].text(r"\d+(\.\d+)*")
    recipe = RuntimeRecipe(
        name=table["name"].text(rf"{_NAME}-{re.escape(line)}"),
        version=table["version"].text(rf"{re.escape(line)}\.\d+"),
        epoch=compiler.epoch,
        glibc_floor=table["glibc-floor"].text(r"2\.\d+"),
        components=table["components"].texts(),
        requires=tuple(_requirement(each) for each in table.get("requires", []).items()),
        line=line,
        compiler=table["compiler"].text(),
        summary=table["summary"].text(),
    )
    table.close()
    return recipe


def load_recipe(root: Path, name: str) -> RuntimeRecipe:
    """Read a runtime recipe or, as ``providers/NAME``, that of a provider; errors as of these."""
    if name.startswith(f"{PROVIDERS}/"):
        return load_provider(root, name.removeprefix(f"{PROVIDERS}/"))
    return load_runtime(root, name)


def compiler_component(root: Path, recipe: RuntimeRecipe) -> Component:
    """The component whose compiler builds a runtime; `UsageError` if none of it has one."""
    for component in (load_component(root, name) for name in recipe.components):
        if "compiler" in component.kept:
            return component
    raise UsageError(f"the recipe of {recipe.name} {recipe.version} has no compiler.")


def load_component(root: Path, name: str) -> Component:
    """Read one component's recipe; errors as for `load_runtime`."""
    if not re.fullmatch(_NAME, name):
        raise ConfigError(f"{name!r} is not the name of a component.")
    folder = root / name
    table = Value.load_toml(folder / "recipe.toml")
    build = table.get("build", {})
    component = Component(
        name=name,
        version=table["version"].text(),
        license=table["license"].text(),
        license_files=table["license-files"].texts(),
        libraries=tuple(_library(row) for row in table.get("libraries", []).items()),
        inputs=load_inputs(table),
        steps=tuple(_step(row) for row in build.get("steps", []).items()),
        scripts=(folder / build.get("scripts", ".").text()).resolve(),
        kept=build.get("keep", []).texts(),
        redistribution=table.get("redistribution", "").text(ANY),
        files=build.get("files", []).texts(_NAME),
        namespace=build.get("namespace", "").text(ANY),
    )
    build.close()
    table.close()
    if not component.libraries or not component.inputs:
        raise ConfigError(f"{name}/recipe.toml: needs at least one library and one input.")
    return component


def load_host_tools(root: Path) -> tuple[Input, ...]:
    """The pins of the programs that a build borrows where a machine lacks them."""
    return load_inputs(Value.load_toml(root / "host-tools" / "inputs.toml"))


def load_inputs(table: Value) -> tuple[Input, ...]:
    """The pins under ``[[inputs.<role>]]``; other recipes and fixtures share this format."""
    groups = table.get("inputs", {})
    rows = ((role, row) for role in Role for row in groups.get(role.value, []).items())
    pins = tuple(_input(row, role) for role, row in rows)
    groups.close()
    hashes = [pin.sha256 for pin in pins]
    for pin in pins:
        if hashes.count(pin.sha256) > 1:
            raise ConfigError(f"{groups.path}: {pin} is pinned twice.")
    return pins


def _input(row: Value, role: Role) -> Input:
    kind = row["kind"].choice(Kind)
    target = row.get("target")
    architecture = row["architecture"].text()
    tarball = kind is Kind.DEBIAN and architecture == "source"
    pin = Input(
        kind=kind,
        package=row["package"].text(_NAME),
        version=row["version"].text(),
        architecture=architecture,
        sha256=row["sha256"].text(r"[0-9a-f]{64}"),
        source=row["source"].text(_NAME) if kind is Kind.DEBIAN else "",
        section=row.get("section", "main").text(),
        file=row["file"].text(r"[A-Za-z0-9][\w.+~-]*\.tar\.(gz|xz|bz2)") if tarball else "",
        role=role,
        target=target.text(_ARCH) if target else None,
    )
    row.close()
    return pin


def _library(row: Value) -> Library:
    library = Library(
        soname=Soname(row["soname"].text()),
        link_name=row["link-name"].text(),
        architectures=row.get("architectures", list(ARCHITECTURES)).texts(_ARCH),
        member=row.get("member", "").text(ANY),
    )
    row.close()
    return library


def _requirement(value: Value) -> str:
    try:
        return str(Requirement(value.text()))
    except InvalidRequirement as error:
        raise ConfigError(f"{value.path}: {error}.") from error


def _step(row: Value) -> Step:
    step = Step(name=row["name"].text(), command=row["run"].texts())
    row.close()
    return step
