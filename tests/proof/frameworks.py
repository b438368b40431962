"""Take the frameworks that many wheels load beside, as published and repaired onto the runtime.

In: published wheels from the package index, a runtime wheel. Out: ``frameworks.json``: for each
framework what `cxxrt doctor` says of an environment with it, what `cxxrt repair --encoding plain`
makes of its wheel, and whether one and the same computation gives the same, on which libstdc++;
then the frameworks together, in every order, with and without the runtime's copy made global
first. From it a table of PEP-DRAFT.rst is made.
``python tests/proof/frameworks.py --runtime WHEEL [--cache DIR] [--write]``  (about 3 GB; pip's
configuration must name an index that has torch's CPU build)
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from itertools import permutations
from pathlib import Path

RECORDED = Path(__file__).with_suffix(".json")
PRODUCT = "int((numpy.ones((64, 64)) @ numpy.ones((64, 64))).sum())"
FRAMEWORKS = {
    "torch": ("torch==2.13.0+cpu", "import torch as numpy", PRODUCT),
    "tensorflow": (
        "tensorflow-cpu==2.21.0",
        "import tensorflow as t",
        "int(t.reduce_sum(t.ones((64, 64)) @ t.ones((64, 64))))",
    ),
    "jaxlib": ("jaxlib==0.10.2", "import jax.numpy as numpy", PRODUCT),
    "pyarrow": (
        "pyarrow==26.0.1",
        "import pyarrow, pyarrow.compute as c",
        "c.sum(pyarrow.array([64] * 4096)).as_py()",
    ),
    "triton": (
        "triton==3.9.0",
        "from triton._C import libtriton as t",
        "64 * 64 * 64 if t.ir.context() and t.llvm.context() else 0",
    ),
    "onnxruntime": (
        "onnxruntime==1.32.0",
        "import numpy, onnxruntime as o; a = numpy.full(4096, 64)",
        "int(o.OrtValue.ortvalue_from_numpy(a).numpy().sum())",
    ),
}
"""Import name to the requirement, the import and a computation whose value is 262144."""
BESIDE = {"jaxlib": ("jax==0.10.2",)}
TOGETHER = ("torch", "triton", "tensorflow")
"""momentum's authors and TensorFlow's saw a global libstdc++ break Triton beside these."""
VALUE = "262144"
MAPPED = """
import json, re
maps = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
print(json.dumps(sorted(p for p in maps if re.search(r"lib(stdc|gomp|cudart)[^/]*$", p))))
"""
GLOBAL_FIRST = "import cxx11_cuda_runtime as r; r.require(glibcxx='3.4.33')\n"


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A finished command; SystemExit with its words where it must not fail and does."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [os.fspath(each) for each in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **quiet},
    )
    if check and done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done


def environment(folder: Path, *packages: str | Path) -> Path:
    """The interpreter of a virtual environment with the packages, made if it is not there."""
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(python, "-m", "pip", "install", "--quiet", *packages)
        (folder / "made").touch()
    return python


def compute(python: Path, *names: str, first: str = "") -> dict[str, object]:
    """How a process ends that imports frameworks in an order and computes with each."""
    lines = [first]
    for name in names:
        _, load, value = FRAMEWORKS[name]
        lines.append(f"{load}\nprint({value}, flush=True)\n")
    done = run(python, "-c", "".join(lines) + MAPPED, check=False)
    values = done.stdout.split("\n")
    good = done.returncode == 0 and values[: len(names)] == [VALUE] * len(names)
    row: dict[str, object] = {"works": good, "exit": done.returncode}
    if good:
        libraries = json.loads(values[len(names)])
        row["libraries"] = [re.sub(r"^.*/site-packages/", "", path) for path in libraries]
    else:
        row["last line"] = (done.stderr.strip().split("\n") or [""])[-1]
    return row


def doctor(python: Path) -> dict[str, object]:
    """The rules that an environment breaks, by severity, as `cxxrt doctor` says them."""
    done = run(
        sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json", "--python", python, check=False
    )
    found = json.loads(done.stdout)["findings"]
    severities = ("error", "warning", "note")
    return {
        each: sorted({row["rule"] for row in found if row["severity"] == each})
        for each in severities
    }


def measure(name: str, cache: Path, runtime: Path) -> dict[str, object]:
    """One framework, as published and repaired."""
    requirement = FRAMEWORKS[name][0]
    beside = BESIDE.get(name, ())
    published = environment(cache / name / "published", requirement, "numpy", *beside)
    row: dict[str, object] = {
        "wheel": requirement,
        "doctor": doctor(published),
        "published": compute(published, name),
    }
    wheels = cache / name / "wheels"
    if not any(wheels.glob("*.whl")):
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, requirement)
    out = cache / name / "repaired"
    (wheel,) = wheels.glob("*.whl")
    command = [sys.executable, "-m", "cxxrt_toolchain", "repair", "--encoding", "plain"]
    done = run(*command, "-w", out, wheel, check=False)
    row["repair"] = done.returncode
    if done.returncode:
        row["refusal"] = done.stderr.strip().split("\n")
        return row
    (repaired,) = out.glob("*.whl")
    packages = (repaired, runtime, "numpy", *beside)
    python = environment(cache / name / "on-the-runtime", *packages)
    row["repaired"] = compute(python, name)
    return row


def main() -> None:
    """Measure and print, or record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runtime", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/cxxrt/frameworks")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    alone = {name: measure(name, args.cache, args.runtime) for name in FRAMEWORKS}
    packages = [FRAMEWORKS[name][0] for name in TOGETHER]
    python = environment(args.cache / "together", *packages, "numpy", args.runtime)
    together = {
        " ".join(order): {
            "as they are": compute(python, *order),
            "runtime global first": compute(python, *order, first=GLOBAL_FIRST),
        }
        for order in permutations(TOGETHER)
    }
    text = json.dumps({"frameworks": alone, "together": together}, indent=1) + "\n"
    if args.write:
        RECORDED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
