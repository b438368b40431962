"""One extension module for each part of the library; $MODULES names those that a compiler has."""

import os

from setuptools import Extension, setup

COMPILE = {"omp": ["-fopenmp"]}
LINK = {"stack": ["-lstdc++exp"], **COMPILE}
modules = [
    Extension(
        f"modern.{name}",
        [f"src/{name}.cc"],
        language="c++",
        extra_compile_args=[os.environ["STANDARD"], "-O0", "-g0", *COMPILE.get(name, [])],
        extra_link_args=LINK.get(name, []),
    )
    for name in os.environ["MODULES"].split()
]
setup(ext_modules=modules)
