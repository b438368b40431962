from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension("cxxrt_sample_ptx._core", ["core.cc"], language="c++", libraries=["cudart"])
    ]
)
