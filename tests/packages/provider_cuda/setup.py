from setuptools import Extension, setup

LIBRARIES = ["cublas", "nvrtc", "nvJitLink"]
setup(ext_modules=[Extension("cxxrt_sample_cuda._core", ["core.c"], libraries=LIBRARIES)])
