from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_iostream_second._core", ["core.cc"])])
