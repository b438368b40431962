"""Small installed packages with native modules that do to each other what real wheels do.

``Workshop.make(name, ...)`` compiles a package with an extension ``name.core`` into one site
folder, with a RECORD, so that the doctor can say whose a file is.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixture_cache import compiled

from cxxrt_toolchain.elf.patcher import find_patchelf

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULE = """
#include <Python.h>
{body}
static PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "core", 0, -1, 0, 0, 0, 0, 0}};
extern "C" __attribute__((visibility("default"))) PyObject* PyInit_core() {{
  const char* wrong = check();
  if (wrong) {{ PyErr_SetString(PyExc_ImportError, wrong); return nullptr; }}
  return PyModule_Create(&definition);
}}
"""


class Workshop:
    """Makes packages in one site folder."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.site.mkdir()
        self.scrap = folder / "scrap"
        self.scrap.mkdir()

    def make(
        self,
        name: str,
        body: str = "static const char* check() { return nullptr; }",
        *options: str,
        start: str = "from . import core\n",
        linker: str = "g++",
        libraries: Sequence[Path] = (),
        tag: str = "cp312-cp312-manylinux_2_28_x86_64",
    ) -> Path:
        """Compile ``name/core.so``; what it needs from ``libraries`` lies in ``name.libs``."""
        package = self.site / name
        package.mkdir()
        (package / "__init__.py").write_text(start)
        source = self.scrap / f"{name}.cc"
        source.write_text(MODULE.format(body=body))
        include = sysconfig.get_paths()["include"]
        command = ["g++", "-std=c++17", "-O1", "-fPIC", "-pthread", f"-I{include}", "-c"]
        unlinked = compiled(self.scrap / f"{name}.o", [*command, "-o", "@", str(source)])
        bundled = [self.bundle(name, library) for library in libraries]
        rpath = f"-Wl,-rpath,$ORIGIN/../{name}.libs"
        link = [linker, "-shared", "-pthread", "-o", "@", str(unlinked)]
        link += [*map(str, bundled), rpath, *options]
        module = compiled(package / "core.so", link)
        self.record(name, [f"{name}/__init__.py", f"{name}/core.so",
                           *(f"{name}.libs/{path.name}" for path in bundled)], tag)  # fmt: skip
        return module

    def bundle(self, name: str, library: Path) -> Path:
        """Copy a library into the package's own folder."""
        folder = self.site / f"{name}.libs"
        folder.mkdir(exist_ok=True)
        return Path(shutil.copy(library, folder / library.name))

    def record(self, name: str, files: Sequence[str], tag: str) -> None:
        """Say what the package has installed."""
        info = self.site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))

    def pure(self, name: str, text: str) -> None:
        """A module without native code."""
        (self.site / f"{name}.py").write_text(text)

    def renamed(self, library: Path, soname: str) -> Path:
        """A copy with another SONAME, as repair tools make it."""
        copy = Path(shutil.copy(library, self.scrap / soname))
        call(patchelf(), "--set-soname", soname, str(copy))
        return copy

    def needs(self, module: Path, before: str, after: str) -> None:
        """Let a module ask for a library by another name."""
        call(patchelf(), "--replace-needed", before, after, str(module))


def patchelf() -> str:
    return str(find_patchelf())


def call(*command: str) -> str:
    """Run, or show why not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def of_compiler(name: str) -> Path:
    """A file of the host's g++."""
    found = Path(call("g++", f"-print-file-name={name}").strip()).resolve()
    if not found.is_file():
        pytest.skip(f"needs the compiler's {name}")
    return found
