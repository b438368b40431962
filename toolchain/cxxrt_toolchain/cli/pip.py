"""``cxxrt pip``: pip, knowing the runtime ABI tag; every argument and exit code is pip's."""

import argparse
import os

from cxxrt_toolchain.installer.run import run_pip


def configure(parser: argparse.ArgumentParser) -> None:
    """Leave all options to pip, ``--help`` and ``--version`` among them."""
    parser.prefix_chars = "\0"
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS")


def run(args: argparse.Namespace) -> int:
    """Run pip and return its exit code."""
    return run_pip(args.arguments, os.environ)
