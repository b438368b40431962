"""Prints why this machine has no device to test on, or an empty line; standard library only.

In a process of its own, because it maps the driver. ``cuInit`` and ``cuDeviceGetCount`` are those
of the CUDA Driver API.
"""

from __future__ import annotations

import ctypes


def problem() -> str:
    """One sentence; empty where a device is usable."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "needs an NVIDIA driver: there is no libcuda.so.1"
    if status := driver.cuInit(0):
        return f"needs an NVIDIA device: cuInit says CUresult {status}"
    count = ctypes.c_int(0)
    driver.cuDeviceGetCount(ctypes.byref(count))
    return "" if count.value else "needs an NVIDIA device: the driver counts none"


if __name__ == "__main__":
    print(problem())
