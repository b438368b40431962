"""What a mapped file says, and whose it is -> its row for `file_table`.

In: `ObjectFacts` and the installed distributions. Out: `FileFacts`. Reads nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxxrt_toolchain.collect.process.file_table import FileFacts, Kind
from cxxrt_toolchain.collect.process.process_interactions import traits_text
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.libraries import Places
    from cxxrt_toolchain.facts.objects import ObjectFacts

_CXX = frozenset({RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBCXX})
_GLIBC = re.compile(r"GLIBC_(2\.\d+)(?:\.\d+)?")


def describe(here: Places, place: str, report: ObjectFacts | None, root: str) -> FileFacts | None:
    """The row of a file; None where it is no ELF file that can be read.

    Args:
        here: Whose files are whose.
        place: Where the file lies.
        report: What it says.
        root: What stands before a path of the process, here.
    """
    if report is None:
        return None
    library = here.library(place, report)
    owner = here.environment.owner(place)
    needed = report.facts.needed
    families = {report.copy_of, *(family_of_name(name) for name in needed)}
    kind = Kind(
        origin=library.origin,
        package=library.package,
        package_version=owner.version if owner else "",
        location=owner.location.removeprefix(root) if owner else "",
        family=library.family,
        static=library.static,
        version=library.version,
        needed=tuple(needed),
        is_cxx=bool(families & _CXX or report.locale_ids),
        glibc=_glibc(place, report),
        traits=traits_text(report.traits),
    )
    return FileFacts(library.soname, kind)


def _glibc(place: str, report: ObjectFacts) -> str:
    """The newest numbered version that a C library defines."""
    if not place.rpartition("/")[2].startswith(("libc.so", "libc-2")):
        return ""
    matches = map(_GLIBC.fullmatch, report.facts.version_definitions)
    return max((match[1] for match in matches if match), key=lambda text: int(text[2:]), default="")
