from crash_newer_copy_first._core import text

__all__ = ["text"]
