from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_iostream_first._core", ["core.cc"])])
