"""Imports packages in an order, lets them work on one device together, and says what is mapped.

Protocol: ``python beside_child.py A,B [wait]``. A and B are modules; ``cxxrt_sample_cuda`` and
``cxxrt_sample_ptx`` are ours, and their kernels work on what torch and cupy have put on the device.
The answer is one line of JSON; with ``wait`` the process then stays until its stdin is closed.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from child_tools import mapped, tell

_COUNT = 1 << 16
_SIDE = 384
_CYCLES = 50_000_000
"""Clock cycles that a stream is kept busy for, some hundredths of a second."""


def torch_numbers(torch: Any, sample: Any) -> dict[str, object]:  # noqa: ANN401 - not installed here
    """Our kernel on a tensor, in torch's own stream."""
    tensor = torch.arange(_COUNT, dtype=torch.int32, device="cuda")
    sample.twice(tensor.data_ptr(), _COUNT, torch.cuda.current_stream().cuda_stream)
    expected = 2 * torch.arange(_COUNT, dtype=torch.int32)
    return {"numbers": bool(torch.equal(tensor.cpu(), expected))}


def torch_stream(torch: Any, sample: Any) -> dict[str, object]:  # noqa: ANN401 - as above
    """Work of torch, ours, work of torch, all in one stream that is busy at first."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(_CYCLES)
        tensor = torch.full((_COUNT,), 20, dtype=torch.int32, device="cuda")
        sample.twice(tensor.data_ptr(), _COUNT, stream.cuda_stream)
        tensor.add_(2)
    stream.synchronize()
    return {"stream": tensor.unique().tolist()}


def torch_product(torch: Any) -> dict[str, object]:  # noqa: ANN401 - as above
    """A product of matrices: its error, relative to the same in double precision on the CPU."""
    left, right = (torch.randn(_SIDE, _SIDE, device="cuda") for _ in range(2))
    product = (left @ right).double().cpu()
    exact = left.double().cpu() @ right.double().cpu()
    return {"product": float((product - exact).norm() / exact.norm())}


def cupy_numbers(cupy: Any, sample: Any) -> dict[str, object]:  # noqa: ANN401 - as above
    """Our kernel on an array of cupy, in cupy's stream."""
    array = cupy.arange(_COUNT, dtype="int32")
    sample.twice(array.data.ptr, _COUNT, cupy.cuda.get_current_stream().ptr)
    return {"cupy": bool((array == 2 * cupy.arange(_COUNT, dtype="int32")).all())}


def main() -> None:
    """Do what the arguments say."""
    modules = {name: importlib.import_module(name) for name in sys.argv[1].split(",")}
    results: dict[str, dict[str, object]] = {}
    for name, sample in modules.items():
        if name.startswith("cxxrt_sample"):
            results[name] = {"version": sample.runtime_version()}
            if torch := modules.get("torch"):
                results[name] |= torch_numbers(torch, sample) | torch_stream(torch, sample)
            if cupy := modules.get("cupy"):
                results[name] |= cupy_numbers(cupy, sample)
    if torch := modules.get("torch"):
        results["torch"] = torch_product(torch)
    tell({"results": results, "mapped": mapped()})
    if sys.argv[2:] == ["wait"]:
        sys.stdin.read()


if __name__ == "__main__":
    main()
