"""Each crash, as two small wheels: the usual way fails as recorded, with our backend nothing does.

The cases are ``tests/packages/crash_*``; ``tests/crashes/run_matrix.py`` is the same by hand.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import matrix_tables as tables
import pytest
from crash_builds import Way, with_our_backend
from crash_case import Case, Project, find_cases
from crash_run import WORKS
from measuring import measure
from toolsets import missing, newest_version

from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet
    from crash_builds import Workshop

CASES = find_cases()
MATRIX = tables.recorded()
TITLE = 30
"""Characters that the PEP's table has room for."""
PROJECTS = [(case, project) for case in CASES for project in case.projects]


def test_the_table_of_the_readme_is_what_is_recorded() -> None:
    text = tables.README.read_text(encoding="utf-8")
    assert tables.rendered(text) == text


def test_every_case_is_recorded_under_its_own_name_and_in_order() -> None:
    assert list(MATRIX.cases) == [case.name for case in CASES]
    for case in CASES:
        row = MATRIX.cases[case.name]
        named = (row["title"], row["mechanism"], row["library"], row["rule"])
        assert named == (case.title, case.mechanism, case.library, case.rule)
        assert row["expected"] == case.prints
        assert len(case.title) <= TITLE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_recorded_is_a_failure_and_its_cure(case: Case) -> None:
    row = MATRIX.cases[case.name]
    assert row["usual"]["outcome"] != WORKS
    assert row["backend"]["outcome"] == _wanted(case)
    assert case.rule is None or case.rule in row["usual"]["rules"]
    assert row["usual"]["diagnosis"] == ([case.doctor] if case.doctor else [])
    assert row["usual"]["healthy"] == (case.doctor is None or case.doctor.startswith("note"))
    assert row["backend"]["diagnosis"] == []
    assert row["backend"]["healthy"]


@pytest.mark.parametrize(
    ("case", "project"), PROJECTS, ids=[project.name for _, project in PROJECTS]
)
def test_our_backend_is_the_only_edit(case: Case, project: Project) -> None:
    usual = (project.folder / "pyproject.toml").read_text(encoding="utf-8")
    changed = [*difflib.ndiff(usual.splitlines(), with_our_backend(usual, case).splitlines())]
    removed, added = ([line[2:] for line in changed if line[0] == sign] for sign in "-+")
    before = [line for line in usual.splitlines() if line.startswith("dependencies = [")]
    own = "".join(f", {line.removeprefix('dependencies = [')}" for line in before) or "]"
    assert removed == [
        'requires = ["setuptools>=77"]',
        'build-backend = "setuptools.build_meta"',
        *before,
    ]
    assert added[:3] == [
        'requires = ["cxxrt-toolchain", "setuptools>=77"]',
        'build-backend = "cxxrt_toolchain.backend"',
        f'dependencies = ["cxx11-cuda-runtime>=1,<2"{own}',
    ]
    assert added[3:] == (["", "[tool.cxxrt]", "cuda = 13"] if case.backend else [])


def _with_its_needs(case: Case) -> ParameterSet:
    return pytest.param(case, id=case.name, marks=[pytest.mark.network] if case.needs else [])


@pytest.mark.compile
@pytest.mark.runtime
@pytest.mark.parametrize("case", [_with_its_needs(case) for case in CASES])
def test_a_case_does_what_is_recorded(case: Case, request: pytest.FixtureRequest) -> None:
    if problem := missing(case):
        pytest.skip(problem)
    workshop: Workshop = request.getfixturevalue("workshop")
    try:
        row = measure(case, workshop)
    except MissingToolError as error:
        pytest.skip(f"{case.needs} cannot be had: {error}")
    _assert_same_sources(case, workshop)
    if newest_version() == MATRIX.host:
        assert row.as_json() == MATRIX.cases[case.name]
    else:
        # Which way a duplicate fails depends on the release of both copies.
        assert row.usual.outcome != WORKS
        assert row.backend.outcome == _wanted(case)
        assert row.backend.conforms
        assert case.rule is None or case.rule in row.usual.rules


def _wanted(case: Case) -> str:
    return f"refused: {case.refused}" if case.refused else WORKS


def _assert_same_sources(case: Case, workshop: Workshop) -> None:
    for project in case.projects:
        for path in (path for path in project.folder.rglob("*") if path.is_file()):
            name = path.relative_to(project.folder)
            copies = [workshop.source(case, way, project) / name for way in Way]
            contents = {copy.read_bytes() for copy in copies}
            assert len(contents) == (2 if name.name == "pyproject.toml" else 1), name
