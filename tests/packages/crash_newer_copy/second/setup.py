from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_newer_copy_second._core", ["core.cc"])])
