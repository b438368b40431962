from crash_exception_first._core import translated

__all__ = ["translated"]
