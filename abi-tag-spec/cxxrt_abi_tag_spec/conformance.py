"""Test any implementation of the specification against its vectors, whatever its language.

In: a folder of vectors and a command. Out: one verdict per vector and a table per section of the
specification; exit code 0 if nothing failed, 1 if something did, 2 if it could not be run. The
file format and the protocol are in ``vectors/README.md``. Nothing here knows any answer.

    python -m cxxrt_abi_tag_spec.conformance -- node implementations/javascript/answer.mjs
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
"""Where a checkout keeps them."""

OPERATIONS = (
    "parse",
    "format",
    "filename",
    "release",
    "supported",
    "expand",
    "order",
    "policy",
    "loader",
    "bounds",
    "to-variant",
    "from-variant",
    "providers",
    "places",
    "libraries",
    "schema",
)

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SENTENCE = re.compile(r"([A-Z])-[1-9][0-9]*[a-z]?")
_KEYS = {"id", "sentence", "input", "expected", "comment"}


class ConformanceError(Exception):
    """The vectors or the command cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One question with its answer."""

    id: str
    operation: str
    sentence: tuple[str, ...]
    """Ids of the sentences that decide the answer."""
    input: dict[str, Any]
    expected: dict[str, Any]

    @property
    def rejected(self) -> bool:
        """Whether the expected answer is a rejection."""
        return "rejected" in self.expected


class Outcome(Enum):
    """What an answer is worth."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A vector and what the implementation under test made of it."""

    vector: Vector
    outcome: Outcome
    answer: object
    """The answer, or the reason why there is none."""


def load_vectors(folder: Path) -> tuple[Vector, ...]:
    """Read every vector below a folder, in the order of the files' paths.

    Raises:
        ConformanceError: A file breaks the format; names the file and the vector.
    """
    vectors: list[Vector] = []
    for kind in ("valid", "invalid"):
        for path in sorted((folder / kind).rglob("*.json")):
            vectors.extend(_read(path, rejected=kind == "invalid"))
    if not vectors:
        raise ConformanceError(
            f"{folder}: no vectors below valid/ and invalid/. They are not installed with the "
            "package: name the folder abi-tag-spec/vectors of a checkout with --vectors."
        )
    twice = [name for name, count in Counter(v.id for v in vectors).items() if count > 1]
    if twice:
        raise ConformanceError(f"{folder}: ids used more than once: {', '.join(sorted(twice))}")
    return tuple(vectors)


