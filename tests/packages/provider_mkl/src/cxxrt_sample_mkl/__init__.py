from cxxrt_sample_mkl._core import release, selftest, set_threads, threads

__all__ = ["release", "selftest", "set_threads", "threads"]
