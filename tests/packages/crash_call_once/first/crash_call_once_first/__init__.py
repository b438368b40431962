from crash_call_once_first._core import answer

__all__ = ["answer"]
