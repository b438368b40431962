"""A library that ctypes loads."""

import ctypes
from pathlib import Path

_library = ctypes.CDLL(str(Path(__file__).parent / "libcxxrt_sample.so"))


def selftest() -> str:
    buffer = ctypes.create_string_buffer(64)
    length = _library.cxxrt_sample_selftest(buffer, len(buffer))
    return buffer.raw[:length].decode()
