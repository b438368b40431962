"""The tables of PEP-DRAFT.rst, from the specification's data and from what tools were seen to do.

In: ``tags.json``, ``symbols/``, and what was recorded: ``tool_matrix.json``,
``lock_matrix.json``, ``runtime_matrix.json``, ``tests/crashes/matrix.json``, ``tests/proof``. Out:
the text between the ``.. begin table: NAME`` and ``.. end table: NAME`` lines of the proposal.
``python tests/spec/pep_tables.py`` says whether it is current; ``--write`` makes it so.
"""

from __future__ import annotations

import json
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PROPOSAL = ROOT / "PEP-DRAFT.rst"
DATA = ROOT / "abi-tag-spec" / "cxxrt_abi_tag_spec"
FIRST_SHOWN = 13
"""The oldest GCC of the table of ceilings; every published runtime satisfies older bounds."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A simple reStructuredText table."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)

    def row(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join([rule, row(lines[0]), rule, *map(row, lines[1:]), rule])


def _read(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))


def libraries() -> str:
    """The SONAMEs of every epoch."""
    tags = _read(DATA / "tags.json")
    rows = [
        (number, f"``{soname}``", ", ".join(architectures))
        for number, row in tags["epochs"].items()
        for soname, architectures in row["libraries"].items()
    ] + [
        (number, f"``{tags['cuda'][str(major)]['library']}``", f"all, with ``_cu{major}``")
        for number, row in tags["epochs"].items()
        for major in row["cuda_majors"]
    ]
    return table(("Epoch", "Library", "Architectures"), rows)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))


def ceilings() -> str:
    """The newest symbol version of each namespace by runtime version."""
    symbols = _read(DATA / "symbols" / "gcc-runtime.json")
    nodes = [
        (node, int(gcc.split(".")[0]), symbols["architectures"].get(soname, {}).get(node))
        for soname, nodes in symbols["libraries"].items()
        for node, gcc in nodes.items()
    ]
    releases = _read(DATA / "releases.json")["releases"]
    published = {".".join(row["version"].split(".")[:2]) for row in releases}

    def newest(name: str, major: int, arch: str) -> str:
        versions: Iterator[str] = (
            node.removeprefix(f"{name}_")
            for node, gcc, only in nodes
            if re.fullmatch(rf"{name}_[0-9.]+", node)
            and gcc <= major
            and (only is None or arch in only)
        )
        return max(versions, key=_numbers)

    columns = ("GLIBCXX", "CXXABI", "GOMP", "GCC on x86_64", "GCC on aarch64")
    rows = []
    for major in range(FIRST_SHOWN, max(gcc for _, gcc, _ in nodes) + 1):
        version = f"1.{major}"
        named = (column.partition(" on ") for column in columns)
        rows.append(
            (
                f"**{version}**" if version in published else version,
                *(newest(name, major, arch or "x86_64") for name, _, arch in named),
            )
        )
    return table(("Runtime", *columns), rows)


def _matrix() -> Any:  # noqa: ANN401 - JSON
    return _read(Path(__file__).with_name("tool_matrix.json"))


ENCODINGS = ("plain", "tag", "abi3", "none", "suffix", "mixed", "variant")
"""The columns; the record also has the forms that were rejected for other reasons."""


def _numbered(tool: str) -> tuple[str, tuple[int, ...], str]:
    """The name of a tool, its release and its mode, which sort."""
    name, _, release = tool.partition(" ")
    release, _, mode = release.partition(", ")
    return name, _numbers(release), mode


def _grouped(rows: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """One row for neighbouring releases of a tool that behave alike."""
    same = groupby(
        sorted(rows, key=_numbered), lambda tool: (_numbered(tool)[::2], tuple(rows[tool]))
    )
    for ((name, mode), cells), group in same:
        releases = [".".join(map(str, _numbered(tool)[1])) for tool in group]
        ends = {2: ", ", 1: ""}.get(len(releases), " to ").join(
            dict.fromkeys(releases[:: len(releases) - 1 or 1])
        )
        yield (f"{name} {ends}{' [#preview]_' if mode else ''}", *cells)


def encodings() -> str:
    """What each tool does with a wheel that is named in each candidate way."""
    rows = {tool: [row[name] for name in ENCODINGS] for tool, row in _matrix().items()}
    return table(("Tool", *ENCODINGS), _grouped(rows))


def locks() -> str:
    """What each tool's lock file has of a release, and what the tool installs from it."""
    found = _read(Path(__file__).with_name("lock_matrix.json"))["tools"]

    def cells(row: dict[str, Any]) -> tuple[str, str, str]:
        both, tagged = row["all"], row["tagged"]
        listed = ", ".join(each.replace("tag", "tagged") for each in both["locks"])
        alone = "refuses" if tagged["locks"] == "fails" else "locks it, then fails"
        return listed, str(both.get("installs", "-")), alone

    head = ("Tool", "Locks, of all four", "Installs", "Of tagged only")
    return table(head, _grouped({tool: cells(row) for tool, row in found.items()}))


