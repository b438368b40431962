"""Print the CUDA version that the NVIDIA driver of this machine supports; stands alone.

Protocol: no input; standard output is one line, the integer of ``cuDriverGetVersion`` (13000 for
CUDA 13.0), or 0 where there is no usable driver. The call needs no ``cuInit`` and creates no
context (CUDA Driver API, "Version Management"), but it maps the driver, which cannot be undone:
that is why it happens here and not in the process that asks.
"""

import ctypes
import sys


def driver_version() -> int:
    """Ask libcuda; 0 for no, or for one that does not answer."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        get_version = cuda.cuDriverGetVersion
    except (OSError, AttributeError):  # no driver; or something else under its name
        return 0
    version = ctypes.c_int(0)
    status = get_version(ctypes.byref(version))
    return version.value if status == 0 else 0


if __name__ == "__main__":
    sys.stdout.write(f"{driver_version()}\n")
