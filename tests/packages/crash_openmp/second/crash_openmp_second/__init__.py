from crash_openmp_second._core import threads

__all__ = ["threads"]
