from Cython.Build import cythonize
from setuptools import Extension, setup

extension = Extension("cxxrt_sample_cython.core", ["cxxrt_sample_cython/core.pyx"], language="c++")
setup(ext_modules=cythonize([extension]))
