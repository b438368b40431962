"""Generate the tables of provider libraries, ``cxxrt_abi_tag_spec/symbols/lib*.json``.

In: the pins of ``provider-sources.toml``, fetched by pip, and the rows of ``providers/``. Out: for
each SONAME that a row serves, which release of its distribution first exports which symbol, and
which one no longer does. Same pins, same bytes. The wheels are 6 GB in all, so they are read one
by one and not kept:

    python abi-tag-spec/generate_providers.py [--wheels DIR]    writes the tables
    python abi-tag-spec/generate_providers.py --check tbb ...   compares those of some distributions
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.elf.facts import Binding
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe_reader import load_inputs
from cxxrt_toolchain.runtime.sources.fetch import sha256_of
from cxxrt_toolchain.runtime.sources.pip_client import PipClient
from cxxrt_toolchain.strict import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.runtime.recipe import Input

HERE = Path(__file__).parent
DATA = HERE / "cxxrt_abi_tag_spec"
LARGEST_BASE = 2000
"""Symbols of a first release that are listed; MKL's 65,000 would be a file of two megabytes."""
UNLISTED = re.compile(r"libmkl_(?!rt\.|intel_i?lp64\.)\w+\.so\.\d")
"""Layers of MKL that only its own other layers call."""


def pins() -> tuple[Input, ...]:
    """The wheels to look at, ascending by version."""
    table = Value.load_toml(HERE / "provider-sources.toml")
    found = load_inputs(table)
    table.close()
    return tuple(sorted(found, key=lambda pin: (pin.package, Version(pin.version))))


def served() -> dict[str, set[str]]:
    """Distribution to the SONAMEs that the rows have of it."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted((DATA / "providers").glob("*.json")):
        for row in json.loads(file.read_bytes())["libraries"]:
            found[row["distribution"]] |= {s for s in row["sonames"] if not UNLISTED.fullmatch(s)}
    return found


def exports(wheel: Path, sonames: set[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """SONAME and strong exported symbols of those libraries that the wheel has."""
    with zipfile.ZipFile(wheel) as archive:
        seen = set()
        for member in sorted(archive.namelist()):
            name = member.rsplit("/", 1)[-1]
            soname = next((s for s in sonames if name == s or name.startswith(f"{s}.")), None)
            if soname is None or soname in seen:
                continue
            with archive.open(member) as file:
                library = read_elf(file, member, symbols=True)
            if library.soname != soname:
                raise InputError(f"{wheel.name}: {member} has the SONAME {library.soname}.")
            seen.add(soname)
            yield (
                soname,
                frozenset(
                    each.name
                    for each in library.symbols or ()
                    if each.defined and each.visible and each.binding is Binding.GLOBAL
                ),
            )


def table(soname: str, distribution: str, releases: dict[str, frozenset[str]]) -> str:
    """The text of one table."""
    rows: dict[str, dict[str, list[str]]] = {}
    before: frozenset[str] = frozenset()
    complete = len(next(iter(releases.values()))) <= LARGEST_BASE
    for number, (release, names) in enumerate(releases.items()):
        added, removed = sorted(names - before), sorted(before - names)
        row = {"added": added if number or complete else [], "removed": removed}
        rows[release] = {key: value for key, value in row.items() if value}
        before = names
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items()]
    head = {"schema": 1, "soname": soname, "distribution": distribution, "complete": complete}
    start = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    return "{\n" + start + ' "releases": {\n' + ",\n".join(lines) + "\n }\n}\n"


def fetched(pin: Input, folder: Path, kept: Path | None) -> Path:
    """A pinned wheel, from a folder that has it or from the index."""
    normalized = pin.package.replace("-", "_")
    for wheel in kept.glob(f"{normalized}-{pin.version}-*.whl") if kept else ():
        if sha256_of(wheel) == pin.sha256:
            return wheel
    part = folder / "wheel.whl"
    PipClient().download(pin, part, Progress())
    return part


def main(arguments: list[str]) -> int:
    """Write the tables, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("distribution", nargs="*", help="only these")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if they differ")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="take wheels from here first")
    options = parser.parse_args(arguments)
    rows = served()
    found: dict[tuple[str, str], dict[str, frozenset[str]]] = defaultdict(dict)
    with tempfile.TemporaryDirectory() as scratch:
        for pin in pins():
            if not options.distribution or pin.package in options.distribution:
                wheel = fetched(pin, Path(scratch), options.wheels)
                for soname, names in exports(wheel, rows[pin.package]):
                    found[soname, pin.package][pin.version] = names
    texts = {key[0]: table(*key, releases) for key, releases in found.items()}
    stale = []
    for soname, text in sorted(texts.items()):
        path = DATA / "symbols" / f"{soname}.json"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(soname)
            if not options.check:
                path.write_text(text, encoding="utf-8")
    print(*stale or ["nothing changed"], sep="\n")  # noqa: T201 - a program's answer
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