def frameworks() -> str:
    """What the frameworks do as published and repaired onto the runtime."""
    found = _read(ROOT / "tests" / "proof" / "frameworks.json")["frameworks"]

    def after(row: dict[str, Any]) -> str:
        if row["repair"]:
            return "not repaired"
        return "works" if row["repaired"]["works"] else "fails"

    def copies(run: dict[str, Any]) -> str:
        return str(sum("stdc" in path for path in run.get("libraries", ())))

    return table(
        ("Wheel", "As published", "Errors of doctor", "On the runtime", "Copies"),
        (
            (
                row["wheel"].replace("==", " "),
                "works" if row["published"]["works"] else "fails",
                ", ".join(rule.removeprefix("CXXRT-") for rule in row["doctor"]["error"]) or "none",
                after(row),
                copies(row.get("repaired", {})),
            )
            for row in found.values()
        ),
    )


def runtimes() -> str:
    """What becomes of two modules by the second one's runtime and by what is done about it."""
    rows = _read(Path(__file__).with_name("runtime_matrix.json"))
    columns = list(next(iter(rows.values())))
    return table(
        ("Second runtime", *columns),
        ((kind, *(row[name] for name in columns)) for kind, row in rows.items()),
    )


def crashes() -> str:
    """What becomes of two wheels, built the usual way and by a builder that writes the tag."""
    rows = _read(ROOT / "tests" / "crashes" / "matrix.json")["cases"].values()

    def outcome(way: dict[str, Any]) -> str:
        word = re.split(r"[ :]", way["outcome"])[0]
        return "wrong" if word == "prints" else word

    return table(
        ("Two wheels", "Mechanism", "Usual way", "Shared", "Copies", "Rule"),
        (
            (
                row["title"],
                row["mechanism"],
                outcome(row["usual"]),
                outcome(row["backend"]),
                ", ".join(str(n) for way in ("usual", "backend") if (n := row[way]["copies"])),
                (row["rule"] or "none").removeprefix("CXXRT-"),
            )
            for row in rows
            if row["mechanism"] != "layout"
        ),
    )


SURVEYED = {
    "need libstdc++.so.6": "need ``libstdc++.so.6``",
    "bundle libstdc++": "bundle a libstdc++",
    "link libstdc++ statically": "link a libstdc++ statically",
    "bundle libgomp": "bundle a libgomp",
    "link libcudart statically": "link a libcudart statically",
    "export STB_GNU_UNIQUE symbols (H10)": "export ``STB_GNU_UNIQUE`` symbols",
    "export strong std:: definitions (H9)": "export strong definitions in ``std::``",
}
"""Lines of the survey's report, and how the proposal says them."""


def survey_counts() -> dict[str, tuple[int, int, str]]:
    """How many, of how many, and the share, as the recorded report of the survey has them."""
    text = (ROOT / "tests" / "proof" / "survey" / "headline.txt").read_text(encoding="utf-8")
    found = re.findall(r"^ *(\d+) of (\d+) +([\d.]+ %)  (.+)$", text, re.MULTILINE)
    return {label: (int(count), int(of), share) for count, of, share, label in found}


def survey() -> str:
    """What popular wheels carry, by ``cxxrt survey report``."""
    counts = survey_counts()
    of = counts["bundle libstdc++"][1]
    rows = ((said, str(counts[label][0]), counts[label][2]) for label, said in SURVEYED.items())
    return table((f"Of {of} projects", "Number", "Share"), rows)


def cost() -> str:
    """What `cost.py` measured: of a process, an installer, a build and an index."""
    figures = _read(Path(__file__).with_name("cost.json"))
    loader, tags, wheels = figures["loader"], figures["tags"], figures["wheels"]
    sizes = (f"{size / 1e6:.1f} MB ({arch})" for arch, size in wheels.items())
    rows = (
        ("First import, opening both libraries", f"{loader['cold']:.1f} times a C program's time"),
        ("``require()`` of each further package", f"{loader['require_us'] / 1000:.2f} ms"),
        (f"Installer, {tags['tags']} tags", f"{tags['expansion_ms']:.1f} ms"),
        ("Runtime wheel, all libraries", ", ".join(sizes)),
        ("Building it from GCC's source", f"{figures['build']['processor_s']} s"),
    )
    return table((f"Measured on {figures['date']}", "Cost"), rows)


TABLES = (*(runtimes, survey, crashes, libraries, ceilings), *(frameworks, encodings, cost, locks))


def rendered(text: str) -> str:
    """The proposal's text with every table made anew."""
    for make in TABLES:
        begin, end = (f".. {word} table: {make.__name__}\n" for word in ("begin", "end"))
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"{PROPOSAL.name} has no place for the table {make.__name__!r}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{make()}\n\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    before = PROPOSAL.read_text(encoding="utf-8")
    after = rendered(before)
    if "--write" in sys.argv[1:]:
        PROPOSAL.write_text(after, encoding="utf-8")
    elif before != after:
        raise SystemExit("the tables are not current: run this with --write")
