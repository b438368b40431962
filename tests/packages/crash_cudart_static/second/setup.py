from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class BuildExtension(build_ext):
    """Lets nvcc link, as modules with kernels need it."""

    def build_extensions(self):
        self.compiler.set_executables(linker_so=["nvcc", "-shared"])
        super().build_extensions()


setup(
    # For language "c++", distutils would put the C++ compiler in nvcc's place.
    ext_modules=[Extension("crash_cudart_static_second._core", ["core.cc"], language="c")],
    cmdclass={"build_ext": BuildExtension},
)
