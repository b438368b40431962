"""The reader agrees with binutils' readelf, on this machine's libraries and on real wheels."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.facts import Binding
from cxxrt_toolchain.elf.reader import is_elf, read_elf
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.elf.facts import DynamicSymbol, SharedObject

pytestmark = [
    pytest.mark.compile,
    pytest.mark.skipif(shutil.which("readelf") is None, reason="install binutils for readelf"),
]

_AT_MOST = 200
_LARGEST = 40 << 20
_DYNAMIC = re.compile(r"\((NEEDED|SONAME|RPATH|RUNPATH)\).*\[(.*)\]")
_FILE = re.compile(r"Version: 1 {2}File: (\S+) {2}Cnt:")
_NEED = re.compile(r"Name: (\S+) {2}Flags: ")
_DEFINED = re.compile(r"Rev: 1 {2}Flags: (.*?) {2}Index: \d+ {2}Cnt: \d+ {2}Name: (\S+)")
_STACK = re.compile(r"GNU_STACK .* (RWE|RW|R E|R) ")
_SYMBOL = re.compile(
    r" +\d+: [0-9a-f]+ +\S+ (\S+) +(\S+) +(\S+) +(?:\[[^]]*\] +)?(\S+)(?: (\S+?)(?: \(\d+\))?)?$"
)
_UNIQUE_ELSEWHERE = "<OS specific>: 10"
"""How it spells the binding in a file whose header does not say GNU, as stripped ones may."""
_BINDINGS = {
    Binding.LOCAL: "LOCAL",
    Binding.GLOBAL: "GLOBAL",
    Binding.WEAK: "WEAK",
    Binding.UNIQUE: "UNIQUE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """One file, as either of the two readers sees it."""

    needed: tuple[str, ...]
    soname: str | None
    search_path: str | None
    needs: frozenset[str]
    definitions: tuple[str, ...]
    executable_stack: bool
    static_tls: bool
    symbols: frozenset[tuple[str, str, bool]]
    """Name with version, binding, defined."""


def _ours(facts: SharedObject) -> _View:
    named = [symbol for symbol in facts.symbols or () if symbol.name]
    return _View(
        needed=facts.needed,
        soname=facts.soname,
        search_path=facts.runpath if facts.runpath is not None else facts.rpath,
        needs=frozenset(map(str, facts.version_needs)),
        definitions=facts.version_definitions,
        executable_stack=facts.executable_stack,
        static_tls=facts.static_tls,
        symbols=frozenset((_spelled(s), _BINDINGS[s.binding], s.defined) for s in named),
    )


def _spelled(symbol: DynamicSymbol) -> str:
    """As readelf spells it: the symbol of a version node itself goes without the version."""
    return symbol.name if symbol.name == symbol.version else str(symbol)


def _theirs(path: Path) -> _View:
    command = ["readelf", "-W", "-d", "-V", "-l", "--dyn-syms", str(path)]
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    text = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    ).stdout
    dynamic: dict[str, list[str]] = {}
    needs, definitions, symbols, library = set(), [], set(), ""
    for line in text.replace(_UNIQUE_ELSEWHERE, "UNIQUE").splitlines():
        if found := _DYNAMIC.search(line):
            dynamic.setdefault(found[1], []).append(found[2])
        elif found := _FILE.search(line):
            library = found[1]
        elif found := _NEED.search(line):
            needs.add(f"{library}:{found[1]}")
        elif (found := _DEFINED.search(line)) and "BASE" not in found[1]:
            definitions.append(found[2])
        elif (found := _SYMBOL.match(line)) and found[5] and found[1] != "SECTION":
            symbols.add((found[5], found[2], found[4] != "UND"))
    stack = _STACK.search(text)
    return _View(
        needed=tuple(dynamic.get("NEEDED", ())),
        soname=next(iter(dynamic.get("SONAME", ())), None),
        search_path=next(iter(dynamic.get("RUNPATH") or dynamic.get("RPATH") or ()), None),
        needs=frozenset(needs),
        definitions=tuple(definitions),
        executable_stack=stack is None or "E" in stack[1],
        static_tls="STATIC_TLS" in text,
        symbols=frozenset(symbols),
    )


def _system_libraries() -> Iterator[Path]:
    folders = [sysconfig.get_config_var("DESTSHARED"), "/usr/lib/x86_64-linux-gnu", "/usr/lib"]
    seen = set()
    for folder in map(Path, filter(None, folders)):
        for path in sorted(folder.glob("*.so*")):
            real = path.resolve()
            if real in seen or not real.is_file() or real.stat().st_size > _LARGEST:
                continue
            seen.add(real)
            with real.open("rb") as stream:
                if is_elf(stream.read(4)):
                    yield real


def test_readelf_agrees_on_the_libraries_of_this_machine() -> None:
    compared = 0
    for path in islice(_system_libraries(), _AT_MOST):
        with path.open("rb") as stream:
            facts = read_elf(stream, path.name, symbols=True)
        assert _ours(facts) == _theirs(path), path
        compared += 1
    assert compared


@pytest.mark.network
@pytest.mark.parametrize("requirement", ["numpy", "pyzmq"])
def test_readelf_agrees_on_every_object_of_a_real_wheel(requirement: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "-d", str(tmp_path), requirement], check=True)
    (path,) = tmp_path.glob("*.whl")
    compared = 0
    with Wheel.open(path) as wheel:
        for member in wheel.members:
            content = b"" if member.is_dir else wheel.read(member.name)
            if not is_elf(content):
                continue
            facts = read_elf(io.BytesIO(content), member.name, symbols=True)
            with wheel.stream(member.name) as stream:
                assert read_elf(stream, member.name, symbols=True) == facts
            file = tmp_path / "object"
            file.write_bytes(content)
            assert _ours(facts) == _theirs(file), member.name
            compared += 1
    assert compared
