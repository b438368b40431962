"""Generate ``cxxrt_abi_tag_spec/symbols/*.json`` from the real libraries.

In: the pins of ``symbol-sources.toml``, fetched by the machine's own clients. Out: which GCC
release first defines each symbol version of its runtime libraries, and which CUDA release first
exports each symbol of libcudart. Same pins, same bytes. It stands beside the data and not in
the toolchain because nobody who builds a wheel needs it:

    python abi-tag-spec/generate_symbols.py           writes the tables
    python abi-tag-spec/generate_symbols.py --check   exit 1 if they differ
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from cxxrt_toolchain.elf.facts import SymbolType
from cxxrt_toolchain.elf.reader import is_elf, read_elf
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import Input, Kind
from cxxrt_toolchain.runtime.recipe_reader import load_inputs
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.clients import machine_clients
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.strict import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from cxxrt_toolchain.elf.facts import SharedObject

HERE = Path(__file__).parent
TABLES = HERE / "cxxrt_abi_tag_spec" / "symbols"
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
"""Bytes of a member's header in an ``ar`` archive, which a Debian package is (deb(5))."""
_SYMBOLS_LINE = re.compile(r" \S+@(?P<node>\S+) (?P<version>[0-9.]+)\S*(?: \d+)?")
_GCC_LIBRARY = re.compile(r"lib(?:stdc\+\+|gcc_s|gomp|atomic|quadmath|gfortran)\.so\.\d+")
_CUDART_MEMBER = re.compile(r"nvidia/\w+/lib/libcudart\.so\.\d+")

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's names of architectures, and those of platform tags."""


class SourcesDisagreeError(InputError):
    """Two sources of one fact contradict each other; somebody has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One build of one GCC runtime library."""

    soname: str
    architecture: str
    gcc: Version
    """Of the package."""
    nodes: frozenset[str]
    """Symbol versions that the library defines."""
    introduced: Mapping[str, Version]
    """Node to the version that the package's ``symbols`` control file names (deb-symbols(5))."""


def first_releases(
    observations: Iterable[Observation], documented: Mapping[str, Version]
) -> dict[str, dict[str, Version]]:
    """SONAME to node to the GCC release that first defines it.

    What GCC's manual documents wins; else the newest package's ``symbols`` file. Either must
    agree, in its major, with which of the observed libraries have the node.

    Raises:
        SourcesDisagreeError: They do not, or a node has no source at all.
    """
    builds = sorted(observations, key=lambda build: build.gcc)
    tables: dict[str, dict[str, Version]] = {}
    for build in reversed(builds):
        table = tables.setdefault(build.soname, {})
        for node in build.nodes - table.keys():
            release = documented.get(node) or build.introduced.get(node)
            if release is None:
                raise SourcesDisagreeError(f"{build.soname}: no source dates {node}.")
            table[node] = release
    for build in builds:
        _check(build, tables[build.soname], builds)
    return tables


def _check(build: Observation, table: Mapping[str, Version], builds: list[Observation]) -> None:
    """Every node that a build has is dated by then, and none that its predecessor lacked before."""
    peers = [
        each
        for each in builds
        if (each.soname, each.architecture) == (build.soname, build.architecture)
        and each.gcc < build.gcc
    ]
    for node in sorted(build.nodes):
        lacking = [each.gcc.major for each in peers if node not in each.nodes]
        if not max(lacking, default=0) < max(table[node].major, 1) <= build.gcc.major:
            raise SourcesDisagreeError(
                f"{build.soname} of GCC {build.gcc} ({build.architecture}) has {node}, dated "
                f"{table[node]}; GCC {max(lacking, default=0) or 'none'} lacks it."
            )


def cudart_releases(exports: Mapping[Version, frozenset[str]]) -> dict[str, list[str]]:
    """CUDA release (``12.8``) to the symbols that it is the first to export, sorted.

    Args:
        exports: Distribution version (``12.8.57``) to the symbols that its libcudart exports.

    Raises:
        SourcesDisagreeError: A release dropped a symbol, or two builds of one release differ:
            then "first release" says too little, and the format needs a thought.
    """
    seen: frozenset[str] = frozenset()
    releases: dict[str, list[str]] = {}
    for version in sorted(exports):
        release = f"{version.major}.{version.minor}"
        added, gone = exports[version] - seen, seen - exports[version]
        if gone or (added and release in releases):
            raise SourcesDisagreeError(f"libcudart {version}: dropped {sorted(gone)}, {added=}.")
        releases.setdefault(release, sorted(added))
        seen = exports[version]
    return releases


def exported(library: SharedObject) -> frozenset[str]:
    """Names of the functions that others can bind to."""
    return frozenset(
        symbol.name
        for symbol in library.symbols or ()
        if symbol.defined and symbol.visible and symbol.type is SymbolType.FUNC
    )


def deb_files(package: Path, part: str) -> dict[str, bytes]:
    """Regular files of a Debian package's ``control`` or ``data`` archive, by their path."""
    content = package.read_bytes()
    place = len(_AR_MAGIC)
    while place < len(content):
        header = content[place : place + _AR_HEADER]
        name, size = header[:16].decode().rstrip(" /"), int(header[48:58])
        place += _AR_HEADER
        if name.startswith(f"{part}.tar"):
            with tarfile.open(fileobj=io.BytesIO(content[place : place + size])) as archive:
                files = (each for each in archive if each.isreg())
                opened = ((each.name, archive.extractfile(each)) for each in files)
                return {name.removeprefix("./"): file.read() for name, file in opened if file}
        place += size + size % 2
    raise InputError(f"{package.name}: a Debian package without {part}.tar.")


