from pybind11.setup_helpers import Pybind11Extension
from setuptools import setup

setup(ext_modules=[Pybind11Extension("cxxrt_sample_pybind11._core", ["src/core.cc"], cxx_std=17)])
