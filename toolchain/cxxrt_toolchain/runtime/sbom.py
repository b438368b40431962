"""The bill of materials of a runtime wheel; its serial number is computed from the manifest."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from cxxrt_toolchain.runtime.recipe import Input, Kind, Role
from cxxrt_toolchain.wheel.sbom import Part, cyclonedx

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.manifest import Component, Library, RuntimeManifest
    from cxxrt_toolchain.runtime.stage import StagedComponent

_ANCESTORS = (Role.SOURCE, Role.LIBRARY)
"""Inputs that a component is derived from; the others only helped to build it."""


def bill_of_materials(
    manifest: RuntimeManifest, components: Sequence[StagedComponent], license_expression: str
) -> str:
    """The text of the bill of materials; components without a vendored library are left out."""
    text = manifest.to_json()
    inputs = {each.name: each.inputs for each in components}
    inside = [each for each in manifest.components if each.libraries]
    wheel = f"pkg:pypi/{manifest.name}@{manifest.version}"
    return cyclonedx(
        {
            "bom-ref": wheel,
            "name": manifest.name,
            "version": manifest.version,
            "licenses": [{"expression": license_expression}],
            "purl": wheel,
        },
        [_component(manifest, each, inputs[each.name]) for each in inside],
        _dependencies(manifest, wheel, inside),
        serialNumber=f"urn:uuid:{_serial(text)}",
        formulation=[
            {"components": [_input(each, "formula:") for each in _builders(inside, inputs)]}
        ],
    )


def _serial(text: str) -> uuid.UUID:
    """A UUID of the content (RFC 9562, version 8: the bits are the publisher's)."""
    digest = bytearray(sha256(text.encode()).digest()[:16])
    digest[6] = 0x80 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return uuid.UUID(bytes=bytes(digest))


def _component(manifest: RuntimeManifest, component: Component, inputs: Iterable[Input]) -> Part:
    libraries = (each for each in manifest.libraries if each.component == component.name)
    ancestors = [_input(each, f"{component.name}:") for each in inputs if each.role in _ANCESTORS]
    return {
        "type": "library",
        "bom-ref": component.name,
        "name": component.name,
        "version": component.version,
        "licenses": [{"expression": component.license}],
        "pedigree": {"ancestors": ancestors},
        "components": [_file(each) for each in libraries],
    }


def _file(library: Library) -> Part:
    return {
        "type": "file",
        "bom-ref": library.soname,
        "name": library.path,
        "hashes": [{"alg": "SHA-256", "content": library.sha256}],
    }


def _dependencies(manifest: RuntimeManifest, wheel: str, inside: Sequence[Component]) -> list[Part]:
    own = {each.soname for each in manifest.libraries}
    rows: list[Part] = [{"ref": wheel, "dependsOn": [each.name for each in inside]}]
    rows += [{"ref": each.name, "dependsOn": list(each.libraries)} for each in inside]
    rows += [
        {"ref": each.soname, "dependsOn": [needed for needed in each.needed if needed in own]}
        for each in manifest.libraries
    ]
    return rows


def _builders(
    inside: Iterable[Component], inputs: dict[str, tuple[Input, ...]]
) -> tuple[Input, ...]:
    """The compiler, its tools and the C library linked against, each once."""
    used = (each for component in inside for each in inputs[component.name])
    return tuple(dict.fromkeys(each for each in used if each.role in (Role.TOOL, Role.SYSROOT)))


def _input(item: Input, scope: str) -> Part:
    purl = package_url(item)
    return {
        "type": "library" if item.role in _ANCESTORS else "application",
        "bom-ref": f"{scope}{purl}",
        "name": item.package,
        "version": item.version,
        "hashes": [{"alg": "SHA-256", "content": item.sha256}],
        "purl": purl,
    }


def package_url(item: Input) -> str:
    """The purl of an input: who published it, and no host (purl-spec, types deb and pypi)."""
    name, version = quote(item.package, safe=""), quote(item.version, safe="")
    if item.kind is Kind.PYPI:
        return f"pkg:pypi/{name}@{version}"
    return f"pkg:deb/debian/{name}@{version}?{urlencode({'arch': item.architecture})}"
