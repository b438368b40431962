from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_call_once_first._core", ["core.cc"])])
