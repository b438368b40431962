from crash_openmp_first._core import use_threads

__all__ = ["use_threads"]
