from crash_string_flag_second._core import threads

__all__ = ["threads"]
