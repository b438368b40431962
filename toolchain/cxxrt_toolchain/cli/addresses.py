"""Wheels at an address, for the commands that take one in place of a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cxxrt_toolchain import __version__

if TYPE_CHECKING:
    from cxxrt_toolchain.wheel.reader import Wheel


@contextmanager
def at_address(url: str, *, whole: bool) -> Iterator[Wheel]:
    """The wheel at an address; an error of its server names the address, without secrets."""
    from cxxrt_toolchain.web.client import Client, WebError
    from cxxrt_toolchain.wheel.ranges import remote_wheel

    try:
        with remote_wheel(Client(f"cxxrt/{__version__}"), url, whole=whole) as wheel:
            yield wheel
    except WebError as error:
        raise error.about(url) from error
