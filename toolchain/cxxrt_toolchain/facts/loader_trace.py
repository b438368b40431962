"""What glibc's loader said about files: ``LD_DEBUG=files`` text to events.

What goes in: the text that the loader wrote. What comes out: who opened or needed what, and whose
constructors ran, in order. Starts nothing. The texts are stable since glibc 2.3 and never
translated; a line that says nothing about files is passed over. Writing them takes about a
hundredth of the processor time of importing scipy, pandas, pyarrow and scikit-learn.

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
    """It was not loaded yet, and is now."""
    STARTED = "started"
    """Its constructors are being run."""


class Event(NamedTuple):
    """One thing that the loader said."""

    kind: Kind
    name: str
    """As it was asked for: a SONAME or a path; for `Kind.STARTED` the path."""
    by: str
    """The object that needs or opens it; empty for the other kinds."""


# "[0]" is the namespace; objects of dlmopen have others and are no part of the same process image.
_LINE = re.compile(
    r"\s*\d+:\s(?:"
    r"file=(?P<name>.*) \[0\];  (?:needed by (?P<needs>.*) \[0\](?P<relocation> \(relocation.*)?"
    r"|dynamically loaded by (?P<opens>.*) \[0\]|(?P<mapped>generating link map))"
    r"|calling init: (?P<started>.*))"
)


def parse_trace(text: str) -> tuple[Event, ...]:
    """All events, in the order in which they happened."""
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
    """The object that asked last for a library by its ``DT_NEEDED``; empty where none did."""
    asked = (each.by for each in reversed(events) if each.kind is Kind.NEEDED and each.name == name)
    return next(asked, "")


def last_object(events: tuple[Event, ...]) -> str:
    """The object whose constructors ran last, else the one that was mapped last."""
    for kind in (Kind.STARTED, Kind.MAPPED):
        for event in reversed(events):
            if event.kind is kind:
                return event.name
    return ""
