"""Typical causes of a crash, by its place and by the last output of the process.

The functions are those of the crashes in ``tests/proof/RESULTS.md``; the messages are libstdc++'s
(libsupc++), glibc's (malloc/malloc.c) and those of LLVM's and Intel's OpenMP runtimes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.process import ProcessView, names_of

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.imports.run import CrashSite

TWO_OPENMP = "OMP: Error #15"
_TEXTS = (
    (
        re.compile(re.escape(TWO_OPENMP)),
        "two OpenMP runtimes of Intel's or LLVM's kind (CXXRT-L105)",
    ),
    (
        re.compile(r"compiled using NumPy 1\.x cannot be run in\s+NumPy [\d.]+"),
        "install a release of that package for NumPy 2, or numpy<2",
    ),
    (re.compile(r"free\(\): invalid pointer|munmap_chunk|double free"), "a damaged heap"),
    (
        re.compile(r"terminate called without an active exception"),
        "two exception runtimes (CXXRT-D20), or a thread that was not joined",
    ),
    (
        re.compile(r"pure virtual method called"),
        "an object with another layout (CXXRT-D22), or a destroyed one",
    ),
    (re.compile(r"std::bad_cast"), "a locale facet under another facet's number (CXXRT-D20)"),
    (re.compile(r"terminate called after throwing an instance of '([^']+)'"), "a C++ exception"),
)
# Parts of mangled names, which hold the length of each identifier: 7codecvt.
_FUNCTIONS = (
    (
        re.compile(
            r"St(?:7__cxx11)?(?:7codecvt|7num_put|7num_get|5ctype|7collate|8numpunct|6locale)"
        ),
        "a call through another libstdc++'s locale facet crashes there (CXXRT-D20)",
    ),
    (
        re.compile(r"_Sp_counted_base.*(?:10_M_release|10_M_destroy|10_M_dispose)"),
        "a shared_ptr of a class that another package defines, too, is released there (CXXRT-D22)",
    ),
    (
        re.compile(r"__cxa_(?:rethrow|end_catch|begin_catch|get_globals)|_Unwind_"),
        "an exception of another exception runtime is handled there (CXXRT-D20)",
    ),
    (
        re.compile(r"^_ZNSs4_Rep"),
        "an old std::string of a hidden libstdc++ is released there (CXXRT-H5)",
    ),
)
_PROTOBUF = "N6google8protobuf"
_ONCE = ("libc.so.6", "libpthread.so.0")
"""The libraries of pthread_once, to which std::call_once passes a function of libstdc++."""


def signs(site: CrashSite | None, noise: str, view: ProcessView) -> Iterator[str]:
    """The evidence in the place of a crash and in the last output of the process."""
    if site is not None:
        yield from _of_site(site, view)
    for pattern, what in _TEXTS:
        if match := pattern.search(noise):
            yield f"it printed {match[0]!r}: {what}"


def _of_site(site: CrashSite, view: ProcessView) -> Iterator[str]:
    for pattern, what in _FUNCTIONS:
        if pattern.search(site.function):
            yield what
    if not site.path and any(path.endswith(_ONCE) for path in site.callers[:2]):
        yield "std::call_once jumps there when its symbols are captured (CXXRT-D21)"
    packages = names_of(view, (site.path, *site.callers))
    if _PROTOBUF in site.function and len(packages) > 1:
        who = " and ".join(view.versions.get(name, name) for name in packages)
        yield f"protobuf crashes there, with code of {who} on the stack (CXXRT-D22)"
