from crash_string_abi_second._core import threads

__all__ = ["threads"]
