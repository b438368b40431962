"""A second opinion on a wheel's verdict, from readelf, nm, c++filt and sha256 alone.

In: a wheel. Out: how many findings the rules that can be told from those tools' output should have.
Shares nothing with the toolchain's own readers and rules: sections instead of segments, demangled
names instead of mangled ones, auditwheel's policies instead of ours, the standard library's zip.
``python tests/integration/audit/binutils.py WHEEL`` prints it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import posixpath
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditwheel.architecture import Architecture
from auditwheel.libc import Libc
from auditwheel.policy import Policy, WheelPolicies

_RUNTIMES = (
    r"(?:libstdc\+\+|libgcc_s|libgomp|libatomic|libquadmath|libgfortran(?!\S*\.so\.[0-4])"
    r"|libcudart|libc\+\+|libiomp5|libomp)"
)
_RUNTIME_NAME = re.compile(rf"{_RUNTIMES}(?:-[^/]*)?\.so[.0-9]*")
_RUNTIME_NODE = re.compile(
    r"GLIBCXX_3\.4|GCC_3\.0|GOMP_1\.0|LIBATOMIC_1\.0|QUADMATH_1\.0|GFORTRAN_8"
)
_LIBRARY_NAME = re.compile(
    r"(?:vtable for |VTT for |typeinfo for |typeinfo name for |guard variable for "
    r"|(?:non-)?virtual thunk to )?(?:std|__gnu_cxx|__cxxabiv1)::"
)
_OWN_TO_SPECIALIZE = re.compile(
    r"std::(?:hash|formatter|numeric_limits|less|equal_to|swap|tuple_element)<"
)
_CAPTURED = re.compile(
    r"(?:__once_proxy|__gxx_personality_v0|std::__once_call|std::__once_callable|__cxa_(?:throw|rethrow"
    r"|begin_catch|end_catch|get_globals|get_globals_fast|allocate_(?:dependent_)?exception"
    r"|free_exception|current_exception_type))\Z"
)
_RUST = re.compile(r".*::h[0-9a-f]{16}\Z")
"""Rust's own namespace std, whose old mangling looks like C++'s."""


@dataclass(slots=True)
class Object:
    """What binutils says about one file."""

    member: str
    type: str = ""
    machine: str = ""
    soname: str | None = None
    needed: list[str] = field(default_factory=list)
    search: dict[str, str] = field(default_factory=dict)
    """``RUNPATH`` or ``RPATH`` to its text."""
    stack: str | None = None
    static_tls: bool = False
    needs: list[tuple[str, str]] = field(default_factory=list)
    """Library and version, without the weak ones."""
    defines: list[str] = field(default_factory=list)
    symbols: list[tuple[str, str]] = field(default_factory=list)
    """Of the defined dynamic symbols: nm's letter and the demangled name without parameters."""

    undefined: set[str] = field(default_factory=set)
    """Without the weak ones, as they are mangled."""

    @property
    def is_runtime(self) -> bool:
        """A copy of a compiler's runtime, by its version nodes, else by its names."""
        names = [self.soname or "", posixpath.basename(self.member)]
        by_node = any(_RUNTIME_NODE.fullmatch(node) for node in self.defines)
        return by_node or any(_RUNTIME_NAME.fullmatch(name) for name in names)

    def counted(self, letters: str, pattern: re.Pattern[str]) -> set[str]:
        """The distinct symbols of these kinds whose names match."""
        return {name for letter, name in self.symbols if letter in letters and pattern.match(name)}


