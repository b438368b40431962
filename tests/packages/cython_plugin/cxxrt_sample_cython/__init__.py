"""A package that imports its extension module late, in a function."""


def selftest() -> str:
    from cxxrt_sample_cython import core

    return core.selftest()
