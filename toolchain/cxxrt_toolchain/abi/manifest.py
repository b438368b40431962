"""What a runtime wheel provides: ``manifest.json`` to and from frozen values.

The one contract between the toolchain and the runtime; ``schemas/runtime-manifest.schema.json`` of
the specification is its normative form. Keys that this module does not know are ignored: a later
runtime may say more, and raises ``schema`` where it says something else. The keys of the file are
the names of the fields, in their order.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from packaging.version import InvalidVersion

from cxxrt_toolchain.abi.versions import as_number, parse_version
from cxxrt_toolchain.errors import ConfigError, InputError
from cxxrt_toolchain.strict import Value

SCHEMA = 1
"""The only ``schema`` number that this module reads and writes."""

_SHA256 = r"[0-9a-f]{64}"
_DOTTED = r"[0-9]+(\.[0-9]+)*"
_FILE_NAME = r"[A-Za-z0-9_+.\-]+"
_MEMBER = r"lib/[A-Za-z0-9_+.\-]+"
"""One level below the package: a path that climbs out is no path of ours."""


class ManifestError(InputError):
    """A runtime manifest that cannot be read; the message starts with the key's path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One upstream project that the wheel carries libraries of."""

    name: str
    version: str
    """Upstream's, for example ``14.2.0``."""
    license: str
    """SPDX expression of its libraries."""
    license_files: tuple[str, ...]
    """Relative to ``<dist-info>/licenses/``."""
    libraries: tuple[str, ...]
    """SONAMEs; empty where the wheel depends on another distribution for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A function by which a loaded libstdc++ is told to define a version node."""

    version: str
    """The node without its namespace, for example ``3.4.33``."""
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One vendored library."""

    soname: str
    path: str
    """Relative to the package, for example ``lib/libgcc_s.so.1``."""
    component: str
    sha256: str
    size: int
    """Bytes."""
    needed: tuple[str, ...]
    """``DT_NEEDED`` in file order."""
    glibc_floor: str
    """Highest ``GLIBC_`` version that it needs, for example ``2.14``."""
    versions: tuple[tuple[str, str], ...]
    """Sorted (namespace, highest version defined), for example ``("GLIBCXX", "3.4.33")``."""
    markers: tuple[Marker, ...]
    """Newest first; only libstdc++ has any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaRuntime:
    """libcudart of one CUDA major."""

    soname: str
    version: str
    """Of the distribution that carries it, for example ``12.9.79``."""
    first_seen: tuple[tuple[str, str], ...]
    """Sorted (symbol, CUDA release that first exports it); not the first release's own symbols."""
    requirement: str | None = None
    """The distribution to depend on where the file is not vendored; None: vendored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeManifest:
    """What one runtime wheel provides."""

    name: str
    version: str
    """``EPOCH.GCC.REVISION``."""
    epoch: int
    arch: str
    """As the platform tags spell it."""
    glibc_floor: str
    """What the platform tag promises; no library needs more."""
    components: tuple[Component, ...]
    libraries: tuple[Library, ...]
    """In load order."""
    cudart: tuple[tuple[str, CudaRuntime], ...]
    """Sorted (CUDA major, its runtime)."""

    def library(self, soname: str) -> Library | None:
        """The vendored library of that SONAME."""
        return next((found for found in self.libraries if found.soname == soname), None)

    def highest(self, namespace: str) -> str | None:
        """Highest version that any library defines in a namespace such as ``GLIBCXX``."""
        found = [dict(each.versions).get(namespace) for each in self.libraries]
        return max((each for each in found if each is not None), key=parse_version, default=None)

    def to_json(self) -> str:
        """The text of ``manifest.json``: same value, same bytes."""
        document = {"schema": SCHEMA, **asdict(self)}
        for library in document["libraries"]:
            library["versions"] = dict(library["versions"])
            library["markers"] = [list(each.values()) for each in library["markers"]]
        document["cudart"] = dict(document["cudart"])
        for cudart in document["cudart"].values():
            cudart["first_seen"] = dict(cudart["first_seen"])
            if cudart["requirement"] is None:
                del cudart["requirement"]
        return json.dumps(document, indent=1, ensure_ascii=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RuntimeManifest:
        """Read ``manifest.json``; `ManifestError` names the key that is missing or wrong."""
        try:
            root = Value.parse_json(text)
            _check_schema(root)
            manifest = _read_manifest(root)
        except ConfigError as error:
            raise ManifestError(f"manifest.json: {error}") from None
        _check_references(manifest)
        return manifest


def _check_schema(root: Value) -> None:
    if (found := root["schema"].integer()) != SCHEMA:
        raise ManifestError(
            f"manifest.json: schema: {found} is not {SCHEMA}, the only one this toolchain reads.",
            "Use the toolchain that belongs to this runtime.",
        )


def _read_manifest(root: Value) -> RuntimeManifest:
    cudart = [(_major(key, each), _read_cudart(each)) for key, each in root["cudart"].members()]
    return RuntimeManifest(
        name=root["name"].text(),
        version=_version(root["version"]),
        epoch=root["epoch"].integer(minimum=1),
        arch=root["arch"].text(r"[a-z0-9_]+"),
        glibc_floor=root["glibc_floor"].text(_DOTTED),
        components=tuple(_read_component(each) for each in root["components"].items()),
        libraries=tuple(_read_library(each) for each in root["libraries"].items()),
        cudart=tuple(sorted(cudart, key=lambda entry: as_number(entry[0]))),
    )


def _read_component(value: Value) -> Component:
    return Component(
        name=value["name"].text(),
        version=value["version"].text(),
        license=value["license"].text(),
        license_files=value["license_files"].texts(),
        libraries=value["libraries"].texts(_FILE_NAME),
    )


def _read_library(value: Value) -> Library:
    return Library(
        soname=value["soname"].text(_FILE_NAME),
        path=value["path"].text(_MEMBER),
        component=value["component"].text(),
        sha256=value["sha256"].text(_SHA256),
        size=value["size"].integer(minimum=1),
        needed=value["needed"].texts(),
        glibc_floor=value["glibc_floor"].text(_DOTTED),
        versions=tuple(sorted((name, each.text()) for name, each in value["versions"].members())),
        markers=tuple(_read_marker(each) for each in value["markers"].items()),
    )


def _read_marker(value: Value) -> Marker:
    pair = value.texts()
    if len(pair) != 2:  # noqa: PLR2004 - a marker is a pair by the schema
        value.fail("[version, symbol]")
    return Marker(version=pair[0], symbol=pair[1])


def _read_cudart(value: Value) -> CudaRuntime:
    requirement = value.get("requirement")
    seen = ((symbol, each.text(_DOTTED)) for symbol, each in value["first_seen"].members())
    return CudaRuntime(
        soname=value["soname"].text(_FILE_NAME),
        version=_version(value["version"]),
        first_seen=tuple(sorted(seen)),
        requirement=None if requirement is None else requirement.text(),
    )


def _version(value: Value) -> str:
    try:
        return str(parse_version(value.text()))
    except InvalidVersion as error:
        raise ConfigError(f"{value.path}: {error}") from None


def _major(key: str, value: Value) -> str:
    if not key.isdecimal():
        raise ConfigError(f"{value.path}: the key must be a CUDA major, not {key!r}.")
    return key


def _check_references(manifest: RuntimeManifest) -> None:
    sonames = [each.soname for each in manifest.libraries]
    if duplicate := next((each for each in sonames if sonames.count(each) > 1), None):
        raise ManifestError(f"manifest.json: libraries: {duplicate} is listed twice")
    names = {each.name for each in manifest.components}
    for index, library in enumerate(manifest.libraries):
        if library.component not in names:
            raise ManifestError(
                f"manifest.json: libraries[{index}].component: "
                f"no component is named {library.component!r}"
            )
    for major, cudart in manifest.cudart:
        if cudart.requirement is None and cudart.soname not in sonames:
            raise ManifestError(
                f"manifest.json: cudart.{major}.soname: {cudart.soname} is neither among the "
                "libraries nor required of another distribution"
            )
