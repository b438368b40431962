from crash_older_first_second._core import text

__all__ = ["text"]
