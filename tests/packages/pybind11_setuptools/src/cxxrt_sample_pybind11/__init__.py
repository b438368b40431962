"""A package whose first own line already imports its extension module."""

from __future__ import annotations

from cxxrt_sample_pybind11._core import fail, selftest

__all__ = ["fail", "selftest"]
