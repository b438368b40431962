"""Events in the output of ``LD_DEBUG=files``, glibc's trace of loaded files.

Other lines are skipped. The texts are the same since glibc 2.3 and never translated. Writing them
takes about 1 % of the processor time of importing scipy, pandas, pyarrow and scikit-learn.

Source: glibc's elf/dl-load.c, dl-map-segments, dl-init.c, rtld's "LD_DEBUG=help".
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(Enum):
    """What happened to a file."""

    NEEDED = "needed"
    """An object names it in DT_NEEDED."""
    OPENED = "opened"
    """An object called dlopen for it."""
    MAPPED = "mapped"
    """It was loaded now."""
    STARTED = "started"
    """Its constructors are run."""


class Event(NamedTuple):
    """One line of the trace."""

    kind: Kind
    name: str
    """The SONAME or path as requested; for `Kind.STARTED` the path."""
    by: str
    """The object that needs or opens it; empty for the other kinds."""


# "[0]" is the base namespace; objects in the namespaces of dlmopen share no symbols with it.
_LINE = re.compile(
    r"\s*\d+:\s(?:"
    r"file=(?P<name>.*) \[0\];  (?:needed by (?P<needs>.*) \[0\](?P<relocation> \(relocation.*)?"
    r"|dynamically loaded by (?P<opens>.*) \[0\]|(?P<mapped>generating link map))"
    r"|calling init: (?P<started>.*))"
)


def parse_trace(text: str) -> tuple[Event, ...]:
    """The events in order."""
    return tuple(_events(text))


def _events(text: str) -> Iterator[Event]:
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match["relocation"]:
            continue
        if match["started"]:
            yield Event(Kind.STARTED, match["started"], "")
        elif match["mapped"]:
            yield Event(Kind.MAPPED, match["name"], "")
        elif match["needs"]:
            yield Event(Kind.NEEDED, match["name"], match["needs"])
        elif match["opens"]:
            yield Event(Kind.OPENED, match["name"], match["opens"])


def needed_by(events: tuple[Event, ...], name: str) -> str:
    """The last object that needed a library by its ``DT_NEEDED``; empty if none did."""
    asked = (each.by for each in reversed(events) if each.kind is Kind.NEEDED and each.name == name)
    return next(asked, "")


def last_object(events: tuple[Event, ...]) -> str:
    """The object with the last constructors to run, else the one that was mapped last."""
    for kind in (Kind.STARTED, Kind.MAPPED):
        for event in reversed(events):
            if event.kind is kind:
                return event.name
    return ""
