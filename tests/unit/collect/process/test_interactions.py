"""Who meets whom in a process is kept as plain types, and comes back for the same parts."""

from __future__ import annotations

import marshal

import pytest
from process_samples import MAKER, SYSTEM, VICTIM, library, stdcxx

from cxxrt_toolchain.collect.process.process_interactions import (
    decode_meetings,
    encode_meetings,
    parts_of,
    traces_text,
)
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import NO_MEETINGS, Crossing, Handover, Meetings, Part
from cxxrt_toolchain.facts.traits import NO_TRACES, Traces

OWN = Traces(
    hidden=(RuntimeFamily.LIBCUDART, RuntimeFamily.LIBSTDCXX),
    old_string="_Z1fSs",
    loose=("_Z1gv",),
    made=("maker.table",),
    opened=("other.table",),
)


def _part(path: str, traces: Traces = NO_TRACES) -> Part:
    return Part(path, f"/root{path}", path.rpartition("/")[2], "owner", (), traces)


def _met() -> Meetings:
    # The first and the last are equal: which of them is meant is told by its place alone.
    parts = (_part("/a.so", OWN), _part("/b.so"), _part("/c.so", OWN), _part("/a.so", OWN))
    first, second, third, last = parts
    return Meetings(
        parts=parts,
        crossings=(
            Crossing(user=second, provider=first, symbols=("_Z1fv", "_Z1gv"), kernels=("_Z1gv",)),
            Crossing(user=last, provider=third, symbols=("_Z1hv",)),
        ),
        handovers=(Handover(maker=first, opener=third, name="maker.table"),),
    )


def test_meetings_come_back_as_they_were() -> None:
    met = _met()
    rows = marshal.loads(marshal.dumps(encode_meetings(met)))  # noqa: S302 - our own
    again = decode_meetings(rows, met.parts)
    assert again == met
    assert again.crossings[1].user is met.parts[3]
    assert again.handovers[0].opener is met.parts[2]


def test_where_nothing_meets_nothing_is_kept() -> None:
    assert encode_meetings(NO_MEETINGS) == ()
    assert decode_meetings((), _met().parts) is NO_MEETINGS


def test_parts_that_were_compared_and_did_not_meet_are_not_nothing() -> None:
    met = Meetings(parts=_met().parts)
    rows = encode_meetings(met)
    assert rows == ((), ())
    assert decode_meetings(rows, met.parts) == met


@pytest.mark.parametrize("traces", [NO_TRACES, OWN, Traces(new_strings=True)])
def test_traces_are_a_line_that_comes_back(traces: Traces) -> None:
    text = traces_text(traces)
    assert bool(text) is (traces != NO_TRACES)
    assert not {"\n", "\t"}.intersection(text)
    (part,) = parts_of([(library(MAKER), text)], {}, "")
    assert part.traces == traces


def test_parts_are_all_but_the_copies_of_runtimes() -> None:
    rows = [
        (stdcxx(), ""),
        (library(MAKER), traces_text(OWN)),
        (library("/tree/loose/x.so"), ""),
        (library(VICTIM), traces_text(OWN)),
    ]
    found = parts_of(rows, {MAKER: ("libstdc++.so.6",), SYSTEM: ("libc.so.6",)}, "/elsewhere")
    assert [(each.path, each.place, each.name, each.owner) for each in found] == [
        (MAKER, f"/elsewhere{MAKER}", "core.so", "maker"),
        ("/tree/loose/x.so", "/elsewhere/tree/loose/x.so", "x.so", "/tree/loose"),
        (VICTIM, f"/elsewhere{VICTIM}", "core.so", "victim"),
    ]
    assert [each.needed for each in found] == [("libstdc++.so.6",), (), ()]
    assert found[0].traces is found[2].traces, "what differs from the rest is told by identity"
