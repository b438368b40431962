from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_static_runtime_first._core", ["core.cc"])])
