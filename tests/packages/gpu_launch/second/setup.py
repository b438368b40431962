import os

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

LINKING = []
if toolkit := os.environ.get("CUDA_HOME"):
    # With the shared libcudart of that toolkit, which NVIDIA's wheel has, too; else as nvcc likes.
    LINKING = ["--cudart=shared", f"-L{toolkit}/lib64"]
    LINKING += ["-Xlinker", "-rpath,$ORIGIN/../nvidia/cu13/lib"]


class BuildExtension(build_ext):
    """Lets nvcc compile and link."""

    def build_extensions(self):
        self.compiler.src_extensions = [*self.compiler.src_extensions, ".cu"]
        self.compiler.set_executables(
            compiler_so=["nvcc", "-O2", "-Xcompiler=-fPIC"], linker_so=["nvcc", "-shared"]
        )
        super().build_extensions()


setup(
    ext_modules=[Extension("gpu_launch_second._core", ["core.cu"], extra_link_args=LINKING)],
    cmdclass={"build_ext": BuildExtension},
)
