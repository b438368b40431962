"""``python -m cxx11_cuda_runtime``: doctor, run, activate and deactivate, as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from system_runtime import OURS_IS_NEWEST

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.runtime, pytest.mark.network]

LIBSTDCXX = "libstdc++.so.6"
SHOW = (
    "import os, sys; print(sys.argv[1:], os.environ.get('LD_PRELOAD', '-'),"
    " [l.split()[-1] for l in open('/proc/self/maps') if 'libstdc++' in l and 'r-xp' in l])"
)


def command(
    *arguments: str, python: str | Path, site: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("CXXRT_", "LD_"))
    }
    return subprocess.run(
        [str(python), "-m", "cxx11_cuda_runtime", *arguments],
        env={**clean, "PYTHONPATH": str(site), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_doctor_says_healthy_and_exits_0(runtime_site: Path, ours: Path, python: str) -> None:
    done = command("doctor", python=python, site=runtime_site)
    assert done.returncode == 0, done.stderr
    assert str(ours / LIBSTDCXX) in done.stdout
    assert done.stdout.splitlines()[-1] == "the runtime itself is healthy"
    assert command(python=python, site=runtime_site).stdout == done.stdout


def test_doctor_answers_in_json(runtime_site: Path, ours: Path, python: str) -> None:
    done = command("doctor", "--json", python=python, site=runtime_site)
    document = json.loads(done.stdout)
    assert document["schema"] == 2
    assert document["healthy"] is True
    assert document["findings"] == []
    assert {"soname", "path", "found_via", "version"} == set(document["libraries"][0])
    assert str(ours / LIBSTDCXX) in [row["path"] for row in document["libraries"]]
    assert str(ours / LIBSTDCXX) in [row["path"] for row in document["objects"]]


def test_doctor_notes_an_old_copy_that_was_preloaded_and_says_what_helps(
    runtime_site: Path, foreign: dict[str, Path], python: str
) -> None:
    done = command(
        "doctor", python=python, site=runtime_site, environ={"LD_PRELOAD": str(foreign["28"])}
    )
    assert done.returncode == 0
    assert f"note: [CXXRT-L104] The process's libstdc++ is {foreign['28']}" in done.stdout
    assert f"    - remove {foreign['28']} from LD_PRELOAD" in done.stdout


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        ([], ["--python", sys.executable]),
        (["--import", "json,math"], ["--python", sys.executable, "--import", "json,math"]),
    ],
)
def test_the_command_for_the_full_doctor_can_be_pasted(
    runtime_site: Path, tmp_path: Path, options: list[str], subject: list[str]
) -> None:
    (tmp_path / "cxxrt").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "cxxrt").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = command("doctor", *options, python=sys.executable, site=runtime_site, environ=path)
    pasted = done.stdout.splitlines()[-2].partition(": ")[2]
    said = subprocess.run(
        ["sh", "-c", pasted], env={**os.environ, **path}, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == ["doctor", *subject]


def test_doctor_imports_what_it_is_told_first(
    runtime_site: Path, old_package: Path, probes: dict[str, Path]
) -> None:
    done = command(
        "doctor", "--import", "oldpkg,nosuchmodule", "--json",
        python=sys.executable, site=runtime_site,
        environ={"PYTHONPATH": f"{runtime_site}:{old_package}"},
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert any(row["path"].endswith("oldpkg/native.so") for row in document["objects"])
    assert "nosuchmodule" in done.stderr
    assert done.returncode == 1


def test_what_a_module_raises_is_said_and_the_process_is_looked_at_all_the_same(
    runtime_site: Path, tmp_path: Path, python: str
) -> None:
    (tmp_path / "raises.py").write_text("raise ValueError('no')\n")
    done = command(
        "doctor", "--import", "raises",
        python=python, site=runtime_site, environ={"PYTHONPATH": f"{runtime_site}:{tmp_path}"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "the runtime itself is healthy"
    assert "import raises: ValueError: no" in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_output_that_nobody_takes_is_no_traceback(runtime_site: Path, options: list[str]) -> None:
    ask = [sys.executable, "-m", "cxx11_cuda_runtime", "doctor", *options]
    environment = {**os.environ, "PYTHONPATH": str(runtime_site)}
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(
            ask, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert "No space left on device" in done.stderr
    with subprocess.Popen(
        ask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert (child.stderr.read(), child.wait()) == (b"", 141)


def test_doctor_sees_a_file_that_is_not_as_it_was_built(own_site: Path) -> None:
    library = own_site / "cxx11_cuda_runtime" / "lib" / "libcudart.so.12"
    content = bytearray(library.read_bytes())
    content[-1] ^= 1
    library.write_bytes(content)
    done = command("doctor", python=sys.executable, site=own_site)
    assert done.returncode == 1
    assert (
        f"[CXXRT-L108] A file of the runtime wheel differs from its manifest: {library}"
        in done.stdout
    )


@pytest.mark.parametrize("options", [(), ("--no-inherit",)])
@pytest.mark.parametrize("form", ["script", "module", "code"])
def test_run_starts_the_program_with_ours_first(
    runtime_site: Path, ours: Path, tmp_path: Path, python: str, options: tuple[str, ...], form: str
) -> None:
    (tmp_path / "shown.py").write_text(SHOW)
    program = {
        "script": [str(tmp_path / "shown.py")],
        "module": ["-m", "shown"],
        "code": ["-c", SHOW],
    }[form]
    done = command(
        "run", *options, *program, "--flag", "x",
        python=python, site=runtime_site,
        environ={"PYTHONPATH": f"{runtime_site}:{tmp_path}", "LD_PRELOAD": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    preload = f"{ours / 'libgcc_s.so.1'}:{ours / LIBSTDCXX}" if not options else "-"
    assert done.stdout.strip() == f"['--flag', 'x'] {preload} ['{ours / LIBSTDCXX}']"


@OURS_IS_NEWEST
def test_run_beats_an_older_preload_and_keeps_other_entries(
    runtime_site: Path, ours: Path, foreign: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "libgomp.so.1"
    other.write_bytes((ours / "libgomp.so.1").read_bytes())
    done = command(
        "run", "-c", SHOW,
        python=sys.executable, site=runtime_site,
        environ={"LD_PRELOAD": f"{foreign['28']} {other}"},
    )  # fmt: skip
    assert f"{ours / LIBSTDCXX}:{other}" in done.stdout
    assert str(foreign["28"]) not in done.stdout


def test_run_leaves_with_the_programs_own_exit_code(runtime_site: Path) -> None:
    program = ["run", "-c", "raise SystemExit(7)"]
    assert command(*program, python=sys.executable, site=runtime_site).returncode == 7
    assert command("run", python=sys.executable, site=runtime_site).returncode == 2


@pytest.fixture
def environment(python: str, tmp_path: Path, runtime_site: Path) -> Path:
    """A fresh virtual environment; its python."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    return tmp_path / "env" / "bin" / "python"


