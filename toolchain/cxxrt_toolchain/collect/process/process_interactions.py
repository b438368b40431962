"""What is loaded in a process -> where objects with a runtime or a string of their own meet others.

In: its libraries, what they need, and the traces that were kept of their files, as text. Out:
`Meetings`, also as plain types that can be kept. In most processes there are none.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.collect.interactions import meet
from cxxrt_toolchain.facts.interactions import NO_MEETINGS, Crossing, Handover, Meetings, Part
from cxxrt_toolchain.facts.objects import decode_traces, encode_traces
from cxxrt_toolchain.facts.traits import NO_TRACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cxxrt_toolchain.collect.answers import Answers
    from cxxrt_toolchain.facts.libraries import Library
    from cxxrt_toolchain.facts.traits import Traces


def traces_text(traces: Traces) -> str:
    """One line without tabs; empty where there are none, and the same for most C++ objects."""
    row = encode_traces(traces)
    return json.dumps(row, separators=(",", ":")) if row else ""


def _traces(text: str) -> Traces:
    return decode_traces(json.loads(text)) if text else NO_TRACES


def parts_of(
    rows: Iterable[tuple[Library, str]], needed: Mapping[str, tuple[str, ...]], root: str
) -> tuple[Part, ...]:
    """What is loaded, as far as it may meet others.

    Args:
        rows: All whose file can be read, in load order where it is known, each with its
            `traces_text`.
        needed: ``DT_NEEDED`` by path.
        root: What stands before a path of the process, here.
    """
    traces = cache(_traces)
    return tuple(
        Part(
            path=each.path,
            place=root + each.path,
            name=each.soname,
            owner=each.package or each.path.rpartition("/")[0],
            needed=needed.get(each.path, ()),
            traces=traces(text),
        )
        for each, text in rows
        if each.family is None
    )


def find_meetings(parts: tuple[Part, ...], answers: Answers) -> Meetings:
    """Who meets whom.

    Args:
        parts: All that is loaded.
        answers: What their files answered before.
    """
    met = meet(parts, answers)
    answers.save()
    return met


def encode_meetings(met: Meetings) -> tuple[Any, ...]:
    """As plain types; empty where there is nothing to judge."""
    if not met.parts:
        return ()
    numbers = {id(part): number for number, part in enumerate(met.parts)}
    crossings = tuple(
        (numbers[id(each.user)], numbers[id(each.provider)], each.symbols, each.kernels)
        for each in met.crossings
    )
    handovers = tuple(
        (numbers[id(each.maker)], numbers[id(each.opener)], each.name) for each in met.handovers
    )
    return crossings, handovers


def decode_meetings(rows: tuple[Any, ...], parts: tuple[Part, ...]) -> Meetings:
    """What `encode_meetings` made of them, for the same parts."""
    if not rows:
        return NO_MEETINGS
    crossings, handovers = rows
    return Meetings(
        parts=parts,
        crossings=tuple(
            Crossing(user=parts[user], provider=parts[provider], symbols=symbols, kernels=kernels)
            for user, provider, symbols, kernels in crossings
        ),
        handovers=tuple(
            Handover(maker=parts[maker], opener=parts[opener], name=name)
            for maker, opener, name in handovers
        ),
    )
