from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_string_abi_second._core", ["core.cc"])])
