import os

from setuptools import Extension, setup

toolkit = os.environ.get("CUDA_HOME", "/usr/local/cuda")
setup(
    ext_modules=[
        Extension(
            "crash_cudart_second._core",
            ["core.cc"],
            libraries=["cudart"],
            library_dirs=[f"{toolkit}/lib64"],
            runtime_library_dirs=["$ORIGIN/../nvidia/cu13/lib"],
        )
    ]
)