def test_activate_loads_at_every_start_and_deactivate_undoes_exactly_that(
    environment: Path, runtime_site: Path, ours: Path
) -> None:
    before = _tree(environment)
    for _ in range(2):
        done = command("activate", python=environment, site=runtime_site)
        assert done.returncode == 0, done.stderr
    added = _tree(environment) - before
    assert [path.name for path in added] == ["cxxrt.pth"]
    started = subprocess.run(
        [str(environment), "-c", SHOW],
        env={**os.environ, "PYTHONPATH": str(runtime_site)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(ours / LIBSTDCXX) in started.stdout
    assert started.stderr == ""
    without = subprocess.run(
        [str(environment), "-c", SHOW], capture_output=True, text=True, check=True
    )
    assert (without.stdout.split()[-1], without.stderr) == ("[]", "")
    for expected in ("deactivated:", "not active"):
        done = command("deactivate", python=environment, site=runtime_site)
        assert done.returncode == 0
        assert done.stdout.startswith(expected)
    assert _tree(environment) == before


def test_a_hook_that_somebody_else_wrote_is_left_alone(
    environment: Path, runtime_site: Path
) -> None:
    site = next(environment.parents[1].glob("lib/python3*/site-packages"))
    (site / "cxxrt.pth").write_text("# mine\n")
    for verb in ("activate", "deactivate"):
        done = command(verb, python=environment, site=runtime_site)
        assert done.returncode == 1
        assert "was not" in done.stderr
    assert (site / "cxxrt.pth").read_text() == "# mine\n"


@OURS_IS_NEWEST
def test_activate_in_the_users_site_folder(runtime_site: Path, tmp_path: Path, ours: Path) -> None:
    python = os.path.realpath(sys.executable)
    environ = {"PYTHONUSERBASE": str(tmp_path)}
    done = command("activate", "--user", python=python, site=runtime_site, environ=environ)
    assert done.returncode == 0, done.stderr
    started = subprocess.run(
        [python, "-c", SHOW],
        env={**os.environ, **environ, "PYTHONPATH": str(runtime_site)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(ours / LIBSTDCXX) in started.stdout
    off = command("deactivate", "--user", python=python, site=runtime_site, environ=environ)
    assert off.stdout.startswith("deactivated:")
    assert not list(tmp_path.rglob("*.pth"))


def test_user_is_refused_in_a_virtual_environment(environment: Path, runtime_site: Path) -> None:
    done = command("activate", "--user", python=environment, site=runtime_site)
    assert done.returncode == 1
    assert "leave --user out" in done.stderr


def _tree(python: Path) -> set[Path]:
    return {path for path in python.parents[1].rglob("*") if "__pycache__" not in path.parts}
