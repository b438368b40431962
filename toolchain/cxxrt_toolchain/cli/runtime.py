"""``cxxrt runtime``: build the runtime wheel, list recipes, find the recipe's compiler."""

import argparse
import os
import platform
from dataclasses import replace
from pathlib import Path

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.runtime.distinfo import ANY
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import ARCHITECTURES
from cxxrt_toolchain.runtime.recipe_reader import (
    load_component,
    load_runtime,
    recipes_root,
    runtime_names,
)
from cxxrt_toolchain.runtime.sources.bundle import (
    bundled_inputs,
    open_bundle,
    refuse_occupied,
    write_bundle,
)
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.clients import machine_clients
from cxxrt_toolchain.runtime.stage import Workshop, built_figures, find_compiler

_DEFAULT = "runtime"
BUILD_NOTES = (
    "Inputs are pinned in the recipe. Wheels are fetched with this machine's pip, Debian packages "
    "from apt's mirror or CXXRT_DEBIAN_MIRROR. Built libraries stay in the cache (CXXRT_CACHE). "
    "aarch64 is cross-compiled. Two builds of one recipe give the same bytes."
)
BUNDLE_HELP = "write all that a build needs into one folder"
BUNDLE_NOTES = "The bundle is for every architecture unless --arch names one."

_NOTES = (
    f"{BUILD_NOTES} With --arch {ANY} it is the loader alone, for all other platforms, and does "
    "nothing there."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their options."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common, building = common_options(), common_options(ANY)
    for each in (common, building):
        each.add_argument("--recipe", metavar="NAME", help="recipes/NAME.toml; default: runtime")
    commands.add_parser(
        "build", parents=[building, wheel_options()], help="build the runtime wheel", epilog=_NOTES
    )
    commands.add_parser(
        "sources",
        parents=[common, bundle_options()],
        help=BUNDLE_HELP,
        epilog=f"{BUNDLE_NOTES} With the wheel it is GCC's corresponding source.",
    )
    commands.add_parser("list", parents=[common], help="recipes, versions, components, figures")
    commands.add_parser(
        "compiler", parents=[common], help="print the path of the g++ that built the libraries"
    )
    demo = commands.add_parser("demo", parents=[common], help="build, install and show it working")
    demo.add_argument("--keep", type=Path, metavar="DIR", help="keep the demo's environment here")


def common_options(*more: str) -> argparse.ArgumentParser:
    """Options of the commands that build, for the architectures and what else `more` names."""
    common = argparse.ArgumentParser(add_help=False)
    choices = (*ARCHITECTURES, *more)
    common.add_argument("--arch", choices=choices, help="default: this machine's")
    common.add_argument("--cache", type=Path, metavar="DIR", help="default: ~/.cache/cxxrt")
    common.add_argument(
        "--jobs", type=int, default=os.cpu_count(), metavar="N", help="default: all processors"
    )
    return common


def wheel_options() -> argparse.ArgumentParser:
    """Options of a build: where the wheel goes, and the bundle that it is built from."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "-w", "--wheel-dir", type=Path, default=Path(), metavar="DIR", help="where the wheel goes"
    )
    options.add_argument(
        "--sources", type=Path, metavar="DIR", help="build from a bundle, without a network"
    )
    return options


def bundle_options() -> argparse.ArgumentParser:
    """The option that says where a bundle goes."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("-o", "--output", type=Path, metavar="DIR", required=True)
    return options


def run(args: argparse.Namespace) -> int:
    """Run one subcommand."""
    if args.command == "demo":
        from cxxrt_toolchain.demo import main_job

        return int(main_job.run(args))
    commands = {"build": _build, "list": _list, "compiler": _compiler, "sources": _sources}
    commands[args.command](args)
    return 0


def _build(args: argparse.Namespace) -> None:
    from cxxrt_toolchain.runtime.assemble import build_wheel

    arch = chosen_arch(args)
    shop = workshop(args) if arch == ANY else workshop_with_sources(args, args.recipe, arch)
    name = shop.bundle.name if shop.bundle else args.recipe or _DEFAULT
    print(build_wheel(load_runtime(shop.recipes, name), arch, shop, args.wheel_dir))


def _sources(args: argparse.Namespace) -> None:
    write_sources(args, args.recipe or _DEFAULT)


def write_sources(args: argparse.Namespace, name: str) -> None:
    """Write the bundle of a recipe, and print where it is."""
    archs = (args.arch,) if args.arch else ARCHITECTURES
    root = recipes_root()
    refuse_occupied(args.output)
    files = workshop(args).fetch(bundled_inputs(root, name, archs))
    write_bundle(root, name, files, args.output)
    print(args.output)


def _list(args: argparse.Namespace) -> None:
    root, shop = recipes_root(), workshop(args)
    archs = (args.arch,) if args.arch else ARCHITECTURES
    for name in runtime_names(root):
        recipe = load_runtime(root, name)
        print(f"{name}: {recipe.name} {recipe.version}, glibc {recipe.glibc_floor}")
        for component in (load_component(root, item) for item in recipe.components):
            print(f"  {component.name} {component.version} ({component.license})")
            for arch in archs if component.built else ():
                rows = built_figures(component, arch, recipe.glibc_floor, shop)
                for row in rows or ("not built in this cache",):
                    print(f"    {arch}  {row}")


def _compiler(args: argparse.Namespace) -> None:
    recipe, arch = load_runtime(recipes_root(), args.recipe or _DEFAULT), chosen_arch(args)
    print(find_compiler(recipe, arch, workshop(args)))


def chosen_arch(args: argparse.Namespace) -> str:
    """The architecture that the options name, else this machine's; `UsageError`: no recipe."""
    arch = str(args.arch or platform.machine())
    if arch not in (*ARCHITECTURES, ANY):
        raise UsageError(f"no recipe for {arch}.", f"Choose with --arch: {ARCHITECTURES}.")
    return arch


def workshop(args: argparse.Namespace) -> Workshop:
    """The cache, clients and progress lines of a command."""
    if args.jobs < 1:
        raise UsageError("--jobs must be at least 1.")
    return Workshop(
        cache=find_cache(args.cache, os.environ),
        clients=machine_clients(os.environ),
        jobs=args.jobs,
        progress=Progress(),
    )


def workshop_with_sources(args: argparse.Namespace, name: str | None, arch: str) -> Workshop:
    """The workshop of a build of a recipe, with the bundle that ``--sources`` names."""
    shop = workshop(args)
    if args.sources is None:
        return shop
    return replace(shop, bundle=open_bundle(args.sources, name, arch))
