"""Docstring."""; from cxxrt_samples.portion.core import selftest  # noqa: E702
