"""Constants of the vendored libraries; the assembler generates this file from the manifest.

In a source checkout nothing is built: ``GLIBCXX`` is 0, and importing the package loads nothing.
This file is on the hot path, so it imports nothing (``from __future__`` reads a file, too).
"""

VERSION = "0"
"""Version of the runtime wheel, ``EPOCH.GCC.REVISION``."""
EPOCH = 1
ARCH = ""
"""As the platform tags spell it, for example ``x86_64``."""
GLIBC_FLOOR = "2.17"
GLIBCXX = 0
"""Last number of the newest ``GLIBCXX_3.4.N`` that the vendored libstdc++ defines; 0: not built."""
MARKERS: tuple[tuple[int, str], ...] = ()
"""Newest first: (N, a function whose version node is ``GLIBCXX_3.4.N``)."""
CUDART: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {}
"""CUDA major: (vendored release, newest first: (release, a symbol first seen in that release))."""
WHOLE: dict[str, tuple[int, str, tuple[tuple[int, bytes], ...]]] = {}
"""Name of each vendored library: (size, SHA-256, samples: a place and its content)."""
LIBRARIES: tuple[str, ...] = ()
"""SONAMEs of the vendored libraries in load order."""
