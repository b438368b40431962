from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "crash_string_flag_first._core",
            ["core.cc"],
            define_macros=[("_GLIBCXX_USE_CXX11_ABI", "0")],
        )
    ]
)
