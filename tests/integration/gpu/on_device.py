"""Runs the tests on a machine with a device, without network, and writes down what they found.

    python3 tests/integration/gpu/on_device.py FOLDER --out OUT [--beside PYTHON]

In: the folder that `gpu_builds` has filled, for this Python. Out: ``OUT/results.json`` with the
machine, each test with its outcome and its facts, and what the doctor costs there; ``OUT/log.txt``
with everything that was said. What fails or takes too long is written down, and the next step
follows. Standard library only: what it runs is installed into an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parents[2]
_TESTS = ("tests/integration/gpu", "tests/integration/installer/test_probe.py")
_BENCHES = _REPOSITORY / "tests" / "bench"
_KILLED = 124
"""Exit status of a step that took too long, as ``timeout`` has it."""
_LAST_WORDS = 15
"""Seconds that it may take to end when it is told to."""
_MACHINE = {
    "kernel": "uname -a",
    "glibc": "getconf GNU_LIBC_VERSION",
    "driver": "nvidia-smi",
    "kernel driver": "cat /proc/driver/nvidia/version",
    "nvcc": "nvcc --version",
    "compiler": "g++ --version",
    "libstdc++": "ldconfig -p | grep -E 'libstdc|libcuda'",
    "processors": "nproc; free -g | head -2",
}
_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "CUDA_HOME", "CUDA_PATH", "PATH", "PYTHONPATH")
_ASK = """\
import importlib.metadata as m, json, sys
wanted = ("torch", "cupy", "jax", "numba", "triton", "nvidia-cuda-runtime", "nvidia-nvjitlink")
found = {d.metadata["Name"]: d.version for d in m.distributions()}
print(json.dumps({"python": sys.version, "path": sys.path, "distributions": len(found), **{
    name: version for name, version in found.items() if name and name.startswith(wanted)}}))
"""
_WAITING = """\
import sys, torch
torch.ones(8, device="cuda").sum().item()
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass
class Session:
    """What has been found so far, and the time that is left for the rest."""

    out: Path
    end: float
    """On the clock of `time.monotonic`."""
    results: dict[str, Any] = field(default_factory=dict)

    def run(self, title: str, command: list[str], limit: float, **extra: str) -> tuple[int, str]:
        """Run a step to its end, or until its time or all time is over; its status and stdout."""
        limit = max(1.0, min(limit, self.end - time.monotonic()))
        start = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=_REPOSITORY,
            env={**os.environ, **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as child:
            said, complaint, status = _waited(child, limit)
        seconds = time.monotonic() - start
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"== {title}: {status} after {seconds:.1f} s\n{said}\n{complaint}\n")
        print(f"[{title}] status {status}, {seconds:.1f} s", flush=True)
        self.results.setdefault("steps", {})[title] = {"status": status, "seconds": seconds}
        self.save()
        return status, said

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Write down what goes wrong, so that the rest follows."""
        try:
            yield
        except Exception:  # noqa: BLE001 - whatever it is, the machine is there only once
            self.results.setdefault("failures", []).append(traceback.format_exc())
            self.save()

    def save(self) -> None:
        """Write down everything so far."""
        text = json.dumps(self.results, indent=1)
        (self.out / "results.json").write_text(text + "\n", encoding="utf-8")


def _waited(child: subprocess.Popen[str], limit: float) -> tuple[str, str, int]:
    """Stdout, stderr and status; one that takes too long may still write its report."""
    try:
        said, complaint = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGINT)
        try:
            said, complaint = child.communicate(timeout=_LAST_WORDS)
        except subprocess.TimeoutExpired:
            child.kill()
            said, complaint = child.communicate()
        return said, complaint, _KILLED
    return said, complaint, child.returncode


def machine(session: Session, beside: str) -> None:
    """What it is run on."""
    facts = {
        title: session.run(title, ["sh", "-c", command], 20)[1]
        for title, command in _MACHINE.items()
    }
    _, said = session.run("packages", [beside, "-c", _ASK], 60)
    # Reads gigabytes the first time, so that the tests need not wait for them.
    session.run("import torch, first", [beside, "-c", "import torch"], 120)
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    session.results["machine"] = {**facts, "packages": said, "variables": variables}


def environment(session: Session, folder: Path, target: Path) -> str:
    """An environment with the toolchain and pytest; its interpreter."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(target)]
    session.run("new environment", command, 60)
    python, tools = str(target / "bin" / "python"), folder / "tools"
    pip = next(tools.glob("pip-*.whl"))
    options = ["--no-index", "--no-compile", "--find-links", str(tools)]
    command = [python, f"{pip}/pip", "install", "-q", *options, "cxxrt-toolchain"]
    session.run("install", [*command, "pytest", "pytest-xdist"], 90, PYTHONPATH="")
    return python


