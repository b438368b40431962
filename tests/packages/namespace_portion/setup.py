from setuptools import Extension, setup

# One module in a regular package below the namespace, one directly in the namespace.
setup(
    ext_modules=[
        Extension("cxxrt_samples.portion.core", ["core.cc"], language="c++"),
        Extension("cxxrt_samples.lone", ["lone.cc"], language="c++"),
    ]
)
