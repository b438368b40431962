"""The registries of types that loaded objects of several packages share, from their files.

pybind11 keeps all types, instances and exception translators of a process in one C++ structure, in
the interpreter's dictionary, under a name that is meant to tell incompatible builds apart
(``__pybind11_internals_v4_gcc_libstdcpp_cxxabi1011__``). In old releases it does not tell string
ABIs, or compilers with one ``__GXX_ABI_VERSION``. nanobind does the same; its name for it is made
of its ABI tag at run time.

Source: pybind11's detail/internals.h, nanobind's src/nb_abi.h and nb_internals.cpp.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.elf.sections import read_comment, read_constants
from cxxrt_toolchain.facts.imports.run import Registry
from cxxrt_toolchain.plain_files import open_plain

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.process import ProcessView

_PYBIND11 = re.compile(rb"__pybind11_internals_v\w+")
_NANOBIND, _TAG = b"__nb_internals_", re.compile(rb"(?<!\w)v\d+_\w*(?:libstdcpp|libcpp)\w*")


def shared_registries(view: ProcessView) -> tuple[Registry, ...]:
    """The registries that objects of more than one distribution use."""
    users: dict[str, list[tuple[str, str]]] = {}
    for each in view.libraries:
        if each.package and each.family is None:
            names, compiler = _read(each.path)
            for name in names:
                users.setdefault(name, []).append((each.path, compiler))
    return tuple(
        Registry(name, tuple(rows))
        for name, rows in users.items()
        if len({view.package_of(path) for path, _ in rows}) > 1
    )


def _read(path: str) -> tuple[set[str], str]:
    """The registries of an object, and the newest compiler that it names."""
    found: set[bytes] = set()
    try:
        with open_plain(path) as stream:
            image = ElfImage(stream, path)
            for block in read_constants(image):
                found.update(_PYBIND11.findall(block))
                if _NANOBIND in block:
                    found.update(_NANOBIND + tag for tag in _TAG.findall(block))
            compilers = read_comment(image) if found else ()
    except (OSError, ElfError):
        return set(), ""
    return {each.decode() for each in found}, max(compilers, default="")
