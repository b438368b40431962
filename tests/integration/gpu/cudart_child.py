"""Uses a device through libcudart alone, loaded by the runtime wheel; standard library only.

Protocol: ``python cudart_child.py STATE MAJORS PTX``. STATE is a function below, MAJORS such as
``12,13`` which libcudart to load and in which order, PTX the file with the kernel ``twice``. The
answer is one line of JSON: ``results`` by major, and ``mapped``.

The functions are those of the CUDA Runtime API, the same in 12.8 and later and in 13; numbers of
attributes are those of its ``driver_types.h``.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from child_tools import mapped, tell

import cxx11_cuda_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

_TO_DEVICE, _TO_HOST = 1, 2
_COMPUTE = (75, 76)
"""cudaDevAttrComputeCapabilityMajor and Minor."""
_NAME = 256
"""Bytes of the name, with which cudaDeviceProp begins."""
_TOTAL = 288
"""Where its ``totalGlobalMem`` lies, behind name, uuid, luid and luidDeviceNodeMask."""
_SIZE = 1 << 20
_NOBODYS = 16
"""An address that no allocation has."""


class Dim3(ctypes.Structure):
    """``dim3``."""

    _fields_ = (("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint))


class Cudart:
    """The libcudart of a major, in this process."""

    def __init__(self, major: str, ptx: bytes) -> None:
        cxx11_cuda_runtime.require(cudart=major, who="the tests")
        self.library = ctypes.CDLL(f"libcudart.so.{major}")
        self._ptx = ptx
        self._kernel = ctypes.c_void_p()

    def status(self, name: str, *arguments: object) -> int:
        """Call a function; its cudaError_t."""
        return int(getattr(self.library, name)(*arguments))

    def call(self, name: str, *arguments: object) -> None:
        """Call a function that has to succeed."""
        if status := self.status(name, *arguments):
            text = self.library.cudaGetErrorString
            text.restype = ctypes.c_char_p
            raise RuntimeError(f"{name}: cudaError {status}, {text(status).decode()}")

    def number(self, name: str, *arguments: object) -> int:
        """What a function writes to an ``int*``, its first parameter."""
        value = ctypes.c_int()
        self.call(name, ctypes.byref(value), *arguments)
        return value.value

    def made(self, name: str, *arguments: object) -> ctypes.c_void_p:
        """The address or handle that a function writes to its first parameter."""
        value = ctypes.c_void_p()
        self.call(name, ctypes.byref(value), *arguments)
        return value

    def launch(self, address: ctypes.c_void_p, count: int, stream: ctypes.c_void_p) -> None:
        """Double numbers on the device."""
        if not self._kernel:
            none, no = ctypes.c_void_p(), ctypes.c_uint(0)
            library = self.made("cudaLibraryLoadData", self._ptx, none, none, no, none, none, no)
            self._kernel = self.made("cudaLibraryGetKernel", library, b"twice")
        number = ctypes.c_uint(count)
        parameters = (ctypes.c_void_p * 2)(ctypes.addressof(address), ctypes.addressof(number))
        grid, block, shared = Dim3((count + 127) // 128, 1, 1), Dim3(128, 1, 1), ctypes.c_size_t(0)
        self.call("cudaLaunchKernel", self._kernel, grid, block, parameters, shared, stream)


def work(cudart: Cudart) -> dict[str, object]:
    """Describe the device; copy to it and back; a kernel between two events in a stream."""
    return {**_described(cudart), "copied": _copied(cudart), **_doubled(cudart)}


def _described(cudart: Cudart) -> dict[str, object]:
    properties = ctypes.create_string_buffer(1 << 13)
    newest = "cudaGetDeviceProperties_v2"  # of 12; in 13 the plain name is that one
    name = newest if hasattr(cudart.library, newest) else "cudaGetDeviceProperties"
    cudart.call(name, properties, ctypes.c_int(0))
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    cudart.call("cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
    device = ctypes.c_int(0)
    return {
        "runtime": cudart.number("cudaRuntimeGetVersion"),
        "driver": cudart.number("cudaDriverGetVersion"),
        "devices": cudart.number("cudaGetDeviceCount"),
        "name": properties.raw[:_NAME].partition(b"\0")[0].decode(),
        "total": int.from_bytes(properties.raw[_TOTAL : _TOTAL + 8], "little"),
        "free": free.value,
        "compute": [
            cudart.number("cudaDeviceGetAttribute", ctypes.c_int(each), device) for each in _COMPUTE
        ],
    }


def _copied(cudart: Cudart) -> bool:
    """Random bytes come back from the device, through a second place there."""
    sent = os.urandom(_SIZE)
    size, back = ctypes.c_size_t(_SIZE), ctypes.create_string_buffer(_SIZE)
    places = [cudart.made("cudaMalloc", size) for _ in range(2)]
    cudart.call("cudaMemcpy", places[0], sent, size, _TO_DEVICE)
    cudart.call("cudaMemcpy", places[1], places[0], size, 3)  # device to device
    cudart.call("cudaMemcpy", back, places[1], size, _TO_HOST)
    for place in places:
        cudart.call("cudaFree", place)
    return back.raw == sent


def _doubled(cudart: Cudart) -> dict[str, object]:
    count = _SIZE // 4
    numbers = (ctypes.c_uint * count)(*range(count))
    size = ctypes.c_size_t(_SIZE)
    stream = cudart.made("cudaStreamCreate")
    start, end = cudart.made("cudaEventCreate"), cudart.made("cudaEventCreate")
    place = cudart.made("cudaMalloc", size)
    cudart.call("cudaMemcpyAsync", place, numbers, size, _TO_DEVICE, stream)
    cudart.call("cudaEventRecord", start, stream)
    cudart.launch(place, count, stream)
    cudart.call("cudaEventRecord", end, stream)
    cudart.call("cudaMemcpyAsync", numbers, place, size, _TO_HOST, stream)
    cudart.call("cudaEventSynchronize", end)
    cudart.call("cudaStreamSynchronize", stream)
    elapsed = ctypes.c_float()
    timer = "cudaEventElapsedTime_v2"  # came with 12.8; in 13 the plain name is that one
    name = timer if hasattr(cudart.library, timer) else "cudaEventElapsedTime"
    cudart.call(name, ctypes.byref(elapsed), start, end)
    for event in (start, end):
        cudart.call("cudaEventDestroy", event)
    cudart.call("cudaStreamDestroy", stream)
    cudart.call("cudaFree", place)
    return {"doubled": list(numbers) == list(range(0, 2 * count, 2)), "ms": elapsed.value}


def errors(cudart: Cudart) -> dict[str, object]:
    """An error that is no fault of the device: whose it is, and until when."""
    cudart.call("cudaFree", ctypes.c_void_p())
    said = cudart.status("cudaSetDevice", ctypes.c_int(10_000))
    return {
        "said": said,
        "other thread": _in_a_thread(lambda: cudart.status("cudaGetLastError")),
        "seen": cudart.status("cudaPeekAtLastError"),
        "read": cudart.status("cudaGetLastError"),
        "afterwards": cudart.status("cudaGetLastError"),
        "copied": _copied(cudart),
    }


def sticky(cudart: Cudart) -> dict[str, object]:
    """A kernel that writes where it may not: the context is lost, for every thread."""
    cudart.launch(ctypes.c_void_p(_NOBODYS), 1, ctypes.c_void_p())
    place = ctypes.byref(ctypes.c_void_p())

    def allocated() -> int:
        return cudart.status("cudaMalloc", place, ctypes.c_size_t(1))

    return {
        "waited": cudart.status("cudaDeviceSynchronize"),
        "read": cudart.status("cudaGetLastError"),
        "afterwards": allocated(),
        "other thread": _in_a_thread(allocated),
    }


def _in_a_thread(job: Callable[[], int]) -> int:
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(job()))
    thread.start()
    thread.join()
    return answers[0]


def _crossing(first: Cudart, second: Cudart) -> int:
    """A number that one libcudart has put on the device, doubled by a kernel of the other."""
    number, size = ctypes.c_uint(21), ctypes.c_size_t(4)
    place = first.made("cudaMalloc", size)
    first.call("cudaMemcpy", place, ctypes.byref(number), size, _TO_DEVICE)
    second.launch(place, 1, second.made("cudaStreamCreate"))
    second.call("cudaDeviceSynchronize")
    first.call("cudaMemcpy", ctypes.byref(number), place, size, _TO_HOST)
    return number.value


def main() -> None:
    """Do what the arguments say."""
    state, majors, ptx = sys.argv[1:]
    kernel = Path(ptx).read_bytes()
    cudarts = {major: Cudart(major, kernel) for major in majors.split(",")}
    job = {"work": work, "errors": errors, "sticky": sticky}[state]
    answer: dict[str, object] = {"results": {each: job(it) for each, it in cudarts.items()}}
    if len(cudarts) > 1 and state == "work":
        answer["crossing"] = _crossing(*cudarts.values())
    tell({**answer, "mapped": mapped()})


if __name__ == "__main__":
    main()
