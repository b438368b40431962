from crash_cudart_static_second._core import launch

__all__ = ["launch"]
