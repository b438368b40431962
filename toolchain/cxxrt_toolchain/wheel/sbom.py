"""A bill of materials for ``<dist-info>/sboms`` (PEP 770): CycloneDX 1.6 as JSON.

The same for the same input: no time stamp, and no serial number unless the caller computes one.
"""

import json

from cxxrt_toolchain import __version__

Part = dict[str, object]
"""One object of a CycloneDX document."""


def cyclonedx(
    subject: Part, components: list[Part], dependencies: list[Part], **more: object
) -> str:
    """The document about a subject, its components, which of them needs which, and further keys."""
    tool = {"type": "application", "name": "cxxrt-toolchain", "version": __version__}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"tools": {"components": [tool]}, "component": {"type": "library", **subject}},
        "components": components,
        "dependencies": dependencies,
        **more,
    }
    return json.dumps(document, indent=1) + "\n"
