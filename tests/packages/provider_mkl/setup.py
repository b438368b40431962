from setuptools import Extension, setup

setup(ext_modules=[Extension("cxxrt_sample_mkl._core", ["core.c"], libraries=["mkl_rt"])])
