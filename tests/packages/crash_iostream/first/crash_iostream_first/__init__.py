from crash_iostream_first._core import text

__all__ = ["text"]
