"""The bill of materials of a repaired wheel: the shared runtime is what it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cxxrt_toolchain.wheel.sbom import cyclonedx

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.filename import WheelTags


def runtime_sbom(tags: WheelTags, requirement: str) -> str:
    """The text of the bill of materials."""
    runtime = Requirement(requirement)
    name = canonicalize_name(tags.distribution)
    this = f"pkg:pypi/{name}@{tags.version}"
    that = f"pkg:pypi/{canonicalize_name(runtime.name)}"
    return cyclonedx(
        {"bom-ref": this, "name": name, "version": tags.version, "purl": this},
        [
            {
                "type": "library",
                "bom-ref": that,
                "name": canonicalize_name(runtime.name),
                "scope": "required",
                "purl": that,
                "properties": [{"name": "cxxrt:requirement", "value": requirement}],
            }
        ],
        [{"ref": this, "dependsOn": [that]}, {"ref": that}],
    )
