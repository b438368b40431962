from crash_exception_second._core import translator

__all__ = ["translator"]
