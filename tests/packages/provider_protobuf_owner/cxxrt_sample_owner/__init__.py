from cxxrt_sample_owner._core import selftest

__all__ = ["selftest"]
