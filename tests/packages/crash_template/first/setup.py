from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_template_first._core", ["core.cc"])])
