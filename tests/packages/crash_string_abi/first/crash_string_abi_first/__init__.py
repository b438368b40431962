from crash_string_abi_first._core import settings

__all__ = ["settings"]
