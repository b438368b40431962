"""What only ``diagnose()`` and ``python -m cxx11_cuda_runtime doctor`` import."""
