"""The machine and an interpreter -> ``Host``.

CUDA is asked in a child process, so that no driver is ever mapped into the calling one;
``CXXRT_CUDA`` says the answer beforehand (O-6). A driver that fails means "unknown".
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.abi.versions import as_number, version_tuple
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.host.supported import Host, Veto, declared_epoch

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Spec
    from cxxrt_toolchain.host.interpreter import Interpreter

CUDA_VARIABLE = "CXXRT_CUDA"
_CHILD = Path(__file__).with_name("driver_child.py")
_TIMEOUT = 10
"""Seconds; mapping the driver takes tens of milliseconds, a wedged device takes forever."""
_KERNEL_DRIVER = Path("/proc/driver/nvidia/version")
_KERNEL_RELEASE = re.compile(r"Kernel Module(?: for \S+)? +([0-9]+(?:\.[0-9]+)+)")
_THOUSAND = 1000
"""``cuDriverGetVersion`` is 1000 * major + 10 * minor."""


def probe(interpreter: Interpreter, spec: Spec, environ: Mapping[str, str]) -> Host:
    """What decides which tags an environment supports; errors as for its two parts."""
    manifest = manifest_of(interpreter)
    return Host(
        driver=cuda_driver(spec, environ),
        installed=() if manifest is None else (declared_epoch(manifest),),
        vetoes=frozenset(
            Veto(epoch=epoch, cuda=cuda, architecture=arch)
            for epoch, cuda, arch in interpreter.vetoes
        ),
    )


def manifest_of(interpreter: Interpreter) -> RuntimeManifest | None:
    """What that environment's runtime wheel provides, or None; `ManifestError` if unreadable."""
    text = interpreter.manifest
    return None if text is None else RuntimeManifest.from_json(text)


def cuda_driver(spec: Spec, environ: Mapping[str, str]) -> int | None:
    """The newest CUDA major that the driver runs, or None; `UsageError`: bad ``CXXRT_CUDA``."""
    override = environ.get(CUDA_VARIABLE, "").strip().lower()
    if override == "none":
        return None
    if override:
        match = re.fullmatch(r"([1-9][0-9])(?:\.[0-9]+)?", override, re.ASCII)
        if match is None:
            raise UsageError(
                f"{CUDA_VARIABLE}={override} is not a CUDA major.", "Use 12, 13, … or none."
            )
        return int(match[1])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_CHILD)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=True,
        )
        return as_number(done.stdout.split()[-1]) // _THOUSAND or None
    except (OSError, IndexError, ValueError, subprocess.SubprocessError):
        return _major_of_kernel_driver(spec)


def _major_of_kernel_driver(spec: Spec) -> int | None:
    try:
        text = _KERNEL_DRIVER.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return cuda_of_driver_release(text, spec)


def cuda_of_driver_release(text: str, spec: Spec) -> int | None:
    """The CUDA major that the driver named in ``/proc/driver/nvidia/version`` runs."""
    match = _KERNEL_RELEASE.search(text)
    if match is None:
        return None
    release = version_tuple(match[1])
    return max((cuda.major for cuda in spec.cuda if release >= cuda.driver), default=None)
