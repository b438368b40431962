from setuptools import Extension, setup

extension = Extension("cxxrt_sample_abi3", ["module.cc"], language="c++", py_limited_api=True)
setup(ext_modules=[extension], py_modules=[])
