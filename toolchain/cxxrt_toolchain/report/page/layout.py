"""Layout of a layered graph: sizes and links of boxes in columns in, their top edges out.

The order in the columns has few crossings (barycentres, then exchanges of neighbours), and boxes of
one block are adjacent; then every box is moved as near to its linked boxes as its neighbours allow.
Deterministic.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

_SWEEPS = 6
_EXCHANGES = 8
_PLACINGS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box or the bend of a link."""

    key: str
    height: float
    block: str
    """Boxes of one block are adjacent in their column."""
    head: float = 0.0
    """Height of the block's heading, above its first box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Distances between boxes."""

    within: float
    """Between two boxes of one block."""
    between: float
    """Between two blocks."""


Columns = list[list[Box]]
Neighbours = dict[str, list[str]]


def arrange(
    columns: Sequence[Sequence[Box]], links: Sequence[tuple[str, str]], gaps: Gaps
) -> dict[str, float]:
    """The top edge of each box, from 0 for the topmost.

    Args:
        columns: From left to right, each in the order that ties keep; the first box of the first
            column, the one that matters most, gets into the upper half.
        links: Pairs of keys of boxes in neighbouring columns; others have no say.
        gaps: How far apart boxes stand.
    """
    ordered = _untangled([list(column) for column in columns], links)
    if columns and columns[0] and ordered[0].index(columns[0][0]) * 2 >= len(ordered[0]):
        ordered = [column[::-1] for column in ordered]  # a mirror image has as few crossings
    return _placed(ordered, links, gaps)


def crossings(columns: Sequence[Sequence[Box]], links: Sequence[tuple[str, str]]) -> int:
    """The number of pairs of links between neighbouring columns that cross."""
    place = {box.key: (at, row) for at, col in enumerate(columns) for row, box in enumerate(col)}
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for source, target in links:
        left, right = sorted((place[source], place[target]))
        if right[0] - left[0] == 1:
            spans[left[0]].append((left[1], right[1]))
    total = 0
    for span in spans.values():
        seen: list[int] = []
        for _, row in sorted(span):
            total += len(seen) - bisect_right(seen, row)
            insort(seen, row)
    return total


def _untangled(columns: Columns, links: Sequence[tuple[str, str]]) -> Columns:
    """The columns in the order with the fewest crossings that was found."""
    columns = [_together(column) for column in columns]
    best, least = columns, crossings(columns, links)
    beside = _beside(columns, links)
    forth = list(range(len(columns)))
    for sweep in range(_SWEEPS):
        for at in forth if sweep % 2 == 0 else reversed(forth):
            rows = {box.key: row for col in columns for row, box in enumerate(col)}
            columns = [*columns[:at], _by_barycentre(columns[at], rows, beside), *columns[at + 1 :]]
        if (count := crossings(columns, links)) < least:
            best, least = columns, count
    return _exchanged(best, links)


def _together(column: list[Box]) -> list[Box]:
    """The column with the boxes of each block adjacent, at the place of its first box."""
    first: dict[str, int] = {}
    for at, box in enumerate(column):
        first.setdefault(box.block, at)
    return sorted(column, key=lambda box: first[box.block])


def _beside(columns: Columns, links: Sequence[tuple[str, str]]) -> Neighbours:
    place = {box.key: at for at, col in enumerate(columns) for box in col}
    found: Neighbours = defaultdict(list)
    for source, target in links:
        if abs(place[source] - place[target]) == 1:
            found[source].append(target)
            found[target].append(source)
    return found


def _by_barycentre(column: list[Box], rows: Mapping[str, int], beside: Neighbours) -> list[Box]:
    own = {box.key: _mean([rows[key] for key in beside[box.key]], rows[box.key]) for box in column}
    members: dict[str, list[float]] = defaultdict(list)
    for box in column:
        members[box.block].append(own[box.key])
    blocks = {block: _mean(values, 0) for block, values in members.items()}
    first = {box.block: at for at, box in reversed(list(enumerate(column)))}
    return sorted(column, key=lambda box: (blocks[box.block], first[box.block], own[box.key]))


def _exchanged(columns: Columns, links: Sequence[tuple[str, str]]) -> Columns:
    """The columns with neighbours swapped while this removes crossings."""
    least = crossings(columns, links)
    for _ in range(_EXCHANGES):
        before = least
        for at, pair in [
            (at, pair) for at, col in enumerate(columns) for pair in range(len(col) - 1)
        ]:
            trial = [*columns[:at], _swapped(columns[at], pair), *columns[at + 1 :]]
            if (count := crossings(trial, links)) < least:
                columns, least = trial, count
        if least == before:
            break
    return columns


def _swapped(column: list[Box], at: int) -> list[Box]:
    """The column with a box and the next one swapped, or their blocks, where these differ."""
    above, below = column[at : at + 1], column[at + 1 : at + 2]
    if above[0].block != below[0].block:
        above, below = ([b for b in column if b.block == pair[0].block] for pair in (above, below))
    start = at + 1 - len(above)
    return [*column[:start], *below, *above, *column[at + 1 + len(below) :]]


def _placed(columns: Columns, links: Sequence[tuple[str, str]], gaps: Gaps) -> dict[str, float]:
    """The top edges, with centres as near to those of linked boxes as the order allows."""
    beside = _beside(columns, links)
    centre: dict[str, float] = {}
    for column in columns:
        offsets = _offsets(column, gaps)
        middle = (offsets[-1] if offsets else 0) / 2
        centre |= {box.key: at - middle for box, at in zip(column, offsets, strict=True)}
    forth = list(range(len(columns)))
    for placing in range(_PLACINGS):
        for at in forth if placing % 2 == 0 else reversed(forth):
            column = columns[at]
            before = {box.key for box in columns[at - 1]} if at else set()
            wanted = [_wanted(box.key, beside[box.key], before, centre) for box in column]
            spaced = _spaced(wanted, _offsets(column, gaps))
            centre |= {box.key: y for box, y in zip(column, spaced, strict=True)}
    tops = {box.key: centre[box.key] - box.height / 2 for column in columns for box in column}
    heads = {column[0].key: column[0].head for column in columns if column}
    lowest = min((tops[key] - head for key, head in heads.items()), default=0.0)
    return {key: top - lowest for key, top in tops.items()}


def _wanted(key: str, linked: list[str], before: set[str], centre: Mapping[str, float]) -> float:
    """The wanted centre of a box: the mean of its sources, else of its targets."""
    left = [centre[other] for other in linked if other in before]
    return _mean(left or [centre[other] for other in linked], centre[key])


def _offsets(column: Sequence[Box], gaps: Gaps) -> list[float]:
    """The least distance of each centre from the first one."""
    found = [0.0] if column else []
    for upper, lower in pairwise(column):
        gap = gaps.within if upper.block == lower.block else gaps.between + lower.head
        found.append(found[-1] + (upper.height + lower.height) / 2 + gap)
    return found


def _spaced(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones (least squares) that keep order and distances.

    With the least distances taken off, it is an isotonic regression: pools of violators get
    their mean.
    """
    pools: list[tuple[float, int]] = []
    for value, offset in zip(wanted, offsets, strict=True):
        mean, size = value - offset, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (other * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    flat = chain.from_iterable([mean] * size for mean, size in pools)
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
