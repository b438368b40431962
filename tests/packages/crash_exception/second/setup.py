from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_exception_second._core", ["core.cc"])])
