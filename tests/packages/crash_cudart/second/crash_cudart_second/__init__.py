from crash_cudart_second._core import launch

__all__ = ["launch"]
