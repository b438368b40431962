"""What is fuzzed: functions of bytes that return nothing and let nothing but a bug escape.

Every refusal is a `ToolchainError`, and the targets swallow those and no other exception. They need
no fuzzer: `test_replay.py` runs the committed corpus through them.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import shutil
import tempfile
import zipfile
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import framing
from packaging.utils import canonicalize_name
from surfaces import SURFACES

from cxxrt_toolchain.abi.filename import parse_wheel_name, violations
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.abi.tag import AbiTag, RuntimeAbi
from cxxrt_toolchain.abi.variant import from_variant_name, plain_name, to_variant_name
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.elf.dynamic import Dynamic
from cxxrt_toolchain.elf.image import ElfImage
from cxxrt_toolchain.elf.reader import SparseElf, read_elf, read_elf_groups
from cxxrt_toolchain.elf.references import read_definitions, read_references
from cxxrt_toolchain.elf.sections import read_comment, read_constants
from cxxrt_toolchain.errors import ToolchainError
from cxxrt_toolchain.facts.families import family_of_object
from cxxrt_toolchain.facts.symbols import digest
from cxxrt_toolchain.facts.traits import read_traits
from cxxrt_toolchain.repair.apply import apply_plan
from cxxrt_toolchain.repair.encode import plan_encoding
from cxxrt_toolchain.repair.forwarder import import_first
from cxxrt_toolchain.repair.options import Encoding, PlanOptions, Platform
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.report.documents import plan_document, report_document, verdict_document
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.metadata import CoreMetadata, WheelFile
from cxxrt_toolchain.wheel.reader import Wheel, WheelLimits
from cxxrt_toolchain.wheel.record import RecordRow, format_record, parse_record, sha256_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxxrt_toolchain.elf.patcher import ElfEdit

_NAME = "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
_LOOKED_UP = ("dep", "entry", "plain", "guarded", "read_slot", "_ZN6HolderIiE5valueE", "absent")
"""Names that our own files export, and one that none does."""
_LIMITS = WheelLimits(total_size=1 << 28, ratio_from=1 << 22)
"""An input of a few kB may still inflate to a few MB, and the fuzzer is no faster for more."""


def elf(data: bytes) -> None:
    """Everything that is asked of one ELF file."""
    with suppress(ToolchainError):
        facts, groups = read_elf_groups(io.BytesIO(data), "fuzzed.so")
        digest(groups, frozenset(facts.version_definitions))
        family_of_object("demo.libs/fuzzed.so", facts)
    with suppress(ToolchainError):
        for symbol in read_elf(io.BytesIO(data), "fuzzed.so", symbols=True).symbols or ():
            str(symbol)
    with suppress(ToolchainError):
        sparse = SparseElf(io.BytesIO(data), "fuzzed.so")
        sparse.facts()
        sparse.exports(_LOOKED_UP)
    with suppress(ToolchainError):
        SparseElf(io.BytesIO(data), "fuzzed.so").undefined()
    with suppress(ToolchainError):
        image = ElfImage(io.BytesIO(data), "fuzzed.so")
        read_comment(image)
        dynamic = Dynamic(image)
        read_definitions(image, dynamic, read_references(image, dynamic).symbols)
    with suppress(ToolchainError):
        found = SparseElf(io.BytesIO(data), "fuzzed.so")
        read_traits(found, found.facts())
        sum(map(len, read_constants(found.image)))
        found.string_arguments(_LOOKED_UP)


def archive(data: bytes) -> None:
    """The bytes of a whole wheel: its directory, its members, its texts, RECORD, the report."""
    path = _scratch() / _NAME
    path.write_bytes(data)
    with suppress(ToolchainError), Wheel.open(path, _LIMITS) as wheel:
        for member in wheel.members:
            with suppress(ToolchainError), wheel.stream(member.name) as stream:
                stream.seek(-1, io.SEEK_END)
                stream.read()
                stream.seek(0)
                stream.read(16)
        wheel.record_issues()
        judge(collect(wheel))


def texts(data: bytes) -> None:
    """One of the small languages: file names, tags, METADATA, WHEEL, RECORD, a Python source."""
    readers = (_names, _metadata, _wheel_file, _record, _source)
    if data:
        with suppress(ToolchainError):
            readers[data[0] % len(readers)](data[1:])


def flow(data: bytes) -> None:
    """A whole wheel made of `framing`'s parts: report, verdict, plan, and the repaired wheel."""
    parts = framing.decode(data)
    if not parts:
        return
    folder = _scratch()
    options = parts[0].content[:1] or b"\0"
    with suppress(ToolchainError):
        path = _write(parts, folder)
        try:
            with Wheel.open(path, _LIMITS) as wheel:
                _repair(wheel, _plan_options(options[0]), folder / "out")
        finally:
            path.unlink(missing_ok=True)


