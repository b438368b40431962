from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "crash_hidden_runtime_second._core",
            ["core.cc"],
            extra_link_args=["-static-libstdc++", "-Wl,--exclude-libs,ALL"],
        )
    ]
)