def read_object(path: Path, member: str) -> Object | None:
    """One file; None where readelf itself finds that it is broken."""
    said = _run("readelf", "-W", "-h", "-d", "-V", "-l", str(path))
    if "Error" in said.stderr:
        return None
    found = Object(member)
    library = ""
    for line in said.stdout.splitlines():
        if match := re.match(r"  (Type|Machine): +(.*)", line):
            setattr(found, match[1].lower(), match[2])
        elif match := re.search(r"\((NEEDED|SONAME|RPATH|RUNPATH)\).*\[(.*)\]", line):
            _dynamic(found, match[1], match[2])
        elif match := re.match(r" +GNU_STACK .* (RWE|RW|R E|R) ", line):
            found.stack = match[1]
        elif match := re.search(r"Version: 1 {2}File: (\S+) {2}Cnt:", line):
            library = match[1]
        else:
            _version(found, library, line)
        found.static_tls |= "FLAGS" in line and "STATIC_TLS" in line
    found.symbols = _symbols(path, found.defines)
    undefined = _run("nm", "-D", "--undefined-only", str(path)).stdout.splitlines()
    found.undefined = {line.split()[1].split("@")[0] for line in undefined if " U " in line}
    return found


def _run(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, input=text
    )


def _version(found: Object, library: str, line: str) -> None:
    """A line about a version that is needed from the library, or defined."""
    need = re.search(r"Name: (\S+) {2}Flags: (\S+)", line)
    definition = re.search(r"Rev: 1 {2}Flags: (.*?) {2}Index: \d+ {2}Cnt: \d+ {2}Name: (\S+)", line)
    if need and "WEAK" not in need[2]:
        found.needs.append((library, need[1]))
    elif definition and "BASE" not in definition[1]:
        found.defines.append(definition[2])


def _symbols(path: Path, defines: list[str]) -> list[tuple[str, str]]:
    listed = _run("nm", "-D", "--defined-only", str(path)).stdout
    rows = [line.split(" ", 2)[1:] for line in listed.splitlines() if line.count(" ") >= 2]
    rows = [row for row in rows if not _is_copied(row[1], defines)]
    letters, names = [row[0] for row in rows], [row[1].split("@")[0] for row in rows]
    plain = _run("c++filt", "-p", text="\n".join(names)).stdout.splitlines()
    return list(zip(letters, plain, strict=True))


def _is_copied(name: str, defines: list[str]) -> bool:
    """Defined under somebody else's version: room in a program for a library's variable."""
    version = name.rpartition("@")[2] if "@" in name else None
    return version is not None and version not in defines


def _dynamic(found: Object, tag: str, text: str) -> None:
    if tag == "NEEDED":
        found.needed.append(text)
    elif tag == "SONAME":
        found.soname = text
    else:
        found.search[tag] = text


def second_opinion(wheel: Path) -> dict[str, Any]:
    """The glibc floor, the bundled runtimes, and findings by rule, errors and warnings together."""
    objects: list[Object] = []
    counts: Counter[str] = Counter()
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as scratch:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        for name in names:
            with archive.open(name) as stream:
                head = stream.read(4)
            if head == b"\x7fELF":
                path = Path(scratch, "object")
                path.write_bytes(archive.read(name))
                found = read_object(path, name)
                if found is None:
                    counts["W5"] += 1
                else:
                    objects.append(found)
        counts["W1"] = _record_faults(archive, names)
        wheel_file = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/WHEEL", name))
        pure = re.search(rb"(?mi)^Root-Is-Purelib:\s*true", archive.read(wheel_file))
    counts["W3"] = int(bool(pure and objects))
    linked = [found for found in objects if found.type.split(" ")[0] in ("DYN", "EXEC")]
    for found in linked:
        counts.update(_hazards(found))
    counts.update(_promises(linked, wheel.name))
    releases = [
        tuple(map(int, version.removeprefix("GLIBC_").split(".")))
        for found in objects
        for _, version in found.needs
        if re.fullmatch(r"GLIBC_[0-9.]+", version)
    ]
    return {
        "objects": len(objects),
        "glibc": ".".join(map(str, max(releases, default=(0,)))),
        "bundled": sorted(found.member for found in objects if found.is_runtime),
        "findings": {rule: count for rule, count in sorted(counts.items()) if count},
    }


