"""The complete catalogue: importing this module imports every module that declares rules."""

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.imports.run import ImportScene
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.rules import scenes
from cxxrt_toolchain.rules.imports import crashes
from cxxrt_toolchain.rules.rule import CATALOGUE, judge, rule
from cxxrt_toolchain.rules.wheel import verdict
from cxxrt_toolchain.rules.wheel.claim import Claim

__all__ = ["CATALOGUE", "DECLARING", "SCENES", "judge"]

DECLARING = (*scenes.DECLARING, crashes, *verdict.DECLARING)
"""The modules that declare rules, besides this one."""
SCENES: dict[type, str] = {
    Claim: "wheel",
    EnvironmentFacts: "environment",
    ProcessView: "process",
    ImportScene: "imports",
}
"""What rules look at, and how people call it."""
_OF_THE_LOADER = {
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
    "CXXRT-L011": "A library of another distribution is not there",
    "CXXRT-L012": "A library of another distribution lacks a function",
    "CXXRT-L107": "The loader does nothing here",
    "CXXRT-L108": "A file of the runtime wheel is damaged",
}
"""Rules that only the runtime's own loader reports, in its errors, its warning and its doctor. It
is another distribution and shares no code with this one."""


for _name, _title in _OF_THE_LOADER.items():
    rule(_name, _title, on=())(lambda _scene: ())
