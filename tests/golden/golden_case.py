"""One golden case: a folder with ``case.toml`` and what the tools are expected to say about it.

``case.toml`` describes a wheel; ``verdict.json`` and, where the case asks for it, ``report.json``
and ``plan.json`` are compared with what the real code says about the real file. To write the
expected files anew after an intended change: ``python tests/golden/golden_case.py``; then review
the difference line by line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from elf_maker import make_elf

from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.repair.options import Encoding, PlanOptions, Platform
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.report.documents import plan_document, report_document, verdict_document
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wheel.record import RecordRow, format_record, sha256_field

CASES = Path(__file__).parent / "cases"


def load_case(folder: Path) -> dict[str, Any]:
    """The case's description."""
    return tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))


def write_wheel_of(case: dict[str, Any], folder: Path) -> Path:
    """Write the wheel that a case describes; unlike a builder's it may be wrong on purpose."""
    path = folder / str(case["wheel"])
    distribution, version, *rest = path.stem.split("-")
    python, abi, platform = rest[:3]
    dist_info = f"{distribution}-{version}.dist-info"
    expanded = [
        f"{p}-{a}-{q}"
        for p in python.split(".")
        for a in abi.split(".")
        for q in platform.split(".")
    ]
    tags = "".join(f"Tag: {tag}\n" for tag in case.get("wheel_tags", expanded))
    pure = str(case.get("purelib", False)).lower()
    needs = "".join(f"Requires-Dist: {text}\n" for text in case.get("requires_dist", []))
    wheel_text = f"Wheel-Version: 1.0\nGenerator: golden\nRoot-Is-Purelib: {pure}\n{tags}"
    files = {
        f"{dist_info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}"
        ).encode(),
        f"{dist_info}/WHEEL": case.get("wheel_file", wheel_text).encode(),
        **{each["member"]: each["text"].encode() for each in case.get("file", [])},
        **{each["member"]: make_elf(each)[: each.get("cut")] for each in case.get("elf", [])},
    }
    rows = [
        RecordRow(path=name, hash=sha256_field(sha256(content).digest()), size=len(content))
        for name, content in sorted(files.items())
    ]
    forgotten = case.get("unrecorded", [])
    record = f"{dist_info}/RECORD"
    text = (
        format_record(row for row in rows if row.path not in forgotten) + f"{record},,\n".encode()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, record: text}.items():
            archive.writestr(name, case.get("changed", {}).get(name, content))
    return path


def documents(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the tools say about the case's wheel, by the name of the expected file."""
    tables = load_symbol_tables()
    with Wheel.open(write_wheel_of(case, folder)) as wheel:
        report = collect(wheel)
        verdict = judge(report, tag=case.get("tag"))
        found = {"verdict.json": verdict_document(verdict)}
        if case.get("report"):
            found["report.json"] = report_document(report, tables)
        if "plan" in case:
            plan = make_plan(report, plan_options(case["plan"]), wheel.read)
            found["plan.json"] = plan_document(plan)
            for edit in found["plan.json"]["edits"]:
                edit.pop("content", None)  # the texts have tests of their own
    return found


def plan_options(table: dict[str, Any]) -> PlanOptions:
    """The options of a case's ``[plan]`` table."""
    return PlanOptions(
        encoding=Encoding(table.get("encoding", "tag")),
        platform=Platform(table.get("platform", "lowest")),
        cuda=table.get("cuda"),
        wire=table.get("wire", True),
    )


def main() -> None:
    """Write all expected files anew."""
    for folder in sorted(path.parent for path in CASES.glob("*/case.toml")):
        with tempfile.TemporaryDirectory() as scratch:
            for name, document in documents(load_case(folder), Path(scratch)).items():
                text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
                (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
