"""The audit, the bounds and the schemas behind the door of the conformance suite."""

from __future__ import annotations

import base64
import json
import re
import tempfile
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from cxxrt_toolchain.abi.bounds import NoRuntimeError, requirement_text
from cxxrt_toolchain.abi.filename import parse_wheel_name, violations
from cxxrt_toolchain.abi.platforms import parse_platform
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.symbols import load_symbol_tables, read_releases
from cxxrt_toolchain.abi.tag import AbiTag, BadTagError
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

Document = dict[str, Any]
SPEC, TABLES = load_spec(), load_symbol_tables()
_MOST_TAG = 240
"""Characters: a file name has room for no more."""
_MEMBER = re.compile(r"(?!.{256})(?!\.\.?(?:/|$))[\w.+-]+(?:/(?!\.\.?(?:/|$))[\w.+-]+)*", re.ASCII)
SENTENCES = {
    **{f"CXXRT-T{number}": f"G-{number}" for number in range(1, 8)},
    **{f"CXXRT-P{number}": f"P-{number}" for number in range(1, 6)},
    **{f"CXXRT-H{number}": "P-2" for number in (1, 2, 3, 4, 6, 8)},
    "CXXRT-P9": "P-9",
    "CXXRT-H12": "P-7",
    "CXXRT-H14": "P-8",
}
"""The audit's rule ids and the sentences that they enforce."""


def bounds(question: Document) -> Document:
    tables = TABLES
    if "releases" in question:
        document = {"schema": 1, "releases": question["releases"]}
        tables = replace(tables, releases=read_releases(json.dumps(document).encode()))
    needs = [(soname, node) for soname, nodes in question["needs"].items() for node in nodes]
    cudart = {int(major): symbols for major, symbols in question["cudart"].items()}
    epoch, arch = question["epoch"], question.get("architecture")
    try:
        found = Requirement(requirement_text(tables, needs, cudart, epoch=epoch, arch=arch))
    except NoRuntimeError:
        return {"rejected": ["V-6"]}
    versions = {clause.operator: clause.version for clause in found.specifier}
    return {"minimum": versions[">="], "below": versions["<"]}


def policy(question: Document) -> Document:
    names = [each["name"] for each in question["objects"]]
    short = len(question["tag"]) <= _MOST_TAG
    if not short or len(set(names)) < len(names) or not all(map(_MEMBER.fullmatch, names)):
        return {"rejected": ["C-5"]}
    if fault := _not_judged(question["tag"]):
        return {"rejected": [fault]}
    with tempfile.TemporaryDirectory() as folder, Wheel.open(_wheel(question, folder)) as wheel:
        report = collect(wheel, record=False)
        if report.unreadable or len(report.objects) < len(names):
            return {"rejected": ["Z-4"]}
        verdict = judge(report, tables=TABLES)
    broken = {
        SENTENCES[found.rule]
        for found in verdict.findings
        if found.severity is Severity.ERROR and found.rule in SENTENCES
    }
    return {"rejected": sorted(broken)} if broken else {"conforms": True}


def _not_judged(text: str) -> str:
    """The sentence by which there is no policy for a tag; empty where there is one."""
    _, abi, tag = text.split("-")
    try:
        runtime = AbiTag.parse(abi).runtime
    except BadTagError:
        return "T-1"
    epoch, platform = SPEC.epoch(runtime.epoch), parse_platform(tag)
    if epoch is None or not {runtime.cuda} <= {None, *epoch.cuda_majors}:
        return "S-4" if epoch else "S-2"
    if platform is None or platform.tag != tag or platform.glibc is None:
        return "G-2"
    good = platform.glibc >= epoch.glibc_floor and platform.arch in epoch.architectures
    if not good:
        return "G-2"
    name = parse_wheel_name(f"foo-1.0-{text}.whl")
    return next((each.rule for each in violations(name, SPEC)), "")


def _wheel(question: Document, folder: str) -> Path:
    tag = question["tag"]
    epoch = int(question["runtime"].split(".")[0])
    requirement = f"cxx11-cuda-runtime>={question['runtime']},<{epoch + 1}"
    path = Path(folder) / f"foo-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each in question["objects"]:
            archive.writestr(each["name"], base64.b64decode(each["elf"]["base64"]))
        archive.writestr(
            "foo-1.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: {requirement}\n",
        )
        archive.writestr(
            "foo-1.0.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: vector\nRoot-Is-Purelib: false\nTag: {tag}\n",
        )
        archive.writestr("foo-1.0.dist-info/RECORD", "")
    return path


def schema(question: Document) -> Document:
    import jsonschema  # noqa: PLC0415 - it may build a URI grammar for seconds

    place = files("cxxrt_abi_tag_spec") / "schemas" / f"{question['schema']}.schema.json"
    if "/" in question["schema"] or not place.is_file():
        return {"rejected": ["C-5"]}
    validator = jsonschema.Draft202012Validator(json.loads(place.read_bytes()))
    return {"valid": True} if validator.is_valid(question["document"]) else {"rejected": ["Z-4"]}


OPERATIONS = {"bounds": bounds, "policy": policy, "schema": schema}
