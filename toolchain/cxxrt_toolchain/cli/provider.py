"""``cxxrt provider``: build the wheel of a library that many wheels use, list what there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.cli.runtime import BUILD_NOTES, chosen_arch, common_options, workshop
from cxxrt_toolchain.runtime.recipe_reader import load_provider, provider_names, recipes_root

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their options."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser(
        "build", parents=[common_options()], help="build a wheel", epilog=BUILD_NOTES
    )
    build.add_argument("name", metavar="NAME", help="recipes/providers/NAME.toml")
    build.add_argument(
        "-w", "--wheel-dir", type=Path, default=Path(), metavar="DIR", help="where the wheel goes"
    )
    commands.add_parser("list", help="the recipes")


def run(args: argparse.Namespace) -> int:
    """Run one subcommand."""
    if args.command == "list":
        _list()
        return 0
    from cxxrt_toolchain.runtime.provider.wheel import build_provider

    recipe, arch = load_provider(recipes_root(), args.name), chosen_arch(args)
    print(build_provider(recipe, arch, workshop(args), args.wheel_dir))
    return 0


def _list() -> None:
    for name in provider_names(recipes_root()):
        recipe = load_provider(recipes_root(), name)
        print(f"{name}: {recipe.name} {recipe.version}, glibc {recipe.glibc_floor}")