def tests(session: Session, python: str, folder: Path, beside: str, workers: int) -> None:
    """Run the tests, and put each with its facts into the results."""
    report = session.out / "junit.xml"
    command = [python, "-m", "pytest", "-m", "gpu", "-n", str(workers), "-p", "no:cacheprovider"]
    session.run(
        "tests",
        [*command, f"--junitxml={report}", *_TESTS],
        240,
        CXXRT_GPU_WHEELS=str(folder.resolve()),
        CXXRT_GPU_BESIDE=beside,
        PYTHONPATH="",
    )
    found = [_result(case) for case in ET.parse(report).iter("testcase")] if report.exists() else []  # noqa: S314 - pytest's own
    session.results["tests"] = found
    session.save()
    for each in found:
        print(f"{each['outcome']:8} {each['seconds']:6.1f} s  {each['test']}  {_gist(each)}")


def _gist(test: dict[str, Any]) -> str:
    """What is wrong with a test, in one line; everything is in the results."""
    said = [line[1:].strip() for line in test["text"].splitlines() if line.startswith("E ")]
    return f"{(said or [*test['message'].splitlines(), ''])[-1 if said else 0]:.200}"


def _result(case: ET.Element) -> dict[str, Any]:
    problem = next((each for each in case if each.tag in {"failure", "error", "skipped"}), None)
    facts = {
        each.get("name", ""): json.loads(each.get("value", "null"))
        for each in case.iter("property")
    }
    message = "" if problem is None else problem.get("message", "")
    return {
        "test": f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}",
        "outcome": "passed" if problem is None else problem.tag,
        "seconds": float(case.get("time", "0")),
        "message": message[:400],
        "text": "" if problem is None else (problem.text or "")[-6000:],
        "facts": facts,
    }


def costs(session: Session, python: str, beside: str, cache: Path) -> None:
    """What the doctor costs, one run after the other, as multiples of importing torch."""
    ask = [python, "-m", "cxxrt_toolchain", "doctor", "--json"]
    jobs = {
        "import torch": [beside, "-c", "import torch"],
        "environment, cold": [*ask, "--python", beside],
        "environment, warm": [*ask, "--python", beside],
        "environment, warm again": [*ask, "--python", beside],
        "imports, warm": [*ask, "--python", beside, "--import", "torch"],
    }
    for title, command in jobs.items():
        status, said = session.run(title, command, 60, CXXRT_CACHE=str(cache))
        if title.endswith("again") and status in {0, 1}:
            (session.out / "environment.json").write_text(said, encoding="utf-8")
    with _waiting(beside) as pid:
        for title in ("process, cold", "process, warm"):
            command = [*ask, "--pid", str(pid)]
            status, said = session.run(title, command, 60, CXXRT_CACHE=f"{cache}-process")
            if status in {0, 1}:
                (session.out / "process.json").write_text(said, encoding="utf-8")
        bench = [python, str(_BENCHES / "doctor_cost.py"), "--python", beside, "--rounds", "1"]
        session.results["doctor_cost"] = session.run("cost", [*bench, "--pid", str(pid)], 90)[1]
    seconds = {title: session.results["steps"][title]["seconds"] for title in jobs}
    session.results["ratios to import torch"] = {
        title: round(spent / seconds["import torch"], 2) for title, spent in seconds.items()
    }


@contextmanager
def _waiting(python: str) -> Iterator[int]:
    """A process that has worked on the device with torch, and waits; its number."""
    with subprocess.Popen(
        [python, "-c", _WAITING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield child.pid
        finally:
            child.kill()


def main() -> None:
    """Do it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what gpu_builds.py has filled")
    parser.add_argument("--out", type=Path, required=True, help="for results.json and the logs")
    parser.add_argument("--beside", default=sys.executable, help="an interpreter that has torch")
    parser.add_argument("--workers", type=int, default=4, help="tests at a time")
    parser.add_argument("--limit", type=float, default=285, help="seconds for everything")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    session = Session(out=args.out.resolve(), end=time.monotonic() + args.limit)
    with tempfile.TemporaryDirectory() as scrap:
        machine(session, args.beside)
        python = environment(session, args.folder.resolve(), Path(scrap, "environment"))
        with session.going_on():
            tests(session, python, args.folder, args.beside, args.workers)
        with session.going_on():
            costs(session, python, args.beside, Path(scrap, "cache"))
    session.save()
    for title in ("ratios to import torch", "doctor_cost", "failures"):
        print(f"{title}: {session.results.get(title)}")


if __name__ == "__main__":
    main()
