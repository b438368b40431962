"""``cxxrt encode``: one build, under every name that an installer may want.

Prints one path a line: the new wheels, and the index-level file of each release with variants. A
wheel that would not conform under its new name is not written.
"""

import argparse
import sys
from pathlib import Path

from cxxrt_toolchain.cli.selection import add_exclude, add_ignore, selection
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.repair.accept import carry_out
from cxxrt_toolchain.repair.encode import index_file, plan_encoding, runtime_of
from cxxrt_toolchain.repair.options import Encoding, PlanOptions
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.wheel.claim import Claim
from cxxrt_toolchain.temporary import whole_file
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wording import NEWLINE, printable

_NOTES = """\
A release for every installer: plain wheels, which pip, uv and lock files take today, and tagged
ones beside them, which 'cxxrt pip' prefers:

  cxxrt encode dist/*.whl --to tag -w dist
  twine upload dist/*

All wheels of one build have the same Requires-Dist.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog, parser.formatter_class = _NOTES, argparse.RawDescriptionHelpFormatter
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument(
        "--to",
        metavar="ENCODING,…",
        required=True,
        help="tag (cxxrt1_cp312), plain (cp312), variant (PEP 825 label); several with commas",
    )
    parser.add_argument("-w", "--wheel-dir", metavar="DIR", type=Path, required=True)
    add_exclude(parser)
    add_ignore(parser)


def run(args: argparse.Namespace) -> int:
    """Write the wheels, then the index-level files; 1 if one would not conform."""
    options = PlanOptions(exclude=tuple(args.exclude), ignore=selection(args, Claim).ignored)
    encodings = _encodings(args.to)
    releases, refused, foreign = set(), False, []
    for path in args.wheels:
        with Wheel.open(path) as wheel:
            if runtime_of(wheel) is None:
                foreign.append(path.name)
                continue
            releases.add(f"{wheel.name.distribution}-{wheel.name.version}-")
            for encoding in encodings:
                written = _written(wheel, encoding, args.wheel_dir, options)
                refused = refused or written is None
                if written is not None:
                    print(written)
    _report_foreign(foreign, everything=len(foreign) == len(args.wheels))
    for release in sorted(releases):
        names = sorted(found.name for found in args.wheel_dir.glob(f"{release}*.whl"))
        if (document := index_file(names)) is not None:
            name, text = document
            with whole_file(args.wheel_dir / name) as file:
                file.write(text.encode())
            print(args.wheel_dir / name)
    return int(refused)


def _report_foreign(names: list[str], *, everything: bool) -> None:
    """Name the wheels that no runtime ABI concerns, of another platform, for example."""
    why = "neither the name nor cxxrt.json says which runtime the binaries were linked against"
    if everything:
        raise InputError(
            f"{', '.join(names)}: {why}.",
            "Build it with cxxrt_toolchain.backend, or run 'cxxrt repair' on it.",
        )
    for name in names:
        sys.stderr.write(f"cxxrt encode: {printable(name)} is passed over: {why}.\n")


def _written(wheel: Wheel, encoding: Encoding, folder: Path, options: PlanOptions) -> Path | None:
    """The new wheel; None, and a message, where the rules find an error in it."""
    plan = plan_encoding(wheel, encoding)
    target = folder / plan.result
    if not plan.edits and target.exists() and target.samefile(wheel.path):
        return target
    done = carry_out(plan, wheel, folder, options)
    if done.path is None:
        errors = [each for each in done.verdict.findings if each.weight is Severity.ERROR]
        reasons = "".join(f"\n  {each.rule}: {each.reason}" for each in errors)
        text = f"cxxrt encode: {plan.result} would not conform and is not written:{reasons}"
        sys.stderr.write(f"{printable(text, keep=NEWLINE)}\n")
    return done.path


def _encodings(text: str) -> list[Encoding]:
    known = {each.value: each for each in Encoding}
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--to: no encoding {unknown[0]!r}.", f"Known: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)]
