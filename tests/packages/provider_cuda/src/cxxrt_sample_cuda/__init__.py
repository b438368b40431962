from cxxrt_sample_cuda._core import selftest

__all__ = ["selftest"]
