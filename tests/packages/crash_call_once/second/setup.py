from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_call_once_second._core", ["core.cc"])])
