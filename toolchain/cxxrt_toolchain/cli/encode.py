"""``cxxrt encode``: one build, under every name that an installer may want.

Prints one path a line: the new wheels, and the index-level file of each release with variants.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.repair.encode import encode, index_file
from cxxrt_toolchain.repair.options import Encoding
from cxxrt_toolchain.temporary import whole_file
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", type=Path)
    parser.add_argument(
        "--to",
        metavar="ENCODING,…",
        required=True,
        help="tag (cxxrt1_cp312), plain (cp312), variant (PEP 825 label); several with commas",
    )
    parser.add_argument("-w", "--wheel-dir", metavar="DIR", type=Path, required=True)


def run(args: argparse.Namespace) -> int:
    """Write the wheels, then the index-level files."""
    encodings = _encodings(args.to)
    args.wheel_dir.mkdir(parents=True, exist_ok=True)
    releases = set()
    for path in args.wheels:
        with Wheel.open(path) as wheel:
            releases.add(f"{wheel.name.distribution}-{wheel.name.version}-")
            for encoding in encodings:
                print(encode(wheel, encoding, args.wheel_dir))
    for release in sorted(releases):
        names = sorted(found.name for found in args.wheel_dir.glob(f"{release}*.whl"))
        if (document := index_file(names)) is not None:
            name, text = document
            with whole_file(args.wheel_dir / name) as file:
                file.write(text.encode())
            print(args.wheel_dir / name)
    return 0


def _encodings(text: str) -> list[Encoding]:
    known = {each.value: each for each in Encoding}
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--to: no encoding {unknown[0]!r}.", f"Known: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)]
