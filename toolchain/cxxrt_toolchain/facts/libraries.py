"""A mapped or installed ELF file -> the `Library` that a diagnosis shows.

In: a path, what its file says, and who owns it. Out: frozen values. Looks at folders (is this
conda's?), reads no file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.report.diagnosis import Library, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxxrt_toolchain.collect.environment.installed import Distribution, Environment
    from cxxrt_toolchain.facts.objects import ObjectFacts

RUNTIME_DISTRIBUTION = "cxx11-cuda-runtime"
_SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/lib32/", "/usr/libexec/")
_NODES = {
    RuntimeFamily.LIBSTDCXX: "GLIBCXX_",
    RuntimeFamily.LIBGCC: "GCC_",
    RuntimeFamily.LIBGOMP: "GOMP_",
    RuntimeFamily.LIBATOMIC: "LIBATOMIC_",
    RuntimeFamily.LIBQUADMATH: "QUADMATH_",
}


@dataclass(frozen=True, kw_only=True)
class Places:
    """Who owns what; without slots, because it keeps what it found out."""

    environment: Environment

    @cached_property
    def conda(self) -> str:
        """The conda environment that the interpreter is of, with a slash; empty without one."""
        for prefix in (self.environment.interpreter.prefix, self._base):
            if prefix and os.path.isdir(os.path.join(prefix, "conda-meta")):  # noqa: PTH112, PTH118 - per file
                return prefix.rstrip("/") + "/"
        return ""

    @property
    def _base(self) -> str:
        return self.environment.interpreter.base_prefix

    def origin(self, path: str, owner: Distribution | None) -> Origin:
        """Where a file comes from."""
        if owner is not None:
            return Origin.RUNTIME if owner.key == RUNTIME_DISTRIBUTION else Origin.WHEEL
        if "/cxx11_cuda_runtime/lib/" in path:
            return Origin.RUNTIME
        interpreter = self.environment.interpreter
        name = path.removeprefix(interpreter.root)
        if interpreter.program in {path, name} or self._of_python(path):
            return Origin.INTERPRETER
        if self.conda and path.startswith(self.conda):
            return Origin.CONDA
        if name.startswith(_SYSTEM):
            return Origin.SYSTEM
        return Origin.WHEEL if _in_site(path) else Origin.OTHER

    def _of_python(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        if name.startswith("libpython"):
            return True
        return "/lib-dynload/" in path and "site-packages" not in path

    def library(
        self,
        path: str,
        report: ObjectFacts | None,
        *,
        order: int | None = None,
        deleted: bool = False,
    ) -> Library:
        """Describe one file.

        Args:
            path: As the process or the environment names it.
            report: What the file says; None where it cannot be read.
            order: Its place in the load order.
            deleted: Whether it is gone from the disk.
        """
        owner = self.environment.owner(path)
        name = path.rpartition("/")[2]
        family = report.copy_of if report else family_of_name(name)
        return Library(
            path=path,
            soname=report.name if report else name,
            origin=self.origin(path, owner),
            package=owner.name if owner else None,
            family=family,
            static=report.static if report else (),
            version=newest_node(family, report.facts.version_definitions) if report else "",
            order=order,
            deleted=deleted,
        )


def newest_node(family: RuntimeFamily | None, definitions: Iterable[str]) -> str:
    """The newest symbol version that a copy of a runtime defines."""
    prefix = _NODES.get(family) if family else None
    if prefix is None:
        return ""
    found = [name for name in definitions if name[len(prefix) :].replace(".", "").isdigit()]
    return max((name for name in found if name.startswith(prefix)), key=_numbers, default="")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.rpartition("_")[2].split("."))


def _in_site(path: str) -> bool:
    return "/site-packages/" in path or "/dist-packages/" in path
