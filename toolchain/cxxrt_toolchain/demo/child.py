"""The demo's child process: runs in the fresh environment, by path, and stands alone.

Protocol: no argument. Prints what the demo modules print, then, as the last line of stdout, one
JSON object ``{"host": str, "cudart": {major: version}, "maps": str}``. Imports nothing of the
toolchain; ``demo_modern`` and ``demo_host`` come from ``PYTHONPATH``.
"""

import ctypes
import json
from pathlib import Path

import cxx11_cuda_runtime

CUDA_MAJORS = ("12", "13")


def cudart_version(major: str) -> str:
    """Ask the resident libcudart of one major for its version; needs no driver."""
    cxx11_cuda_runtime.require(cudart=major, who="the demo")
    answer = ctypes.c_int(0)
    status = ctypes.CDLL(f"libcudart.so.{major}").cudaRuntimeGetVersion(ctypes.byref(answer))
    return f"{answer.value // 1000}.{answer.value % 1000 // 10} (status {status})"


def main() -> None:
    """Use both modules and both CUDA runtimes, then report what is mapped."""
    import demo_host
    import demo_modern

    demo_modern.greet("world")
    report = {
        "host": demo_host.throw_through("an exception"),
        "cudart": {major: cudart_version(major) for major in CUDA_MAJORS},
        "maps": Path("/proc/self/maps").read_text(encoding="utf-8"),
    }
    print(json.dumps(report))  # noqa: T201 - the protocol


if __name__ == "__main__":
    main()
