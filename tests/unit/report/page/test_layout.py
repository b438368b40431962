"""The layout keeps order, distance and blocks, and untangles what can be untangled."""

from __future__ import annotations

from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from cxxrt_toolchain.report.page.layout import Box, Gaps, _together, arrange, crossings

GAPS = Gaps(within=8, between=16)


def box(key: str, block: str = "", head: float = 0) -> Box:
    return Box(key=key, height=40, block=block or key, head=head)


def test_crossings_are_counted() -> None:
    columns = [[box("a"), box("b"), box("c")], [box("x"), box("y"), box("z")]]
    assert crossings(columns, [("a", "x"), ("b", "y"), ("c", "z")]) == 0
    assert crossings(columns, [("a", "z"), ("b", "y"), ("c", "x")]) == 3
    assert crossings(columns, [("a", "x"), ("b", "x"), ("a", "y")]) == 1
    assert crossings(columns, [("x", "b"), ("y", "a")]) == 1, "the direction does not matter"


def test_what_can_be_untangled_is() -> None:
    left = [box(name) for name in "abcdef"]
    right = [box(name) for name in "uvwxyz"]
    links = list(zip("abcdef", "zyxwvu", strict=True))
    tops = arrange([left, right], links, GAPS)
    assert [tops[a] for a, _ in links] == [tops[z] for _, z in links], "every link is level"


def test_the_first_box_gets_into_the_upper_half() -> None:
    left = [box(name) for name in "abcd"]
    right = [box("x"), box("y")]
    links = [("a", "y"), ("b", "x"), ("c", "x"), ("d", "x")]
    tops = arrange([left, right], links, GAPS)
    assert sorted("abcd", key=tops.__getitem__).index("a") < 2


def test_a_block_has_room_for_its_heading() -> None:
    tops = arrange([[box("a", "one", 20), box("b", "two", 20)]], [], GAPS)
    assert tops == {"a": 20, "b": 20 + 40 + 16 + 20}


def test_nothing_is_fine() -> None:
    assert arrange([], [], GAPS) == {}
    assert arrange([[]], [], GAPS) == {}


_LINKS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=24)


@given(first=_LINKS, second=_LINKS, blocks=st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_boxes_never_overlap_and_blocks_stay_together(
    first: list[tuple[int, int]], second: list[tuple[int, int]], blocks: list[int]
) -> None:
    columns = [[box(f"{col}{at}", f"{col}/{blocks[at]}") for at in range(8)] for col in range(3)]
    links = [(f"0{a}", f"1{b}") for a, b in first] + [(f"1{a}", f"2{b}") for a, b in second]
    before = crossings([_together(column) for column in columns], links)
    tops = arrange(columns, links, GAPS)
    ordered = [sorted(column, key=lambda each: tops[each.key]) for column in columns]
    for column in ordered:
        for upper, lower in pairwise(column):
            gap = GAPS.within if upper.block == lower.block else GAPS.between
            assert tops[lower.key] - tops[upper.key] >= 40 + gap - 1e-6
        runs = [block for block, _ in groupby(each.block for each in column)]
        assert len(runs) == len(set(runs))
    assert min(tops.values()) >= -1e-6
    assert crossings(ordered, links) <= before
    assert tops == arrange(columns, links, GAPS)
