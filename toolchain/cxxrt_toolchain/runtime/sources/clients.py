"""The clients of this machine: one for each kind of input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cxxrt_toolchain.runtime.recipe import Kind
from cxxrt_toolchain.runtime.sources.mirror import MirrorClient, debian_mirrors
from cxxrt_toolchain.runtime.sources.pip_client import PipClient

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.sources.fetch import Downloader


def machine_clients(environ: Mapping[str, str]) -> dict[Kind, Downloader]:
    """What `fetch` needs; looks for a Debian mirror only once a package must be fetched."""
    return {
        Kind.DEBIAN: MirrorClient(mirrors=lambda: debian_mirrors(environ)),
        Kind.PYPI: PipClient(),
    }
