from crash_string_flag_first._core import settings

__all__ = ["settings"]
