"""Steps of a build as real processes: success, failure, interruption, two runs at once."""

from __future__ import annotations

import io
import os
import platform
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.errors import MissingToolError, StepFailedError
from cxxrt_toolchain.runtime.build import BuildOrder, build
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe import Component, Library, Step
from cxxrt_toolchain.runtime.recipe_reader import load_host_tools, recipes_root

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = load_host_tools(recipes_root())


def _order(folder: Path, script: str) -> BuildOrder:
    scripts = folder / "scripts"
    scripts.mkdir(exist_ok=True)
    (scripts / "make.sh").write_text(script)
    component = Component(
        name="thing",
        version="1.2.3",
        license="MIT",
        license_files=(),
        libraries=(Library(soname=Soname("t.so"), link_name="t", architectures=("x86_64",)),),
        inputs=(),
        steps=(Step(name="make", command=("sh", "make.sh", "argument")),),
        scripts=scripts,
        kept=("kept",),
    )
    return BuildOrder(component=component, arch="x86_64", glibc="2.17", host_tools=TOOLS)


def _build(folder: Path, script: str, log: io.StringIO | None = None) -> Path:
    return _carry_out(_order(folder, script), folder, log)


def _carry_out(order: BuildOrder, folder: Path, log: io.StringIO | None = None) -> Path:
    return build(
        order,
        builds=folder / "builds",
        jobs=3,
        fetch=lambda items: dict.fromkeys(items, folder),
        verify=lambda _: None,
        progress=Progress(stream=log or io.StringIO()),
    )


def _left(folder: Path) -> list[str]:
    return sorted(p.name for p in (folder / "builds").iterdir() if p.suffix != ".lock")


MAKE = """
set -eu
mkdir lib kept scrap; echo $CXXRT_ARCH $CXXRT_GLIBC $CXXRT_VERSION $CXXRT_JOBS $1 > lib/t.so
env > kept/environment
"""


@pytest.fixture(autouse=True)
def _programs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a real build would borrow is there; these steps do not call it."""
    folder = tmp_path_factory.mktemp("programs")
    for pin in TOOLS:
        if shutil.which(pin.package) is None:
            (folder / pin.package).touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{folder}")


def test_a_step_sees_its_settings_and_none_of_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFLAGS", "-O0")
    final = _build(tmp_path, MAKE)
    assert (final / "lib/t.so").read_text() == "x86_64 2.17 1.2.3 3 argument\n"
    assert "CFLAGS" not in (final / "kept/environment").read_text()
    assert sorted(path.name for path in final.iterdir()) == [
        *("kept", "lib", "logs", "sealed.json")
    ]


def test_a_finished_build_is_found_again_until_a_script_changes(tmp_path: Path) -> None:
    first = _build(tmp_path, MAKE)
    inode = first.stat().st_ino
    assert _build(tmp_path, MAKE).stat().st_ino == inode
    assert _build(tmp_path, MAKE + "# changed") != first


def test_progress_names_each_step_and_notes_of_its_log(tmp_path: Path) -> None:
    log = io.StringIO()
    _build(tmp_path, MAKE + "echo 'note: worth saying'\necho 'not worth it'\n", log)
    assert "make ..." in log.getvalue()
    assert "note: worth saying" in log.getvalue()
    assert "not worth it" not in log.getvalue()


def test_a_failing_step_prints_its_command_and_the_end_of_its_log(tmp_path: Path) -> None:
    script = "seq 100; echo '+ cc -c broken.c'; echo 'broken.c:1: error'; exit 7"
    with pytest.raises(StepFailedError) as caught:
        _build(tmp_path, script)
    text = str(caught.value)
    for part in ("step 'make' failed with status 7", "make.sh argument", "cc -c broken.c"):
        assert part in text
    assert "broken.c:1: error" in text
    assert "\n  100\n" in text
    assert "\n  50\n" not in text
    assert _left(tmp_path) == ["failed-make.log"]


def test_a_host_that_lacks_programs_is_told_all_of_them_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        MissingToolError, match=r"needs awk, sed, sh, .*apt-get install mawk sed dash"
    ):
        _build(tmp_path, MAKE)


def test_a_host_of_another_architecture_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(MissingToolError, match="built on x86_64 Linux, and this is linux riscv64"):
        _build(tmp_path, MAKE)


def test_two_runs_at_once_build_once(tmp_path: Path) -> None:
    script = f"echo built >> '{tmp_path}/count'; sleep 0.3; mkdir lib"
    order = _order(tmp_path, script)
    runs = [threading.Thread(target=_carry_out, args=(order, tmp_path)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert (tmp_path / "count").read_text() == "built\n"


def test_an_interrupt_ends_the_steps_children_and_leaves_nothing(tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(
        textwrap.dedent(f"""
        import importlib.util, pathlib, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
        spec = importlib.util.spec_from_file_location("steps", {__file__!r})
        steps = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(steps)
        folder = pathlib.Path({str(tmp_path)!r})
        steps._build(folder, "sleep 600 & echo $! > '{tmp_path}/pid'; wait")
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, driver], env=environment, stderr=subprocess.PIPE) as run:
        _wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=30)
    child = int((tmp_path / "pid").read_text())
    _wait_for(lambda: not _running(child))
    assert _left(tmp_path) == []


def _running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_an_overwritten_library_is_built_again(tmp_path: Path) -> None:
    library = _build(tmp_path, MAKE) / "lib/t.so"
    content = library.read_bytes()
    library.write_bytes(b"x" + content[1:])
    assert _build(tmp_path, MAKE) / "lib/t.so" == library
    assert library.read_bytes() == content
