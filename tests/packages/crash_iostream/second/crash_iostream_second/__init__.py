from crash_iostream_second._core import text

__all__ = ["text"]
