from crash_template_second._core import total

__all__ = ["total"]
