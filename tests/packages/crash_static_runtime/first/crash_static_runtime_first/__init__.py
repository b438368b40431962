from crash_static_runtime_first._core import text

__all__ = ["text"]
