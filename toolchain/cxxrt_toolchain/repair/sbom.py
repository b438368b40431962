"""The bill of materials of a repaired wheel: the shared runtime as what it depends on.

In: the wheel's name and its requirement. Out: a CycloneDX 1.6 document for ``.dist-info/sboms``
(PEP 770), the same text for the same wheel: no time stamp, no random serial number.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.filename import WheelTags


def runtime_sbom(tags: WheelTags, requirement: str) -> str:
    """The text of the document."""
    runtime = Requirement(requirement)
    name = canonicalize_name(tags.distribution)
    this = f"pkg:pypi/{name}@{tags.version}"
    that = f"pkg:pypi/{canonicalize_name(runtime.name)}"
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": this,
                "name": name,
                "version": tags.version,
                "purl": this,
            },
            "tools": {"components": [{"type": "application", "name": "cxxrt-toolchain"}]},
        },
        "components": [
            {
                "type": "library",
                "bom-ref": that,
                "name": canonicalize_name(runtime.name),
                "scope": "required",
                "purl": that,
                "properties": [{"name": "cxxrt:requirement", "value": requirement}],
            }
        ],
        "dependencies": [{"ref": this, "dependsOn": [that]}, {"ref": that}],
    }
    return json.dumps(document, indent=2) + "\n"
