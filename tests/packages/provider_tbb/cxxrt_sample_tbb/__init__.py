from cxxrt_sample_tbb._core import selftest, set_threads, threads

__all__ = ["selftest", "set_threads", "threads"]
