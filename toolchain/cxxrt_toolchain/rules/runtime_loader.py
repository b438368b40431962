"""Rules that only the runtime's own loader reports: in its errors, its warning and its doctor.

The loader is another distribution and shares no code with this one; its rules are declared here so
that the catalogue is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.rules.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxxrt_toolchain.rules.rule import Finding

_TITLES = {
    "CXXRT-L000": "The runtime cannot be used",
    "CXXRT-L001": "The dynamic linker refuses a library of the runtime",
    "CXXRT-L002": "libstdc++ of the process is too old",
    "CXXRT-L003": "libcudart of the process is too old",
    "CXXRT-L004": "No libcudart of the needed major",
    "CXXRT-L005": "Nothing can be loaded in this subinterpreter",
    "CXXRT-L006": "No libgomp was found",
    "CXXRT-L007": "The package carries no libraries",
    "CXXRT-L008": "The runtime is not installed",
    "CXXRT-L009": "An installed libcudart is passed over",
    "CXXRT-L010": "The start-up hook cannot be changed",
    "CXXRT-L107": "The loader does nothing here",
    "CXXRT-L108": "A file of the runtime wheel is damaged",
}


def _no_findings(_scene: object) -> Iterable[Finding]:
    return ()


for _name, _title in _TITLES.items():
    rule(_name, _title, on=())(_no_findings)
