from crash_cudart_static_first._core import push

__all__ = ["push"]