def _read(path: Path, *, rejected: bool) -> Iterable[Vector]:
    try:
        document = json.loads(path.read_bytes())
        operation, rows = document["operation"], document["vectors"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConformanceError(f"{path}: not a vector file: {error!r}") from error
    if operation not in OPERATIONS:
        raise ConformanceError(f"{path}: unknown operation {operation!r}")
    for index, row in enumerate(rows):
        name = row.get("id", f"#{index}")
        fault = _fault(row, rejected=rejected)
        if fault:
            raise ConformanceError(f"{path}: {name}: {fault}")
        yield Vector(
            id=name,
            operation=operation,
            sentence=tuple(row["sentence"]),
            input=row["input"],
            expected=row["expected"],
        )


def _fault(row: dict[str, Any], *, rejected: bool) -> str:
    if not _KEYS - {"comment"} <= set(row) <= _KEYS:
        return f"needs the keys {sorted(_KEYS)}, comment being optional"
    if not _ID.fullmatch(row["id"]):
        return "the id is not of the form a-b-c"
    if not row["sentence"] or not all(map(_SENTENCE.fullmatch, row["sentence"])):
        return "sentence is not a list of ids such as G-4"
    if ("rejected" in row["expected"]) is not rejected:
        return "results belong below valid/, rejections below invalid/"
    if rejected and not row["expected"]["rejected"]:
        return "the expected rejection names no sentence"
    return ""


def question(vector: Vector, files: Path) -> str:
    """The line that asks for the vector's answer, with files in place of their names."""
    return json.dumps(
        {"id": vector.id, "operation": vector.operation, "input": _inline(vector.input, files)}
    )


def _inline(value: object, files: Path) -> object:
    if isinstance(value, list):
        return [_inline(item, files) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"file"}:
        return {"base64": base64.b64encode((files / value["file"]).read_bytes()).decode()}
    return {key: _inline(item, files) for key, item in value.items()}


def judge(vector: Vector, line: str | None) -> Result:
    """Compare one answer line (None: there was none) with the vector."""

    def result(outcome: Outcome, answer: object) -> Result:
        return Result(vector=vector, outcome=outcome, answer=answer)

    if line is None:
        return result(Outcome.FAILED, "no answer")
    try:
        reply = json.loads(line)
    except ValueError:
        return result(Outcome.FAILED, f"not JSON: {line[:200]!r}")
    if not isinstance(reply, dict) or reply.get("id") != vector.id:
        return result(Outcome.FAILED, f"an answer to another vector: {line[:200]!r}")
    if reply.get("unsupported") is True:
        return result(Outcome.UNSUPPORTED, None)
    answer = reply.get("answer")
    return result(Outcome.PASSED if _same(vector, answer) else Outcome.FAILED, answer)


def _same(vector: Vector, answer: object) -> bool:
    if vector.rejected and answer == {"rejected": []}:
        return True
    # JSON's true is not 1, though Python's is.
    return json.dumps(answer, sort_keys=True) == json.dumps(vector.expected, sort_keys=True)


def run(
    command: Sequence[str], vectors: Sequence[Vector], files: Path, *, seconds: float
) -> tuple[Result, ...]:
    """Ask one process all the questions and judge its answers.

    Raises:
        ConformanceError: The command cannot be started, or takes too long.
    """
    lines = "".join(f"{question(vector, files)}\n" for vector in vectors)
    try:
        done = subprocess.run(
            list(command),
            input=lines.encode(),
            stdout=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConformanceError(f"{command[0]}: {error}") from error
    answers = done.stdout.decode("utf-8", "replace").splitlines()
    padded = [*answers, *[None] * len(vectors)]
    return tuple(judge(vector, line) for vector, line in zip(vectors, padded, strict=False))


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The counts per section of the specification, and the failures; JSON-ready."""
    sections: dict[str, Counter[str]] = {}
    for result in results:
        for section in sorted({name.partition("-")[0] for name in result.vector.sentence}):
            sections.setdefault(section, Counter())[result.outcome.value] += 1
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    return {
        "vectors": len(results),
        **{o.value: sum(r.outcome is o for r in results) for o in Outcome},
        "sections": {name: dict(counts) for name, counts in sorted(sections.items())},
        "failed_sentences": sorted({name for r in failed for name in r.vector.sentence}),
        "failures": [
            {
                "id": r.vector.id,
                "operation": r.vector.operation,
                "sentence": list(r.vector.sentence),
                "expected": r.vector.expected,
                "answer": r.answer,
            }
            for r in failed
        ],
    }


def render(report: dict[str, Any]) -> str:
    """The summary as text for a person."""
    lines = [
        f"FAILED {f['id']} ({f['operation']}; {', '.join(f['sentence'])})\n"
        f"  expected {json.dumps(f['expected'])}\n  answered {json.dumps(f['answer'])}"
        for f in report["failures"]
    ]
    for section, counts in report["sections"].items():
        lines.append(
            f"{section}: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
        )
    lines.append(
        f"{report['vectors']} vectors: {report['passed']} passed, {report['failed']} failed, "
        f"{report['unsupported']} unsupported"
    )
    if report["failed_sentences"]:
        lines.append(f"sentences not met: {', '.join(report['failed_sentences'])}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cxxrt_abi_tag_spec.conformance")
    parser.add_argument(
        "--vectors", type=Path, default=VECTORS, help="folder (default: %(default)s)"
    )
    parser.add_argument(
        "--operation", action="append", choices=OPERATIONS, help="only this one; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for the whole run")
    parser.add_argument("command", nargs="+", help="the implementation under test, after --")
    args = parser.parse_args(argv)
    try:
        vectors = load_vectors(args.vectors)
        chosen = [v for v in vectors if v.operation in (args.operation or OPERATIONS)]
        results = run(args.command, chosen, args.vectors / "files", seconds=args.timeout)
    except (ConformanceError, OSError) as error:
        sys.stderr.write(f"conformance: {error}\n")
        return 2
    report = summary(results)
    sys.stdout.write((json.dumps(report, indent=2) if args.json else render(report)) + "\n")
    return 0 if report["passed"] and not report["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
