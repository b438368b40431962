"""Projects of every build backend, each with one C++ extension module, to be installed editable.

`LAYOUTS` says how each lies; `write` puts one into a folder. Every package has a module ``core``;
the layout without a package is a module itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CORE = """\
#include <Python.h>
#include <iostream>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "@module@", 0, -1, 0, 0, 0, 0, 0};
extern "C" __attribute__((visibility("default"))) PyObject* PyInit_@module@() {
  std::cout << std::flush;
  return PyModule_Create(&definition);
}
"""
_PROJECT = """\
[build-system]
requires = []
build-backend = "@backend@"
[project]
name = "@name@"
version = "1.0"
description = "An editable sample"
dependencies = ["cxx11-cuda-runtime>=1,<2"]
@table@
"""
_SETUP = """\
from setuptools import Extension, setup
setup(ext_modules=[Extension("@full@", ["core.cc"], language="c++")])
"""
_DEVELOP = """\
from setuptools import Extension, setup
setup(name="@name@", version="1.0", package_dir={"": "src"}, packages=["@package@"],
      ext_modules=[Extension("@full@", ["core.cc"], language="c++")])
"""
_CMAKE = """\
cmake_minimum_required(VERSION 3.18...3.31)
project(sample LANGUAGES CXX)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
Python_add_library(core MODULE WITH_SOABI core.cc)
install(TARGETS core LIBRARY DESTINATION @package@)
"""
_IN_PLACE = """\
set_target_properties(core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/src/@package@)
"""
_MESON = """\
project('@name@', 'cpp', version: '1.0')
py = import('python').find_installation(pure: false)
text = shared_library('@package@_text', 'text.cc', install: true,
                      install_dir: py.get_install_dir() / '@package@')
py.extension_module('core', 'core.cc', link_with: text, install: true, subdir: '@package@',
                    install_rpath: '$ORIGIN')
py.install_sources('src/@package@/__init__.py', subdir: '@package@')
"""
_TEXT = "#include <string>\nstd::string text(int n) { return std::to_string(n); }\n"
_SRC = '[tool.setuptools]\npackage-dir = { "" = "src" }\npackages = ["@package@"]'
_FLAT = '[tool.setuptools]\npackages = ["@package@"]'
_HATCH = '[tool.hatch.build.targets.wheel]\npackages = ["src/@package@"]'
_POETRY = '[tool.poetry]\npackages = [{ include = "@package@", from = "src" }]'


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a project lies and is installed; in its texts, ``@word@`` is filled in by `write`."""

    backend: str = "setuptools.build_meta"
    """Empty: a project without pyproject.toml."""
    table: str = ""
    """More of its pyproject.toml."""
    package: str = "src/@package@"
    """Where the package lies; empty: one module without a package."""
    files: dict[str, str] = field(default_factory=dict)
    """What it builds with; without any, the module is compiled into the source tree before."""
    settings: tuple[str, ...] = ()
    """Config settings of the editable build."""


_setuptools = {"setup.py": _SETUP}
LAYOUTS = {
    "flat": Layout(table=_FLAT, package="@package@", files=_setuptools),
    "src": Layout(table=_SRC, files=_setuptools),
    "strict": Layout(table=_SRC, files=_setuptools, settings=("editable_mode=strict",)),
    "compat": Layout(
        table=_FLAT, package="@package@", files=_setuptools, settings=("editable_mode=compat",)
    ),
    "module": Layout(table="[tool.setuptools]\npy-modules = []", package="", files=_setuptools),
    "scikit-redirect": Layout(backend="scikit_build_core.build", files={"CMakeLists.txt": _CMAKE}),
    "scikit-inplace": Layout(
        backend="scikit_build_core.build",
        table='[tool.scikit-build]\neditable.mode = "inplace"',
        files={"CMakeLists.txt": _CMAKE + _IN_PLACE},
    ),
    "meson": Layout(backend="mesonpy", files={"meson.build": _MESON, "text.cc": _TEXT}),
    "hatchling": Layout(backend="hatchling.build", table=_HATCH),
    "hatchling-exact": Layout(
        backend="hatchling.build", table=f"[tool.hatch.build]\ndev-mode-exact = true\n{_HATCH}"
    ),
    "flit": Layout(backend="flit_core.buildapi"),
    "poetry": Layout(backend="poetry.core.masonry.api", table=_POETRY),
    "pdm": Layout(backend="pdm.backend"),
    "pdm-editables": Layout(
        backend="pdm.backend", table='[tool.pdm.build]\neditable-backend = "editables"'
    ),
    "uv": Layout(backend="uv_build"),
}
DEVELOP = Layout(backend="", files={"setup.py": _DEVELOP})
"""For ``setup.py develop`` of setuptools before 80."""
BACKENDS = (
    *("setuptools>=77", "scikit-build-core>=0.11", "meson-python>=0.17", "meson", "ninja"),
    *("hatchling", "editables", "flit_core", "poetry-core", "pdm-backend", "uv_build"),
)
"""What builds without isolation need, with CMake and a compiler."""


def write(folder: Path, name: str, layout: Layout) -> str:
    """Write a project.

    Args:
        folder: Where; it must not exist.
        name: The distribution's.
        layout: How.

    Returns:
        What to import.
    """
    package = name.replace("-", "_")
    module = "core" if layout.package else package
    words = {
        "name": name,
        "package": package,
        "module": module,
        "full": f"{package}.core" if layout.package else package,
        "backend": layout.backend,
        "table": layout.table,
    }
    texts = {"core.cc": _CORE, **layout.files}
    if layout.backend:
        texts["pyproject.toml"] = _PROJECT
    if layout.package:
        texts[f"{layout.package}/__init__.py"] = "from . import core\n"
    for place, text in texts.items():
        path = folder / _filled(place, words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(text, words))
    return package


def _filled(text: str, words: dict[str, str]) -> str:
    for _ in range(2):  # the table has words itself
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
    return text
