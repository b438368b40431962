"""Sets of Debian packages that tests run against, unpacked once into the cache.

``debian_set("bullseye-root")`` returns a folder that looks like that Debian's root. The pins are
in ``tests/data/debian-fixtures.toml``; they are fetched the way the product fetches its inputs.

Running something in a set, with ``PYTHONHOME=<root>/usr`` for its Python:

* ``bullseye-root``: ``<root>/lib/x86_64-linux-gnu/ld-2.31.so --library-path
  <root>/lib/x86_64-linux-gnu:<root>/usr/lib/x86_64-linux-gnu <root>/usr/bin/python3.9``
* ``arm64-root``: ``qemu-aarch64-static -L <root> <root>/usr/bin/python3.11``; extensions for it
  are compiled with ``-I<root>/usr/include/python3.11 -idirafter <root>/usr/include``
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe_reader import load_inputs
from cxxrt_toolchain.runtime.sources.cache import find_cache, locked, new_folder
from cxxrt_toolchain.runtime.sources.clients import machine_clients
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.runtime.sources.unpack import unpack_deb
from cxxrt_toolchain.strict import Value

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.recipe import Input

_PINS = Path(__file__).parents[2] / "data" / "debian-fixtures.toml"


def debian_set(name: str) -> Path:
    """The folder of a set, fetched and unpacked if the cache does not have it.

    Skips the test where no Debian mirror can be reached.
    """
    pins = _pins(name)
    cache = find_cache(None, os.environ)
    digest = hashlib.sha256(" ".join(pin.sha256 for pin in pins).encode()).hexdigest()
    final = cache.builds.parent / "debian-sets" / f"{name}-{digest[:16]}"
    with locked(final):
        if not final.is_dir():
            _unpack(pins, final, cache.downloads)
    return final


def _pins(name: str) -> tuple[Input, ...]:
    return load_inputs(Value.load_toml(_PINS)[name])


def _unpack(pins: tuple[Input, ...], final: Path, downloads: Path) -> None:
    try:
        files = fetch(
            pins,
            downloads=downloads,
            downloaders=machine_clients(os.environ),
            progress=Progress(quiet=True),
        )
    except MissingToolError as error:
        pytest.skip(f"needs Debian packages: {error}")
    with new_folder(final) as work:
        for pin in pins:
            unpack_deb(files[pin], work)


def library(name: str, soname: str) -> Path:
    """One library file of a set, wherever its packages put it."""
    root = debian_set(name)
    found = [path for path in sorted(root.rglob(soname)) if path.is_file()]
    if not found:
        raise FileNotFoundError(f"{name} has no {soname}")
    return found[0].resolve()
