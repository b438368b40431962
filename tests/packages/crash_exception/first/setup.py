from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_exception_first._core", ["core.cc"])])