def _hazards(found: Object) -> Counter[str]:
    counts: Counter[str] = Counter()
    counts["H12"] += found.type.startswith("DYN") and found.stack in (None, "RWE", "R E")
    counts["H14"] += sum(_escapes(found.member, entry) for entry in set(_entries(found)))
    counts["H15"] += len(
        {lib for lib, _ in found.needs} - set(found.needed) - {"ld-linux-x86-64.so.2"}
    )
    if found.is_runtime:
        return counts
    counts["H13"] += found.type.startswith("DYN") and found.static_tls
    counts["H8"] += bool(found.counted("TWVDBRiu", _CAPTURED))
    own = found.counted("TDBRGSi", _OWN_TO_SPECIALIZE) | found.counted("TDBRGSi", _RUST)
    counts["H9"] += bool(found.counted("TDBRGSi", _LIBRARY_NAME) - own)
    counts["H10"] += bool(found.counted("u", re.compile("")))
    return counts


def _entries(found: Object) -> list[str]:
    text = found.search.get("RUNPATH", found.search.get("RPATH"))
    return [] if text is None else text.split(":")


def _escapes(member: str, entry: str) -> bool:
    if not re.match(r"\$(?:ORIGIN|\{ORIGIN\})(?:/|$)", entry):
        return True
    if ".data/" in member and not re.match(r"[^/]+\.data/(?:pure|plat)lib/", member):
        return False
    home = posixpath.dirname(re.sub(r"^[^/]+\.data/(?:pure|plat)lib/", "", member))
    rest = re.sub(r"^\$(?:ORIGIN|\{ORIGIN\})/*", "", entry)
    return posixpath.normpath(posixpath.join(home, rest)).split("/")[0] == ".."


def _promises(linked: list[Object], filename: str) -> Counter[str]:
    """P1, P3, P4 and P9 by auditwheel's policy of the oldest platform in the file name."""
    policies = [policy for policy in _policies() if _names(policy) & set(_platforms(filename))]
    if not policies:
        return Counter()
    policy = min(policies, key=lambda each: -each.priority)
    inside = {posixpath.basename(found.member) for found in linked}
    inside |= {found.soname for found in linked if found.soname}
    counts: Counter[str] = Counter()
    for found in linked:
        outside = [name for name in found.needed if name not in inside]
        counts["P1"] += len(
            {
                name
                for name in outside
                if name not in policy.whitelist and not name.startswith("ld-linux")
            }
        )
        counts["P9"] += sum(
            bool(found.undefined & policy.blacklist.get(name, frozenset())) for name in outside
        )
        for name in sorted({library for library, _ in found.needs}):
            versions = [version for library, version in found.needs if library == name]
            families = {version.partition("_")[0] for version in versions}
            for family in families & set(policy.symbol_versions):
                mine = {v.partition("_")[2] for v in versions if v.startswith(f"{family}_")}
                if mine - set(policy.symbol_versions[family]) and (
                    family == "GLIBC" or name not in inside
                ):
                    counts["P4" if family == "GLIBC" else "P3"] += 1
    return counts


def _policies() -> list[Policy]:
    return list(WheelPolicies(libc=Libc.GLIBC, arch=Architecture.x86_64))


def _names(policy: Policy) -> set[str]:
    return {policy.name, *policy.aliases} - {"linux_x86_64"}


def _platforms(filename: str) -> list[str]:
    return filename.removesuffix(".whl").split("-")[-1].split(".")


def _record_faults(archive: zipfile.ZipFile, names: list[str]) -> int:
    """Files that RECORD does not name, names that are no files, and wrong hashes and sizes."""
    record = next((name for name in names if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)), None)
    if record is None:
        return 1
    rows = list(csv.reader(io.StringIO(archive.read(record).decode(), newline="")))
    listed = {row[0]: row for row in rows if row}
    signatures = {f"{record}.jws", f"{record}.p7s"}
    faults = len(set(names) - listed.keys() - signatures) + len(listed.keys() - set(names))
    for name in listed.keys() & set(names) - {record}:
        content = archive.read(name)
        _, spelled, size = listed[name]
        algorithm, _, text = spelled.partition("=")
        faults += bool(size) and int(size) != len(content)
        if algorithm not in ("sha256", "sha384", "sha512"):
            faults += 1
            continue
        digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest())
        faults += digest.rstrip(b"=").decode() != text.rstrip("=")
    return faults


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(json.dumps({Path(argument).name: second_opinion(Path(argument))}, indent=1))
