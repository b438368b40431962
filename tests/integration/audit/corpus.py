"""The corpus of real wheels: what is in it, how pip fetches it, what we say about each.

``python tests/integration/audit/corpus.py DIR`` writes ``verdicts.json`` anew from the wheels in
DIR; every line of the difference is then to be explained.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.facts.needs.runtime import glibc_floor, runtime_needs
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

HERE = Path(__file__).parent
VERDICTS = HERE / "verdicts.json"
_PLATFORMS = ("2_17", "2_24", "2_26", "2_27", "2_28", "2_31", "2_34", "2_35")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusWheel:
    """One row of ``corpus.toml``."""

    name: str
    version: str
    python: str
    """What pip pretends to be: ``311``."""
    filename: str
    size: int
    """Bytes."""
    sha256: str
    why: str


def load_corpus() -> tuple[CorpusWheel, ...]:
    """All rows, smallest first."""
    text = (HERE / "corpus.toml").read_text(encoding="utf-8")
    return tuple(CorpusWheel(**row) for row in tomllib.loads(text)["wheel"])


def fetch(row: CorpusWheel, cache: Path) -> Path | None:
    """The wheel from the cache, else through pip; None where pip cannot get it."""
    path = cache / row.filename
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        platforms = [f"manylinux_{each}_x86_64" for each in _PLATFORMS]
        platforms += [f"manylinux{each}_x86_64" for each in ("1", "2010", "2014")]
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache)]
        command += ["--only-binary", ":all:", "--python-version", row.python]
        command += [text for each in platforms for text in ("--platform", each)]
        command += ["--implementation", "cp", f"{row.name}=={row.version}"]
        for abi in (f"cp{row.python}", f"cp{row.python}m", "abi3", "none"):
            command += ["--abi", abi]
        done = subprocess.run(command, capture_output=True, check=False, timeout=900)
        if done.returncode or not path.is_file():
            return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == row.sha256, f"{row.filename} has SHA-256 {digest}, expected {row.sha256}"
    return path


def summary(path: Path) -> dict[str, Any]:
    """What the golden table holds about one wheel."""
    with Wheel.open(path) as wheel:
        report = collect(wheel)
    verdict = judge(report)
    counts = Counter(f"{found.severity.value} {found.rule}" for found in verdict.findings)
    floor = max((glibc_floor(found.facts) for found in report.objects), default=(0,))
    needs = runtime_needs(report, repaired=True)
    return {
        "conforms": verdict.conforms,
        "glibc": ".".join(map(str, floor)),
        "glibcxx": needs.glibcxx,
        "requirement": None
        if needs.shortfall(load_symbol_tables(), epoch=1)
        else needs.requirement(load_symbol_tables(), epoch=1),
        "bundled": sorted(found.member for found in report.objects if found.copy_of),
        "static": sorted(
            {
                f"{family.value} in {found.member}"
                for found in report.objects
                for family in found.static
            }
        ),
        "objects": len(report.objects),
        "findings": dict(sorted(counts.items())),
    }


def main() -> None:
    """Write the golden table anew."""
    table = {}
    for row in load_corpus():
        path = fetch(row, Path(sys.argv[1]))
        if path is None:
            print(f"not to be had: {row.filename}", file=sys.stderr)
            continue
        table[row.filename] = summary(path)
        print(row.filename, file=sys.stderr)
    VERDICTS.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
