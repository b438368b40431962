"""Wheels of the commands that take an address in place of a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxxrt_toolchain import __version__
from cxxrt_toolchain.web.address import is_address
from cxxrt_toolchain.wheel.reader import Wheel


@contextmanager
def wheel_at(place: str, *, whole: bool = True) -> Iterator[Wheel]:
    """The wheel at a path or address; an error of its server names the address, without secrets."""
    if not is_address(place):
        with Wheel.open(Path(place)) as wheel:
            yield wheel
        return
    from cxxrt_toolchain.web.client import Client, WebError
    from cxxrt_toolchain.wheel.ranges import remote_wheel

    try:
        with remote_wheel(Client(f"cxxrt/{__version__}"), place, whole=whole) as wheel:
            yield wheel
    except WebError as error:
        raise error.about(place) from error
