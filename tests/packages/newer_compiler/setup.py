from setuptools import Extension, setup

extension = Extension(
    "flagged._core", ["src/core.cc"], language="c++", extra_compile_args=["-std=c++20"]
)
setup(ext_modules=[extension])
