"""The options ``--exclude``, ``--select`` and ``--ignore`` of the commands that judge."""

import argparse

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.rules.selection import Selection, read_selection

_RULES = "RULE[,RULE]"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--select`` and ``--ignore``."""
    _add(parser, "--select", "judge by these rules only: ids such as H12, or how ids begin")
    _add(
        parser,
        "--ignore",
        "show what these rules find as ignored, unless it breaks the tag's promise",
    )


def add_ignore(parser: argparse.ArgumentParser) -> None:
    """Add ``--ignore`` to a command that shows no verdict; what it selects is every rule."""
    parser.set_defaults(select=[])
    text = "what these rules find decides nothing, unless it breaks the tag's promise"
    _add(parser, "--ignore", text)


def _add(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    parser.add_argument(name, metavar="RULE[,RULE]", action="append", default=[], help=text)


def add_exclude(parser: argparse.ArgumentParser) -> None:
    """Add ``--exclude``."""
    text = "a library that something else provides; may be a pattern, may be repeated"
    parser.add_argument("--exclude", metavar="SONAME", action="append", default=[], help=text)


def selection(args: argparse.Namespace, *scenes: type) -> Selection:
    """What the options say; `scenes` are those that the command judges, none for all.

    Raises `UsageError` for an unknown rule, one that may not be ignored, or no rule for these
    scenes.
    """
    select = getattr(args, "select", [])
    if not select and not args.ignore:
        return Selection()
    from cxxrt_toolchain.rules.every import CATALOGUE

    found = read_selection(select, args.ignore, CATALOGUE)
    seen = {kind for name in found.selected for kind in CATALOGUE[name].scenes}
    if scenes and found.selected and not seen.intersection(scenes):
        raise UsageError(f"--select {','.join(select)}: no rule that this command judges by.")
    return found
