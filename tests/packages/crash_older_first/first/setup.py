from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_older_first_first._core", ["core.cc"])])
