from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

setup(
    ext_modules=[CppExtension("cxxrt_sample_torch._core", ["core.cc"])],
    cmdclass={"build_ext": BuildExtension},
)