def observe_package(pin: Input, package: Path) -> Observation:
    """Read one Debian package of a GCC runtime library."""
    control = deb_files(package, "control")
    dated = (_SYMBOLS_LINE.match(line) for line in control["symbols"].decode().splitlines())
    introduced: dict[str, Version] = {}
    for match in dated:
        if match:
            version, node = Version(match["version"].strip(".")), match["node"]
            introduced[node] = max(introduced.get(node, version), version)
    library = next(_gcc_libraries(deb_files(package, "data")))
    return Observation(
        soname=str(library.soname),
        architecture=pin.architecture,
        gcc=Version(pin.version.partition("-")[0]),
        nodes=frozenset(library.version_definitions),
        introduced=introduced,
    )


def _gcc_libraries(contents: Mapping[str, bytes]) -> Iterator[SharedObject]:
    for name, content in contents.items():
        if is_elf(content[:4]):
            library = read_elf(io.BytesIO(content), name)
            if library.soname and _GCC_LIBRARY.fullmatch(library.soname):
                yield library


def observe_wheel(wheel: Path) -> SharedObject:
    """Read the libcudart of one of NVIDIA's wheels."""
    with zipfile.ZipFile(wheel) as archive:
        (member,) = filter(_CUDART_MEMBER.fullmatch, archive.namelist())
        return read_elf(io.BytesIO(archive.read(member)), member, symbols=True)


def gcc_table(files: Mapping[Input, Path], documented: Mapping[str, Version]) -> str:
    """The text of ``gcc-runtime.json``."""
    observed = [observe_package(pin, path) for pin, path in files.items()]
    tables = first_releases(observed, documented)
    libraries = {
        soname: {node: str(tables[soname][node]) for node in sorted(tables[soname], key=_natural)}
        for soname in sorted(tables)
    }
    return _json(
        {"schema": 1, "libraries": libraries, "architectures": partial_nodes(observed, tables)}
    )


def partial_nodes(
    observations: Collection[Observation], tables: Mapping[str, Mapping[str, Version]]
) -> dict[str, dict[str, list[str]]]:
    """SONAME to node to its architectures as platform tags spell them, where not all have it."""
    found: dict[str, dict[str, list[str]]] = {}
    every = {_MACHINES[each.architecture] for each in observations}
    for soname, nodes in tables.items():
        builds = [each for each in observations if each.soname == soname]
        for node in sorted(nodes, key=_natural):
            has = {_MACHINES[each.architecture] for each in builds if node in each.nodes}
            if has != every:
                found.setdefault(soname, {})[node] = sorted(has)
    return dict(sorted(found.items()))


def cudart_table(major: int, files: Mapping[Input, Path]) -> str:
    """The text of ``cudart<major>.json``."""
    libraries = {Version(pin.version): observe_wheel(path) for pin, path in files.items()}
    releases = cudart_releases({version: exported(each) for version, each in libraries.items()})
    soname = f"libcudart.so.{major}"
    if any(library.soname != soname for library in libraries.values()):
        raise SourcesDisagreeError(f"a wheel of CUDA {major} carries no {soname}.")
    return _json({"schema": 1, "major": major, "soname": soname, "releases": releases})


def generate(files: Mapping[Input, Path], documented: Mapping[str, Version]) -> dict[str, str]:
    """File name to text, for every table that has an input among the fetched files."""
    debian = {pin: path for pin, path in files.items() if pin.kind is Kind.DEBIAN}
    tables = {"gcc-runtime.json": gcc_table(debian, documented)} if debian else {}
    wheels = {pin: path for pin, path in files.items() if pin not in debian}
    for major in sorted({Version(pin.version).major for pin in wheels}):
        chosen = {pin: path for pin, path in wheels.items() if Version(pin.version).major == major}
        tables[f"cudart{major}.json"] = cudart_table(major, chosen)
    return tables


def read_sources(
    file: Path = HERE / "symbol-sources.toml",
) -> tuple[tuple[Input, ...], dict[str, Version]]:
    """The pins, and node to release as documented."""
    table = Value.load_toml(file)
    documented: dict[str, Version] = {}
    for release, nodes in table.get("introduced", {}).members():
        documented |= dict.fromkeys(nodes.texts(), Version(release))
    pins = load_inputs(table)
    table.close()
    return pins, documented


def fetch_sources(pins: Iterable[Input]) -> dict[Input, Path]:
    """The pinned files, through the toolchain's clients and its cache."""
    return fetch(
        pins,
        downloads=find_cache(None, os.environ).downloads,
        downloaders=machine_clients(os.environ),
        progress=Progress(),
    )


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(each), "") if each.isdigit() else (-1, each) for each in re.split(r"(\d+)", text)]


def _json(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Write the tables, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if they differ")
    options = parser.parse_args(arguments)
    pins, documented = read_sources()
    tables = generate(fetch_sources(pins), documented)
    stale = [
        name
        for name, text in tables.items()
        if not (TABLES / name).is_file() or (TABLES / name).read_text(encoding="utf-8") != text
    ]
    for name in () if options.check else stale:
        (TABLES / name).write_text(tables[name], encoding="utf-8")
    print(*stale or ["nothing changed"], sep="\n")  # noqa: T201 - a program's answer
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