def _in_scratch(name: str, data: bytes) -> None:
    SURFACES[name](data, _scratch())


TARGETS: dict[str, Callable[[bytes], None]] = {
    "elf": elf,
    "archive": archive,
    "texts": texts,
    "flow": flow,
    **{name: partial(_in_scratch, name) for name in SURFACES},
}


def _names(data: bytes) -> None:
    name = data.decode("utf-8", "surrogateescape")
    for ask in (parse_wheel_name, AbiTag.parse, RuntimeAbi.parse, to_variant_name, plain_name):
        with suppress(ToolchainError):
            ask(name)
    first, *values = name.split("\n")
    with suppress(ToolchainError):
        from_variant_name(first, values, load_spec())
    found = parse_wheel_name(first)
    assert str(found) == first
    violations(found, load_spec(), tag_lines=values, requires_dist=values, variant=True)


def _metadata(data: bytes) -> None:
    metadata = CoreMetadata.parse(data)
    with suppress(ToolchainError):
        metadata.requirements()
    with suppress(ToolchainError):
        new = metadata.with_requirement("cxx11-cuda-runtime>=1.9,<2")
        assert "cxx11-cuda-runtime>=1.9,<2" in new.requires_dist
    rest = metadata.without_requirement("cxx11-cuda-runtime").requirements()
    assert "cxx11-cuda-runtime" not in {canonicalize_name(each.name) for each in rest}


def _wheel_file(data: bytes) -> None:
    with suppress(UnicodeDecodeError):
        found = WheelFile.parse(data.decode())
        assert WheelFile.parse(str(found)) == found


def _record(data: bytes) -> None:
    rows = parse_record(data)
    assert parse_record(format_record(rows)) == rows


def _source(data: bytes) -> None:
    once = import_first(data, "_cxxrt_init", relative=True)
    assert import_first(once, "_cxxrt_init", relative=True) == once


class _SamePatcher:
    """Leaves objects as they are: what is fuzzed is ours, not patchelf."""

    def apply(self, content: bytes, _edit: ElfEdit, _member: str) -> bytes:
        return content


def _repair(wheel: Wheel, options: PlanOptions, out: Path) -> None:
    report = collect(wheel)
    verdict = judge(report)
    verdict_document(verdict)
    report_document(report, load_symbol_tables())
    with suppress(ToolchainError):
        plan_encoding(wheel, options.encoding or Encoding.TAG)
    plan = make_plan(report, options, wheel.read)
    plan_document(plan)
    if not plan.possible:
        return
    out.mkdir(exist_ok=True)
    result = apply_plan(plan, wheel, out, patcher=_SamePatcher())
    try:
        with Wheel.open(result, _LIMITS) as repaired:
            if plan.edits:
                assert not repaired.record_issues()
            judge(collect(repaired))
    finally:
        result.unlink()


def _plan_options(number: int) -> PlanOptions:
    encodings = (Encoding.TAG, Encoding.PLAIN, Encoding.VARIANT, None)
    return PlanOptions(
        encoding=encodings[number % 4],
        platform=Platform.KEEP if number & 8 else Platform.LOWEST,
        cuda=12 if number & 16 else None,
        wire=not number & 32,
        exclude=("libz.so.*",) if number & 64 else (),
    )


def _write(parts: list[framing.Part], folder: Path) -> Path:
    """The wheel of the parts, with right checksums, and a right RECORD unless one is given."""
    name = parts[0].name.decode("utf-8", "replace")
    parse_wheel_name(
        name
    )  # the rest would be refused anyhow, and the name is a path of this machine
    path = folder / name
    rows = []
    record = f"{'-'.join(name.split('-')[:2])}.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as target:
        for part in parts[1:]:
            member = zipfile.ZipInfo(part.name.decode("utf-8", "replace") or "empty")
            member.compress_type = 8 if part.flags & framing.DEFLATED else 0
            member.external_attr = (0o100755 if part.flags & framing.EXECUTABLE else 0o644) << 16
            if member.filename in target.namelist():
                continue
            target.writestr(member, part.content)
            if not part.flags & framing.UNRECORDED:
                digest_field = sha256_field(hashlib.sha256(part.content).digest())
                rows.append(
                    RecordRow(path=member.filename, hash=digest_field, size=len(part.content))
                )
        if record not in target.namelist():
            target.writestr(record, format_record(rows) + f"{record},,\n".encode())
    return path


@cache
def _scratch() -> Path:
    """A folder in memory where the machine has one; it goes when the process ends."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    folder = tempfile.mkdtemp(prefix="cxxrt-fuzz-", dir=memory if memory.is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
