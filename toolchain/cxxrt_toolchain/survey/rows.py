"""A wheel as rows: one of the wheel, one of each shared object in it.

Three depths of the same columns, and null for what a depth does not tell: a list of members that
somebody else made (`listing`), the archive's directory and texts (`names`), everything (`full`).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zlib import crc32

from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.wheel.verdict import Verdict, judge
from cxxrt_toolchain.survey.refs import WheelRef
from cxxrt_toolchain.survey.store import FACTS_VERSION, Row, columns
from cxxrt_toolchain.wheel.record import sha256_hex

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolDigest, WheelReport
    from cxxrt_toolchain.wheel.reader import Wheel

_VERSIONS = ("GLIBC_", "GLIBCXX_", "CXXABI_", "GCC_", "GOMP_", "OMP_", "libcudart.so.")
_EXPORTED_BY = {
    "CXXRT-H4": RuntimeFamily.LIBSTDCXX.value,
    "CXXRT-H6": RuntimeFamily.LIBCUDART.value,
}
"""What the rules about static runtimes that others see are about."""
_MOST_UNIQUE = 4096
_SAMPLED = 64
_LONGEST_ERROR = 300


def new_row(ref: WheelRef, level: str) -> Row:
    """The row of a wheel of which only the reference is known."""
    tags = parse_wheel_name(ref.filename)
    row: Row = dict.fromkeys(columns("wheels"))
    row.update(
        filename=ref.filename,
        project=ref.project,
        version=unquote(tags.version),
        python=".".join(tags.python),
        abi=".".join(tags.abi),
        platform=".".join(tags.platform),
        size=ref.size,
        sha256=ref.sha256,
        upload_time=ref.upload_time,
        downloads=ref.downloads,
        level=level,
        facts_version=FACTS_VERSION,
        requests=0,
        bytes_read=0,
        retries=0,
    )
    return row


def error_text(kind: str, detail: str) -> str:
    """The column ``error``."""
    return f"{kind}: {detail}"[:_LONGEST_ERROR]


def listed(row: Row, members: Iterable[tuple[str, int]]) -> list[Row]:
    """Fill in what the names of members tell; the rows of the objects."""
    objects = [_named(row["filename"], name, size) for name, size in members]
    row.update(native=bool(objects), bundles=_families(objects))
    return objects


def names(row: Row, wheel: Wheel) -> list[Row]:
    """Fill in what the directory, METADATA and RECORD tell; the rows of the objects."""
    wheel.read_texts_ahead()
    _ = wheel.wheel_file  # its errors are the row's
    files = [member for member in wheel.members if not member.is_dir]
    objects = [
        {
            **_named(row["filename"], member.name, member.size),
            "compressed_size": member.compressed_size,
            "crc": member.crc,
        }
        for member in files
        if _is_shared_object(member.name)
    ]
    if objects:
        hashes = _hashes(wheel)
        for each in objects:
            each["sha256"] = sha256_hex(hashes.get(each["member"], ""))
    row.update(
        members=len(files),
        native=bool(objects),
        bundles=_families(objects),
        requires_dist=list(wheel.metadata.requires_dist),
    )
    return objects


def remote_names(wheel: Wheel) -> tuple[Row, list[Row]]:
    """The rows of an open wheel that no plan has, at the level names."""
    row = new_row(WheelRef(filename=wheel.path.name, place="", size=wheel.size), "names")
    return row, names(row, wheel)


def full(row: Row, wheel: Wheel) -> list[Row]:
    """Fill in everything, the verdict included; the rows of the objects."""
    report = collect(wheel)
    verdict = judge(report)
    capturing = {each.member for each in verdict.findings if each.rule == "CXXRT-H8"}
    hashes = _hashes(wheel)
    objects = [_object(row["filename"], found, wheel, hashes) for found in report.every_object]
    for broken in report.unreadable:
        named = _named(row["filename"], broken.member, wheel.member(broken.member).size)
        objects.append({**named, "refused": broken.reason[:_LONGEST_ERROR]})
    row.update(
        members=len(report.members),
        native=bool(report.objects),
        requires_dist=list(report.requires_dist),
        bundles=_families(objects),
        static=sorted({family.value for found in report.objects for family in found.static}),
        exports=sorted({_EXPORTED_BY[f.rule] for f in verdict.findings if f.rule in _EXPORTED_BY}),
        captures=sum(
            found.symbols.captures.count for found in report.objects if found.member in capturing
        ),
        unique=_total(report, "unique"),
        std_strong=_total(report, "libstdcxx_strong"),
        old_strings=sum(_old_strings(found.symbols) for found in report.objects),
        **_judged(verdict),
    )
    return objects


def _judged(verdict: Verdict) -> Row:
    tables = load_symbol_tables()
    needs = verdict.needs
    enough = needs.shortfall(tables, epoch=1) is None
    by_severity = {
        severity: sorted({found.rule for found in verdict.findings if found.severity is severity})
        for severity in Severity
    }
    outside = {f.library for f in verdict.findings if f.rule == "CXXRT-P1" and f.library}
    return {
        "needs": list(needs.libraries),
        "requirement": needs.requirement(tables, epoch=1) if enough else None,
        "conforms": verdict.conforms,
        "judged_as": verdict.judged_as,
        "errors": by_severity[Severity.ERROR],
        "warnings": by_severity[Severity.WARNING],
        "notes": by_severity[Severity.NOTE],
        "outside": sorted(outside),
    }


def _object(filename: str, found: ObjectReport, wheel: Wheel, hashes: dict[str, str]) -> Row:
    facts, symbols = found.facts, found.symbols
    member = wheel.member(found.member)
    versions = {need.version for need in facts.version_needs}
    return {
        **_named(filename, found.member, found.size),
        "compressed_size": member.compressed_size,
        "crc": member.crc,
        "sha256": sha256_hex(hashes.get(found.member, "")),
        "family": found.copy_of.value if found.copy_of else None,
        "machine": facts.machine,
        "soname": facts.soname,
        "needed": list(facts.needed),
        "versions": sorted(each for each in versions if each.startswith(_VERSIONS)),
        "build_id": facts.build_id or None,
        "static": [family.value for family in found.static],
        "captures": 0 if found.copy_of else symbols.captures.count,
        "unique": symbols.unique.count,
        "std_strong": symbols.libstdcxx_strong.count,
        "std_weak": symbols.libstdcxx_weak.count,
        "locale_ids": symbols.locale_ids.count,
        "cudart_defined": symbols.cudart_defined.count,
        "cudart_needed": len(symbols.cudart_needed),
        "old_strings": _old_strings(symbols),
        "unique_hashes": sorted(map(_hash, symbols.unique_names))[:_MOST_UNIQUE],
        "export_hashes": sorted(map(_hash, filter(_is_sampled, symbols.exported))),
    }


def _named(filename: str, member: str, size: int) -> Row:
    row: Row = dict.fromkeys(columns("objects"))
    family = family_of_name(member)
    row.update(filename=filename, member=member, size=size, family=family.value if family else None)
    return row


def _is_shared_object(member: str) -> bool:
    return member.endswith(".so") or ".so." in member.rpartition("/")[2]


def _families(objects: Iterable[Row]) -> list[str]:
    return sorted({each["family"] for each in objects if each["family"]})


def _total(report: WheelReport, kind: str) -> int:
    """Symbols of a kind in all objects but copies of runtimes, which have them by right."""
    return sum(
        getattr(found.symbols, kind).count for found in report.objects if found.copy_of is None
    )


def _old_strings(symbols: SymbolDigest) -> int:
    return (
        symbols.old_strings_exported.count
        + symbols.old_strings_needed.count
        + symbols.old_strings_of_libstdcxx.count
    )


def _hashes(wheel: Wheel) -> dict[str, str]:
    """RECORD's hashes; none where it cannot be read, which rule W1 reports."""
    try:
        return wheel.recorded_hashes
    except InputError:
        return {}


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def _is_sampled(name: str) -> bool:
    return crc32(name.encode()) % _SAMPLED == 0
