"""``cxxrt provider``: build the wheel of a library that many wheels use, list what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.cli.runtime import (
    BUILD_NOTES,
    BUNDLE_HELP,
    BUNDLE_NOTES,
    bundle_options,
    chosen_arch,
    common_options,
    wheel_options,
    workshop_with_sources,
    write_sources,
)
from cxxrt_toolchain.runtime.recipe_reader import (
    PROVIDERS,
    load_provider,
    provider_names,
    recipes_root,
)

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their options."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = common_options()
    common.add_argument("name", metavar="NAME", help=f"recipes/{PROVIDERS}/NAME.toml")
    commands.add_parser(
        "build", parents=[common, wheel_options()], help="build a wheel", epilog=BUILD_NOTES
    )
    commands.add_parser(
        "sources",
        parents=[common, bundle_options()],
        help=BUNDLE_HELP,
        epilog=f"{BUNDLE_NOTES} It has the sources of the compiler that builds it, too.",
    )
    commands.add_parser("list", help="the recipes")


def run(args: argparse.Namespace) -> int:
    """Run one subcommand."""
    {"build": _build, "list": _list, "sources": _sources}[args.command](args)
    return 0


def _build(args: argparse.Namespace) -> None:
    from cxxrt_toolchain.runtime.provider.wheel import build_provider

    arch = chosen_arch(args)
    shop = workshop_with_sources(args, f"{PROVIDERS}/{args.name}", arch)
    recipe = load_provider(shop.recipes, args.name)
    print(build_provider(recipe, arch, shop, args.wheel_dir))


def _sources(args: argparse.Namespace) -> None:
    write_sources(args, f"{PROVIDERS}/{args.name}")


def _list(_: argparse.Namespace) -> None:
    for name in provider_names(recipes_root()):
        recipe = load_provider(recipes_root(), name)
        print(f"{name}: {recipe.name} {recipe.version}, glibc {recipe.glibc_floor}")
