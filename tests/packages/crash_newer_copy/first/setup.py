from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_newer_copy_first._core", ["core.cc"])])
