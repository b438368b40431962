"""The documented gate in a real pypiserver, with uploads by twine."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import free_port, wait_for
from survey_wheels import ELF, TAG, write

if TYPE_CHECKING:
    from collections.abc import Iterator

_README = Path(__file__).parents[3] / "toolchain/cxxrt_toolchain/survey/README.md"
_BLOCK = re.compile(r"<!-- gate -->\n```python\n(.*?)```\n<!-- end -->", re.DOTALL)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("gate")
    found = _BLOCK.search(_README.read_text("utf-8"))
    assert found is not None
    (folder / "gate.py").write_text(found[1])
    (folder / "packages").mkdir()
    port = free_port()
    command = [sys.executable, str(folder / "gate.py"), str(folder / "packages"), str(port)]
    log = (folder / "log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        wait_for(f"http://127.0.0.1:{port}/simple/")
        time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/", folder / "packages"
        process.terminate()


def _upload(url: str, wheel: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twine", "upload", "--verbose", "--non-interactive"]
    login = ["--repository-url", url, "-u", "any", "-p", "any"]
    return subprocess.run(
        [*command, *login, str(wheel)], capture_output=True, text=True, check=False
    )


def test_a_wheel_that_keeps_its_promise_is_taken(gate: tuple[str, Path], tmp_path: Path) -> None:
    url, packages = gate
    wheel = write(tmp_path, "good", {"good/a.py": b"x = 1\n"}, tag="py3-none-any", record=True)
    done = _upload(url, wheel)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (packages / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_wheel_that_breaks_its_tag_is_refused_with_rule_and_evidence(
    gate: tuple[str, Path], tmp_path: Path
) -> None:
    url, packages = gate
    user = (ELF / "libuser.so").read_bytes()  # needs a library that nobody brings
    wheel = write(tmp_path, "bad", {"bad/a.so": user}, tag=TAG, record=True)
    done = _upload(url, wheel)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Refused by cxxrt check" in said
    assert "CXXRT-P1" in said
    assert "libdep.so" in said
    assert not (packages / wheel.name).exists()


def test_what_cannot_be_judged_is_refused(gate: tuple[str, Path], tmp_path: Path) -> None:
    url, packages = gate
    wheel = write(tmp_path, "ugly", {"../ugly.py": b"x"}, tag="py3-none-any", record=True)
    done = _upload(url, wheel)
    assert done.returncode != 0
    assert "leaves the folder" in done.stdout + done.stderr
    assert not list(packages.glob("ugly*"))
