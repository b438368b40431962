"""A bundle: a recipe and all that it is built from, in one folder, to build without a network.

    SHA256SUMS               of every other file; what each input is stands in a comment before it
    inputs/<sha256>.deb      and .whl, byte for byte as they were published
    recipes/                 the recipe and the scripts of its steps, as in `recipes_root`; for a
                             provider, those of the compiler that builds it, too

It is also what GCC's licence calls the corresponding source: the source and the scripts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import InputError, MissingToolError, UsageError
from cxxrt_toolchain.runtime.recipe_reader import (
    PROVIDERS,
    compiler_component,
    load_component,
    load_host_tools,
    load_recipe,
    load_runtime,
    runtime_names,
)
from cxxrt_toolchain.runtime.sources.fetch import cached_path, sha256_of
from cxxrt_toolchain.temporary import scratch_folder
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.recipe import Input

_SUMS, _INPUTS, _RECIPES = "SHA256SUMS", "inputs", "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose files are what they were when it was written."""

    recipes: Path
    """Stands for `recipes_root`."""
    name: str
    """Of the recipe, as `load_recipe` takes it."""
    files: Mapping[Input, Path]


def bundled_inputs(root: Path, name: str, archs: Iterable[str]) -> tuple[Input, ...]:
    """What a recipe is built from for some architectures, programs that a machine may lack too."""
    recipe = load_recipe(root, name)
    components = [load_component(root, each) for each in recipe.components]
    if recipe.compiler:
        components.append(compiler_component(root, load_runtime(root, recipe.compiler)))
    rows = [each.inputs_for(arch) for each in components for arch in archs]
    return tuple(dict.fromkeys(item for row in (*rows, load_host_tools(root)) for item in row))


def refuse_occupied(target: Path) -> None:
    """`UsageError` if a bundle cannot get this place; asked before gigabytes are fetched."""
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} exists and is not an empty folder.")


def write_bundle(root: Path, name: str, files: Mapping[Input, Path], target: Path) -> None:
    """Write a bundle of fetched inputs into a new or empty folder, or nothing.

    `MissingToolError`: it cannot be written.
    """
    target = target.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(target.parent) as scratch:
            work = scratch / target.name
            for folder in (work / _INPUTS, work / _RECIPES):
                folder.mkdir(parents=True)
            with (work / _SUMS).open("x", encoding="utf-8") as sums:
                for item, file in files.items():
                    copy = cached_path(item, work / _INPUTS)
                    shutil.copyfile(file, copy)
                    sums.write(f"# {item}\n{_line(copy, work)}")
                for file in _recipe_files(root, name):
                    copy = work / _RECIPES / file.relative_to(root)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
                    sums.write(_line(copy, work))
            work.replace(target)
    except OSError as error:
        raise MissingToolError(f"{target} cannot be written: {error.strerror}.") from error


def _recipe_files(root: Path, name: str) -> list[Path]:
    recipes = {name: load_recipe(root, name)}
    if compiler := recipes[name].compiler:
        recipes[compiler] = load_runtime(root, compiler)
    components = [load_component(root, each) for r in recipes.values() for each in r.components]
    folders = {root / each.name for each in components} | {root / "host-tools"}
    folders |= {each.scripts for each in components if each.built}
    inside = (file for folder in folders for file in folder.iterdir() if file.is_file())
    return sorted({*(root / f"{each}.toml" for each in recipes), *inside})


def _line(file: Path, work: Path) -> str:
    return f"{sha256_of(file)}  {file.relative_to(work)}\n"


def open_bundle(folder: Path, name: str | None, arch: str) -> Bundle:
    """A bundle from which a recipe can be built for an architecture, all of it compared.

    The only runtime recipe in it needs no name. `InputError`: it is no bundle, or a file of it is
    missing, damaged or too many.
    """
    recipes = folder / _RECIPES
    again = _command(name)
    sums = {
        path: digest for digest, path in _sums(folder, again) if path.startswith(f"{_RECIPES}/")
    }
    found = {str(file.relative_to(folder)) for file in recipes.rglob("*") if file.is_file()}
    texts = {path: (folder / path, sums.get(path)) for path in {*sums, *found}}
    _refuse(folder, texts, again)
    names = runtime_names(recipes)
    chosen = name or (names[0] if len(names) == 1 else "runtime")
    items = bundled_inputs(recipes, chosen, (arch,))
    files = {item: cached_path(item, folder / _INPUTS) for item in items}
    _refuse(folder, {str(item): (file, item.sha256) for item, file in files.items()}, again)
    return Bundle(recipes=recipes, name=chosen, files=files)


def _command(name: str | None) -> str:
    """What writes a bundle of the recipe."""
    of = "runtime sources"
    if name and name.startswith(f"{PROVIDERS}/"):
        of = f"provider sources {name.removeprefix(f'{PROVIDERS}/')}"
    return f"cxxrt {of} -o DIR"


def _sums(folder: Path, again: str) -> list[tuple[str, str]]:
    try:
        text = (folder / _SUMS).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} is no bundle of sources: {_SUMS} cannot be read.", f"{again} writes one."
        ) from error
    rows = (line.split("  ", 1) for line in text.splitlines() if not line.startswith("#"))
    return [(row[0], row[1]) for row in rows if len(row) == 2]  # noqa: PLR2004 - digest and path


def _refuse(folder: Path, files: Mapping[str, tuple[Path, str | None]], again: str) -> None:
    bad = sorted(
        name
        for name, (file, digest) in files.items()
        if not file.is_file() or sha256_of(file) != digest
    )
    if bad:
        raise InputError(
            f"{folder} cannot be built from: {listed(bad)} missing, damaged or not of the bundle.",
            f"Write it again, for the recipe and the architecture: {again}",
        )
