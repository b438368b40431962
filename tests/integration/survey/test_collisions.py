"""Collisions counted without their pairs are as many as the pairs, and weigh as much."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from survey_wheels import TAG

from cxxrt_toolchain.survey import rows
from cxxrt_toolchain.survey.queries import KINDS, Answers
from cxxrt_toolchain.survey.refs import WheelRef
from cxxrt_toolchain.survey.store import Store, columns

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T", str, int)
_PROJECTS = 40


def _some(draw: random.Random, *values: T) -> list[T]:
    return sorted(draw.sample(values, draw.randrange(len(values) // 2 + 1)))


def _wheel(draw: random.Random, number: int, downloads: int | None) -> dict[str, Any]:
    ref = WheelRef(filename=f"p{number}-1.0-{TAG}.whl", place="", downloads=downloads)
    return rows.new_row(ref, "full") | {
        "native": True,
        "bundles": _some(draw, "libgomp", "libcudart", "libgcc_s", "libstdc++"),
        "exports": _some(draw, "libcudart", "libstdc++", "libgomp"),
        "needs": _some(draw, "libstdc++.so.6", "libcudart.so.12", "libcudart.so.13", "libm.so.6"),
        "captures": draw.choice([0, 0, 0, 2]),
        "requires_dist": [],
        "outside": [],
        "errors": [],
        "conforms": True,
    }


def _object(draw: random.Random, wheel: dict[str, Any], soname: str) -> dict[str, Any]:
    content = draw.randrange(4)
    return dict.fromkeys(columns("objects")) | {
        "filename": wheel["filename"],
        "member": f"{content}/{soname}",
        "size": content,
        "crc": content,
        "soname": soname,
        "needed": _some(draw, "libz.so.1", "libpng.so.16", "libc.so.6"),
        "unique_hashes": _some(draw, *range(12)),
        "export_hashes": _some(draw, *range(100, 130)),
    }


@pytest.fixture(params=[True, False], ids=["weighted", "unweighted"])
def answers(request: pytest.FixtureRequest, tmp_path: Path) -> Answers:
    draw = random.Random(11)  # noqa: S311 - the same each time
    weights = [None, 1, 5, 5, 70, 900] if request.param else [None]
    wheels = [_wheel(draw, number, draw.choice(weights)) for number in range(_PROJECTS)]
    objects = [
        _object(draw, wheel, soname)
        for wheel in wheels
        for soname in draw.choices(["libz.so.1", "libpng.so.16", "a.so"], k=3)
    ]
    store = Store(tmp_path)
    store.write_plan({"wheels": _PROJECTS, "others": 0, "hosts": [], "sources": [], "planned": ""})
    store.write_rows("full", "000000", wheels, objects)
    return Answers(store)


def test_counts_are_those_of_the_pairs(answers: Answers) -> None:
    pairs: dict[str, int] = defaultdict(int)
    weights: dict[str, int] = defaultdict(int)
    projects: dict[str, set[str]] = defaultdict(set)
    for kind, one, other, weight in answers.rows("select kind, one, other, weight from collisions"):
        pairs[kind] += 1
        weights[kind] += weight
        projects[kind] |= {one, other}
    assert set(pairs) == set(KINDS)
    known = answers.rows("select count(downloads) from newest")[0][0]
    assert answers.collision_counts() == [
        (kind, pairs[kind], len(projects[kind]), weights[kind] if known else None) for kind in KINDS
    ]


def test_culprits_are_those_of_the_pairs(answers: Answers) -> None:
    partners: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, set[str]] = defaultdict(set)
    weights: dict[str, int] = defaultdict(int)
    for kind, one, other, weight in answers.rows(
        "select kind, one, other, weight from collisions where kind <> 'definition'"
    ):
        for project, partner in ((one, other), (other, one)):
            partners[project].add(partner)
            kinds[project].add(kind)
            weights[project] += weight
    found = answers.culprits(_PROJECTS)
    assert {each.project: (each.partners, each.kinds) for each in found} == {
        project: (len(partners[project]), ", ".join(sorted(kinds[project]))) for project in partners
    }
    assert all(each.weight in (None, weights[each.project]) for each in found)
    order = [weights[each.project] for each in found]
    assert order == sorted(order, reverse=True)


def test_pairs_of_some_projects_are_those_of_all(answers: Answers) -> None:
    few = [f"p{number}" for number in range(0, _PROJECTS, 5)]
    expected: dict[tuple[str, str], set[str]] = defaultdict(set)
    for kind, one, other in answers.rows("select kind, one, other from collisions"):
        if {one, other} <= set(few) and kind != "definition":
            first, second = sorted((one, other))
            expected[first, second].add(kind)
    found = {pair: {kind for kind, _ in told} for pair, told in answers.pairs(few).items()}
    assert found == expected
