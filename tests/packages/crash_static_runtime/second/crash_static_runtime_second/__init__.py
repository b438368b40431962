from crash_static_runtime_second._core import text

__all__ = ["text"]
