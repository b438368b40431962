"""The PEP 517 build backend ``cxxrt_toolchain.backend``."""
