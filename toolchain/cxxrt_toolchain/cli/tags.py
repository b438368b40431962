"""``cxxrt tags``: the tags that an environment supports, best first."""

import argparse
import itertools
import json
import os
import sys
from typing import Any

from packaging.tags import Tag, parse_tag

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.host.describe import describe, find_interpreter
from cxxrt_toolchain.host.probe import CUDA_VARIABLE, manifest_of, probe
from cxxrt_toolchain.host.supported import supported_runtimes, supported_tags

SCHEMA = 1
_NOTES = """\
CXXRT_CUDA=12|13|none replaces what the driver answers. A module _cxxrt in the
environment can veto runtime ABIs (sentence S-5 of the specification).
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog, parser.formatter_class = _NOTES, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--python", metavar="EXE", help="another environment: its interpreter or its folder"
    )
    parser.add_argument(
        "--all", action="store_true", help="also the tags of older Pythons and of no Python ABI"
    )
    parser.add_argument("--json", action="store_true", help="everything, as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the supported tags."""
    document = collect(args.python)
    if args.json:
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(render(document, every=args.all)))
    return 0


def collect(python: str | None) -> dict[str, Any]:
    """What ``schemas/supported-tags.schema.json`` describes."""
    spec = load_spec()
    executable = find_interpreter(python) if python else sys.executable
    interpreter = describe(executable, spec, with_tags=True)
    host = probe(interpreter, spec, os.environ)
    manifest = manifest_of(interpreter)
    base: list[Tag] = [tag for text in interpreter.tags for tag in parse_tag(text)]
    tags = supported_tags(base, host, spec)
    return {
        "schema": SCHEMA,
        "specification": spec.version,
        "executable": executable,
        "python": interpreter.python,
        "glibc": interpreter.glibc or None,
        "cuda_driver": host.driver,
        "cuda_driver_forced": bool(os.environ.get(CUDA_VARIABLE, "").strip()),
        "runtime": manifest.version if manifest else None,
        "vetoes": [
            {"epoch": each.epoch, "cuda": each.cuda or None, "architecture": each.architecture}
            for each in sorted(host.vetoes)
        ],
        "runtime_abis": [
            {"runtime_abi": str(each.runtime), "behind_plain": each.behind}
            for each in supported_runtimes(host, spec)
            if any(tag.abi.startswith(f"{each.runtime}_") for tag in tags)
        ],
        "tags": [str(tag) for tag in tags],
    }


def render(document: dict[str, Any], *, every: bool) -> list[str]:
    """The document as lines for people: one for each run of tags that differ in the platform."""
    driver = document["cuda_driver"] or "none"
    forced = f" (by {CUDA_VARIABLE})" if document["cuda_driver_forced"] else ""
    environment = (
        f"Python {document['python']} at {document['executable']}, glibc "
        f"{document['glibc'] or 'none'}, CUDA driver {driver}{forced}, "
        f"runtime {document['runtime'] or 'not installed'}"
    )
    runs = [
        (name, [tag.rsplit("-", 1)[1] for tag in run])
        for name, run in itertools.groupby(document["tags"], lambda tag: tag.rsplit("-", 1)[0])
    ]
    newest = runs[0][0].split("-")[0] if runs else ""
    shown = [row for row in runs if every or row[0].startswith(f"{newest}-")]
    width = max((len(name) for name, _ in shown), default=0)
    lines = [f"{name:<{width}}  {_span(platforms)}" for name, platforms in shown]
    rest = len(runs) - len(shown)
    if not document["runtime_abis"]:
        lines.append("no tag of the shared runtime, which is for CPython on Linux with glibc")
    tail = [f"… and {rest} more groups for other Pythons (--all)"] if rest else []
    return [environment, "", *lines, *tail]


def _span(platforms: list[str]) -> str:
    if len(platforms) == 1:
        return platforms[0]
    return f"{platforms[0]} … {platforms[-1]} ({len(platforms)})"
