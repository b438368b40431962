"""Every message of the loader and its doctor carries a rule, and the catalogue explains each."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import cxx11_cuda_runtime
from cxx11_cuda_runtime import _errors
from cxxrt_toolchain.repair import forwarder
from cxxrt_toolchain.report.catalogue import load_catalogue

_RULE = re.compile(r"CXXRT-L\d{3}\b")
_SOURCES = sorted(Path(cxx11_cuda_runtime.__file__).parent.rglob("*.py"))
_CATALOGUE = {rule for rule in load_catalogue() if rule.startswith("CXXRT-L")}
_OF_THE_TOOLCHAIN = {"CXXRT-L102", "CXXRT-L105"}
"""Rules about a process that only ``cxxrt doctor`` judges."""
_SILENT = {
    "AttributeError": "a name that the module does not have: Python's own protocol",
    "AmbiguousError": "never leaves the package",
    "OSError": "what dlopen says; never leaves the package",
    "ValueError": "an argument of require() that is spelt wrong: a mistake in the calling code",
}
"""Raised without a rule, and why."""


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(node: ast.expr | None) -> str:
    """``Finding`` of ``Finding(…)``, ``warn`` of ``warnings.warn(…)``, the name that is raised."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_the_loader_names_the_catalogues_rules_that_need_no_symbols() -> None:
    named = {rule for path in _SOURCES for rule in _RULE.findall(path.read_text(encoding="utf-8"))}
    wiring = set(_RULE.findall(Path(forwarder.__file__).read_text(encoding="utf-8")))
    assert named | wiring == _CATALOGUE - _OF_THE_TOOLCHAIN


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.stem)
def test_whatever_is_raised_has_a_rule(path: Path) -> None:
    ruled = {
        each.__name__
        for each in (*vars(_errors).values(), _errors.HookError)
        if isinstance(each, type) and _RULE.fullmatch(getattr(each, "rule", ""))
    }
    tree = ast.parse(path.read_text(encoding="utf-8"))
    raised = {
        _name(node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc
    }
    made_by_a_function = {
        *("explained", "too_old", "_cudart_too_old", "_not_found"),
        *("not_found", "mismatch", "refused"),
    }
    assert raised <= ruled | set(_SILENT) | made_by_a_function


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.stem)
def test_whatever_is_found_or_warned_of_has_a_rule(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for call in _calls(ast.parse(text)):
        if _name(call) == "Finding":
            assert _RULE.fullmatch(ast.literal_eval(call.args[0]))
        elif _name(call) == "warn":
            assert "[{_PASSED_OVER}]" in ast.unparse(call.args[0])


def test_an_error_ends_with_its_rule() -> None:
    errors: list[_errors.RuntimeLoadError | _errors.HookError] = [
        each("It broke.")
        for each in vars(_errors).values()
        if isinstance(each, type) and issubclass(each, _errors.RuntimeLoadError)
    ]
    errors.append(_errors.HookError("It broke."))
    for error in errors:
        assert _RULE.findall(str(error)) == [error.rule]
        assert str(error).endswith(f" [{error.rule}]")
        assert error.rule in _CATALOGUE
