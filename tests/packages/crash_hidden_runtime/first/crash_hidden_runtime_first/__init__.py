from crash_hidden_runtime_first._core import translated

__all__ = ["translated"]
