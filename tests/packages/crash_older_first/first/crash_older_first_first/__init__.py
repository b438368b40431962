from crash_older_first_first._core import text

__all__ = ["text"]
