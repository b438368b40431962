from crash_hidden_runtime_second._core import translator

__all__ = ["translator"]
