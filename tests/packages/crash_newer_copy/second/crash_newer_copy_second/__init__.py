from crash_newer_copy_second._core import text

__all__ = ["text"]
