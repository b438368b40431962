"""One shared C++ and CUDA runtime per Python process: the tools that build and use it.

The numbered flows are in CONTRIBUTING.md; ``cxxrt --help`` lists the commands.
"""

__version__ = "0.1.0"
