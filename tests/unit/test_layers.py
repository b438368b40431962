"""What import-linter cannot see: no module of facts or rules opens a file."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import cxxrt_toolchain
from cxxrt_toolchain.strict import Value

PACKAGE = Path(cxxrt_toolchain.__path__[0])
OPENERS = {"open", "read_bytes", "read_text", "write_bytes", "write_text", "fdopen", "mmap"}
READERS = {"fileinput", "importlib.resources", "io", "linecache", "mmap", "pkgutil", "shutil"}


def openings(source: str) -> list[str]:
    """The calls and imports of a module by which it may open a file."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            found += [f"line {node.lineno}: {name}()"] if name in OPENERS else []
        elif isinstance(node, ast.Import):
            found += [each.name for each in node.names if each.name in READERS]
        elif isinstance(node, ast.ImportFrom) and node.module in READERS:
            found.append(node.module)
    return found


@pytest.mark.parametrize("stage", ["facts", "rules"])
def test_what_reasons_opens_no_file(stage: str) -> None:
    modules = sorted((PACKAGE / stage).rglob("*.py"))
    found = {str(each): openings(each.read_text(encoding="utf-8")) for each in modules}
    assert modules
    assert {path: rows for path, rows in found.items() if rows} == {}


@pytest.mark.parametrize(
    "source",
    ["open('x')", "Path('x').read_text()", "import mmap", "from importlib.resources import files"],
)
def test_an_opening_is_seen(source: str) -> None:
    assert len(openings(source)) == 1


def test_every_folder_of_modules_is_installed() -> None:
    """The packages are listed by name, so that a new folder has to be added."""
    project = PACKAGE.parents[1] / "pyproject.toml"
    if not project.is_file():
        pytest.skip("the tests are not those of a checkout")
    listed = Value.load_toml(project)["tool"]["setuptools"]["packages"].texts()
    folders = {each.parent.relative_to(PACKAGE.parent) for each in PACKAGE.rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} <= set(listed)


def test_only_what_a_build_needs_is_imported_without_being_an_extra() -> None:
    """Every isolated build of a downstream project installs the dependencies."""
    ours = {"cxx11_cuda_runtime", "cxxrt_abi_tag_spec", "cxxrt_toolchain"}
    ours |= {"demo_host", "demo_modern"}
    extras = {"auditwheel", "duckdb", "pyarrow", "urllib3"}
    given = {"setuptools", "pip", "typing_extensions"}  # by the build, the caller, mypy
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    left = found - sys.stdlib_module_names - ours - extras - given
    assert left == {"packaging", "pyproject_hooks", "tomli"}
