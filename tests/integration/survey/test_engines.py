"""The same plan on processes, Dask and Ray: equal rows, also where a worker or all are killed.

Not part of the suite, because Dask and Ray are 300 MB: ``pip install distributed ray``, then
``pytest -m engines tests/integration/survey``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from survey_wheels import write
from test_survey import rows, tree

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.survey.store import Store

pytestmark = pytest.mark.engines
_COUNT, _PER = 120, 2
_SLOW = """
import time
from cxxrt_toolchain.survey import rows
whole = rows.names
rows.names = lambda *both: (time.sleep(0.1), whole(*both))[1]
"""
_WORKERS = {"local": "spawn_main", "dask": "spawn_main", "ray": "ray::"}
"""What the command line of a worker has."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for number in range(_COUNT):
        write(folder, f"w{number}", {f"w{number}/a.so": os.urandom(2000)})
    return folder


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("expected")
    main(["survey", "plan", str(source), "-o", str(folder), "--per", str(_PER)])
    main(["survey", "run", str(folder), "-j", "2"])
    return folder


@pytest.fixture(params=["local", "dask", "ray"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name != "local" and find_spec({"dask": "distributed", "ray": "ray"}[name]) is None:
        pytest.skip(f"{name} is not installed")
    return name


def _start(folder: Path, engine: str, site: Path) -> subprocess.Popen[str]:
    site.joinpath("sitecustomize.py").write_text(_SLOW)
    command = [sys.executable, "-m", "cxxrt_toolchain", "survey", "run", str(folder)]
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}
    return subprocess.Popen(
        [*command, "-j", "2", "--engine", engine],
        env={**os.environ, **quiet, "PYTHONPATH": str(site), "HOME": str(site)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _pss(pids: list[int]) -> int:
    """KiB of memory, shared pages divided."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total


@pytest.mark.parametrize("whom", ["nobody", "worker", "all"])
def test_rows_are_equal_whoever_dies(
    source: Path, expected: Path, engine: str, whom: str, tmp_path: Path
) -> None:
    folder, site = tmp_path / "rows", tmp_path / "site"
    site.mkdir()
    main(["survey", "plan", str(source), "-o", str(folder), "--per", str(_PER)])
    store = Store(folder)
    began = time.monotonic()
    process = _start(folder, engine, site)
    first, memory = 0.0, 0
    while len(store.done("names")) < 15 and process.poll() is None:
        first = first or (time.monotonic() - began if store.done("names") else 0)
        time.sleep(0.1)
    below = tree(process.pid)
    memory = _pss(below)
    if whom == "worker":
        workers = [each for each in below[1:] if _WORKERS[engine] in _command(each)]
        os.kill(max(workers, key=lambda each: _pss([each])), signal.SIGKILL)
    elif whom == "all":
        for each in below:
            os.kill(each, signal.SIGKILL)
    said = process.communicate(timeout=300)[1]
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("names-*/wheels/*")}
    if whom == "all":
        assert store.todo("names")
        with _start(folder, engine, site) as again:
            said = again.communicate(timeout=300)[1]
        assert again.returncode == 0, said
    else:
        assert process.returncode == 0, said
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    print(f"{engine} {whom}: {time.monotonic() - began:.1f} s, first rows after {first:.1f} s, "
          f"{memory / 1024:.0f} MiB in {len(below)} processes")  # fmt: skip
    for table in ("wheels", "objects"):
        assert rows(folder, table) == rows(expected, table)
    assert len(rows(folder)) == _COUNT
    assert not list(folder.rglob(".*"))
