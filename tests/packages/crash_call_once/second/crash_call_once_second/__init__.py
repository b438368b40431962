from crash_call_once_second._core import answer

__all__ = ["answer"]
