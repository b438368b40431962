"""One shared C++ and CUDA runtime per Python process: the tools that build and use it.

The numbered flows are in CONTRIBUTING.md; ``cxxrt --help`` lists the commands.
"""

import os
import sys

__version__ = "0.1.0"

_OF_PROGRAMS = {"CXXRT_CUDART", "CXXRT_CXX", "CXXRT_DEBUG", "CXXRT_DISABLE"}
"""Variables of the loader: facts about the environment that the doctor examines."""

if sys.flags.ignore_environment:  # python -I and -E: no variable steers the toolchain, either
    for _name in [each for each in os.environ if each.startswith("CXXRT_")]:
        if _name not in _OF_PROGRAMS:
            del os.environ[_name]
