"""The tables of the proof: what any row has to have, today's and tomorrow's."""

from __future__ import annotations

from pathlib import Path

import pytest
from realwheels.cases import Case, Cure, Mechanism, load_catalogue
from realwheels.pins import ProofError, load_pins
from realwheels.report import render
from realwheels.results import Results

from cxxrt_toolchain.runtime.recipe import Kind, Role
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime, runtime_names

HERE = Path(__file__).parent
COMPONENTS = HERE / "components"
CASES = load_catalogue().cases
FAMILIES = ("components", "healthy", "historical", "present", "reported")
SURE = "ok"


def ids(case: Case) -> str:
    return case.id


def test_there_are_cases_of_every_family_and_mechanism() -> None:
    assert {case.family for case in CASES} == set(FAMILIES)
    assert {case.mechanism for case in CASES} == set(Mechanism)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_case_that_fails_says_why_and_who(case: Case) -> None:
    fails = case.expect.outcomes != (SURE,)
    if case.family in ("historical", "present") and fails:
        assert case.mechanism is not Mechanism.NONE
        assert case.culprits or case.mechanism is Mechanism.OPENMP  # no crash: separate settings
    if not fails:
        assert case.mechanism is Mechanism.NONE
        assert not case.culprits
    installed = {pin.name for pin in case.environment.pins}
    assert installed >= {*case.culprits, *case.repair}
    assert case.runs >= 1


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_no_cure_is_claimed_for_what_no_preload_can_cure(case: Case) -> None:
    cures = dict(case.cures)
    if case.mechanism is Mechanism.M4:
        assert cures[Cure.RUNTIME].outcomes != (SURE,)
        assert cures[Cure.PRELOAD].outcomes != (SURE,)
    if case.mechanism in (Mechanism.M1, Mechanism.M2, Mechanism.M3):
        assert cures[Cure.RUNTIME].outcomes == (SURE,)


def test_the_doctor_is_tried_on_at_least_twenty_healthy_environments() -> None:
    healthy = [case for case in CASES if case.family == "healthy"]
    assert len({case.environment for case in healthy}) == len(healthy) >= 20
    assert all(case.expect.outcomes == (SURE,) and not case.cures for case in healthy)


@pytest.mark.parametrize("python", ["3.6", "3.8", "3.11", "3.12"])
def test_every_pin_is_of_use(python: str) -> None:
    used = {str(pin) for case in CASES for pin in case.environment.pins if pin.python == python}
    assert set(load_pins(python)) == used


def test_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text(
        '[[case]]\npython = "3.11"\npackages = ["numpy==2.4.6"]\nexpects = "ok"\n'
    )
    with pytest.raises(ProofError, match="unknown key 'expects'"):
        load_catalogue(tmp_path)


def test_a_name_without_a_pin_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text('[[case]]\npython = "3.11"\npackages = ["numpy==0.0.1"]\n')
    with pytest.raises(ProofError, match=r"numpy==0\.0\.1 has no pin for Python 3\.11"):
        load_catalogue(tmp_path)


def test_the_committed_tables_are_those_of_the_committed_results() -> None:
    text = (HERE / "RESULTS.md").read_text(encoding="utf-8")
    for name, block in render(load_catalogue(), Results(HERE / "results.json")).items():
        assert f"<!-- {name} -->\n{block}\n<!-- end {name} -->" in text, name


def test_the_recipe_format_can_express_grpc() -> None:
    runtime = load_runtime(COMPONENTS, "grpc")
    assert any(each.startswith("cxx11-cuda-runtime") for each in runtime.requires)
    (component,) = (load_component(COMPONENTS, each) for each in runtime.components)
    assert component.built == bool(component.inputs_for("x86_64", Role.SOURCE))
    assert all(pin.kind is Kind.PYPI for pin in component.inputs)
    assert runtime_names(COMPONENTS) == ("grpc",)
