from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_string_abi_first._core", ["core.cc"])])
