from setuptools import Extension, setup

setup(ext_modules=[Extension("crash_template_second._core", ["core.cc"])])
