from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_string_flag_second._core", ["core.cc"])])
