from crash_cudart_first._core import push

__all__ = ["push"]
