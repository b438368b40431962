from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_older_first_second._core", ["core.cc"])])
