from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "crash_openmp_first._core",
            ["core.cc"],
            extra_compile_args=["-fopenmp"],
            extra_link_args=["-fopenmp"],
        )
    ]
)
