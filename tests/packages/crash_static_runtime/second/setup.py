from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "crash_static_runtime_second._core",
            ["core.cc"],
            extra_link_args=["-static-libstdc++"],
        )
    ]
)
