"""The runtime wheel that is installed in an environment.

In: what the environment's interpreter said. Out: ``RuntimeManifest``, or None where there is no
runtime wheel. Reads no file: the interpreter handed over the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.host.interpreter import describe

if TYPE_CHECKING:
    from cxxrt_toolchain.host.interpreter import Interpreter


def manifest_of(interpreter: Interpreter) -> RuntimeManifest | None:
    """What the runtime wheel of that environment provides.

    Raises:
        ManifestError: Its manifest cannot be read.
    """
    if interpreter.manifest_text is None:
        return None
    return RuntimeManifest.from_json(interpreter.manifest_text)


def installed_runtime(executable: str) -> RuntimeManifest | None:
    """The same for the interpreter at that path, without asking it anything else of use.

    Raises:
        ManifestError: The manifest cannot be read.
        MissingToolError: The interpreter cannot be started.
        StepFailedError: It failed.
    """
    return manifest_of(describe(executable, load_spec()))
