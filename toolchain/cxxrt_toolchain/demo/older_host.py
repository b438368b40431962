"""An older machine's libstdc++, for a demo on a machine that is too new to fail.

In: the cache, a folder to unpack into. Out: the folder that ``LD_LIBRARY_PATH`` has to name. The
pins are in ``older-host.toml``.
"""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe_reader import load_inputs
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.clients import machine_clients
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb
from cxxrt_toolchain.strict import Value

if TYPE_CHECKING:
    from pathlib import Path


def older_host_libraries(cache: Path | None, destination: Path) -> Path:
    """Fetch and unpack Debian 12's libstdc++ and libgcc_s; return their folder.

    Raises:
        MissingToolError: No Debian mirror has them, or none is known.
    """
    with as_file(files("cxxrt_toolchain.demo").joinpath("older-host.toml")) as pins:
        inputs = load_inputs(Value.load_toml(pins))
    packages = fetch(
        inputs,
        downloads=find_cache(cache, os.environ).downloads,
        downloaders=machine_clients(os.environ),
        progress=Progress(),
    )
    destination.mkdir()
    for package in packages.values():
        unpack_deb(package, destination)
    return next(destination.rglob("libstdc++.so.6")).parent
