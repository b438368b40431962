"""What is a warning, what a note and what nothing, where packages keep a runtime or a string."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.interactions import Crossing, Handover, Meetings, Part
from cxxrt_toolchain.facts.traits import NO_TRACES, Traces
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.strings import check_meetings

if TYPE_CHECKING:
    from cxxrt_toolchain.rules.rule import Finding

STDCXX, CUDART = RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCUDART
HIDDEN = Traces(hidden=(STDCXX,), made=("demo.it",))
OWN_CUDART = Traces(hidden=(CUDART,))
OLD, NEW = Traces(old_string="_ZNSs4swapERSs", made=("demo.it",)), Traces(new_strings=True)
WARNING, NOTE = Severity.WARNING, Severity.NOTE


def part(owner: str, traces: Traces = NO_TRACES, *needed: str) -> Part:
    path = f"/site/{owner}/core.so"
    return Part(
        path=path,
        place=path,
        name=f"{owner}.so",
        owner=owner,
        needed=needed or ("libstdc++.so.6",),
        traces=traces,
    )


def crossing(user: Part, provider: Part, kernels: tuple[str, ...] = (), *more: str) -> Meetings:
    symbols = ("_Z3addPf", "_Z3subPf", *more)
    found = Crossing(user=user, provider=provider, symbols=symbols, kernels=kernels)
    return Meetings(parts=(user, provider), crossings=(found,))


def handover(maker: Part, opener: Part) -> Meetings:
    found = Handover(maker=maker, opener=opener, name="demo.it")
    return Meetings(parts=(maker, opener), handovers=(found,))


def findings(meetings: Meetings, *mismatched: tuple[str, str]) -> list[Finding]:
    packages = frozenset(each.owner for each in meetings.parts if not each.owner.startswith("/"))
    return list(check_meetings(meetings, packages, mismatched))


def rows(
    meetings: Meetings, *mismatched: tuple[str, str]
) -> list[tuple[str, Severity, tuple[str, ...], tuple[str, ...]]]:
    found = findings(meetings, *mismatched)
    return [(each.rule, each.severity, each.culprits, each.victims) for each in found]


def test_nothing_that_meets_is_nothing() -> None:
    assert findings(Meetings()) == []
    assert findings(Meetings(parts=(part("a"), part("b", NEW)))) == []


@pytest.mark.parametrize("user_hides", [True, False])
def test_a_hidden_libstdcxx_is_a_warning_where_symbols_cross(*, user_hides: bool) -> None:
    hiding, other = part("a", HIDDEN, "libc.so.6"), part("b")
    meetings = crossing(*((hiding, other) if user_hides else (other, hiding)))
    assert rows(meetings) == [("CXXRT-H5", WARNING, ("a",), ("b",))]
    (found,) = findings(meetings)
    assert found.evidence[0] == "/site/a/core.so contains libstdc++"
    assert "takes _Z3addPf and 1 more from" in found.evidence[1]
    assert set(found.libraries) == {hiding.path, other.path}


def test_two_that_hide_one_each_are_both_at_fault() -> None:
    meetings = crossing(part("a", HIDDEN, "libc.so.6"), part("b", HIDDEN, "libc.so.6"))
    assert rows(meetings) == [("CXXRT-H5", WARNING, ("a", "b"), ())]
    assert findings(meetings)[0].message.startswith("a and b have a libstdc++ of their own")


def test_islands_are_one_note_and_none_without_company() -> None:
    alone = Meetings(parts=(part("a", HIDDEN, "libc.so.6"), part("plain", NO_TRACES, "libc.so.6")))
    assert findings(alone) == []
    islands = (part("a", HIDDEN, "libc.so.6"), part("b", HIDDEN, "libc.so.6"))
    assert rows(Meetings(parts=islands)) == [("CXXRT-H5", NOTE, ("a", "b"), ())]
    assert rows(Meetings(parts=(*islands, part("c")))) == [("CXXRT-H5", NOTE, ("a", "b"), ())]


def test_a_note_says_through_which_capsule_they_meet() -> None:
    (found,) = findings(handover(part("a", HIDDEN, "libc.so.6"), part("b", NO_TRACES, "libc.so.6")))
    assert found.severity is NOTE
    assert "to or from b" in found.message
    assert found.evidence[1] == (
        "/site/b/core.so takes out what /site/a/core.so puts into a capsule 'demo.it'"
    )
    assert found.remedies[0].startswith("Nothing, unless that happens; then have a rebuilt")


def test_a_kernel_that_crosses_is_a_warning_and_other_symbols_are_not() -> None:
    user, provider = part("a", OWN_CUDART), part("b", NO_TRACES, "libcudart.so.12")
    launched = crossing(user, provider, kernels=("_Z3addPf",))
    assert rows(launched) == [("CXXRT-H7", WARNING, ("a",), ("b",))]
    assert "a launches kernels of b" in findings(launched)[0].message
    assert rows(crossing(user, provider)) == [("CXXRT-H7", NOTE, ("a",), ())]


def test_one_libcudart_is_no_note_and_two_are() -> None:
    assert findings(Meetings(parts=(part("a", OWN_CUDART), part("b")))) == []
    both = Meetings(parts=(part("a", OWN_CUDART), part("b", OWN_CUDART)))
    assert rows(both) == [("CXXRT-H7", NOTE, ("a", "b"), ())]


def test_strings_of_both_kinds_are_a_warning_where_symbols_cross() -> None:
    meetings = crossing(part("a", OLD), part("b", NEW))
    assert rows(meetings) == [("CXXRT-D13", WARNING, ("a",), ("b",))], "in a class, perhaps"
    assert rows(meetings, ("a", "b")) == [], "D11 says more"
    many = tuple(f"_Z{len(f'f{n}')}f{n}v" for n in range(100))
    whole = crossing(part("a", OLD), part("b", NEW), (), *many)
    assert rows(whole) == [("CXXRT-D13", NOTE, ("a",), ("b",))], "none of them is of a string"
    for symbol in ("_Z3putRKSs", "_Z3getB5cxx11v"):
        spelt = crossing(part("a", OLD), part("b", NEW), (), *many, symbol)
        assert rows(spelt) == [("CXXRT-D13", WARNING, ("a",), ("b",))]
    assert findings(crossing(part("a", OLD), part("b", OLD))) == []


def test_they_are_a_note_where_a_capsule_crosses() -> None:
    meetings = handover(part("a", OLD), part("b"))
    assert rows(meetings) == [("CXXRT-D13", NOTE, ("a",), ())]
    assert rows(handover(part("b"), part("a", OLD))) == rows(meetings)
    both = Meetings(
        parts=meetings.parts,
        crossings=crossing(part("a", OLD), part("b", NEW)).crossings,
        handovers=meetings.handovers,
    )
    assert rows(both) == [("CXXRT-D13", WARNING, ("a",), ("b",))]


def test_a_folder_is_named_and_never_blamed() -> None:
    meetings = crossing(part("/opt/lib", HIDDEN, "libc.so.6"), part("b"))
    assert rows(meetings) == [("CXXRT-H5", WARNING, (), ("b",))]
    assert "/opt/lib has a libstdc++" in findings(meetings)[0].message
