"""The patch for ``packaging``: applies to the released sdist, whose own tests then still pass."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kept_environments import with_packages
from sample_builds import unpack_sdist

from cxxrt_toolchain.abi.spec import load_spec

pytestmark = [pytest.mark.network, pytest.mark.isolated]

RELEASE = "packaging-26.4"
ROOT = Path(__file__).parents[3]
SPEC = ROOT / "abi-tag-spec"
OWN_TESTS = ("test_tags.py", "test_manylinux.py", "test_musllinux.py", "test_utils.py")


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The released source with the patch applied; pip verifies the download."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git to apply the patch: apt-get install git")
    folder = tmp_path_factory.mktemp("packaging")
    download = ["download", "-q", "--no-deps", "--no-binary=packaging"]
    requirement = RELEASE.replace("-", "==")
    subprocess.run(
        [sys.executable, "-m", "pip", *download, "-d", str(folder), requirement], check=True
    )
    with (folder / f"{RELEASE}.tar.gz").open("rb") as archive:
        unpack_sdist(archive, folder)
    patch = SPEC / "patches" / f"{RELEASE}.patch"
    subprocess.run([git, "apply", str(patch)], cwd=folder / RELEASE, check=True)
    return folder / RELEASE


@pytest.fixture(scope="module")
def test_python() -> str:
    """An interpreter with what the package's own tests import."""
    needs = ("pytest", "pretend", "tomli_w", "hypothesis", "pip")
    return str(with_packages(*needs) / "bin" / "python")


def _environ(patched: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CXXRT_")}
    return {**kept, "PYTHONPATH": str(patched / "src")}


def test_the_packages_own_tests_and_those_of_the_patch_pass(
    patched: Path, test_python: str
) -> None:
    files = [f"tests/{name}" for name in (*OWN_TESTS, "test_runtime_abi.py")]
    done = subprocess.run(
        [test_python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=patched,
        env=_environ(patched),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 300
    assert "failed" not in done.stdout


def test_the_patched_package_passes_every_vector_about_supported_tags(
    patched: Path, test_python: str
) -> None:
    answers = Path(__file__).with_name("answer_patched_packaging.py")
    runner = [sys.executable, "-m", "cxxrt_abi_tag_spec.conformance"]
    done = subprocess.run(
        [*runner, "--", "env", f"PYTHONPATH={patched / 'src'}", test_python, str(answers)],
        env={**_environ(patched), "PYTHONPATH": str(SPEC)},
        capture_output=True,
        text=True,
        check=False,
    )
    totals = re.search(r"(\d+) passed, (\d+) failed, \d+ unsupported", done.stdout)
    assert totals is not None, done.stdout + done.stderr
    assert int(totals[1]) > 140
    assert int(totals[2]) == 0


def test_the_patch_changes_one_assertion_of_the_packages_own_tests(patched: Path) -> None:
    """The one that says that the first tag of all is a plain one."""
    text = (SPEC / "patches" / f"{RELEASE}.patch").read_text()
    own = text.split("--- a/tests/test_tags.py")[1]
    removed = [line for line in own.splitlines() if line.startswith("-")]
    assert [line.strip("- ") for line in removed] == [
        "assert result[0] == tags.Tag(expected_interpreter, abis[0], platforms[0])"
    ]


def test_the_epochs_of_the_patch_are_the_published_ones(patched: Path, test_python: str) -> None:
    script = (
        "import json; from packaging._runtime_abi import EPOCHS, _DRIVER_RELEASES as drivers\n"
        "print(json.dumps([{n: [e.glibc_floor, sorted(e.architectures), e.cuda_majors]"
        " for n, e in EPOCHS.items()}, drivers]))"
    )
    done = subprocess.run(
        [test_python, "-c", script], env=_environ(patched), capture_output=True, check=True
    )
    epochs, drivers = json.loads(done.stdout)
    spec = load_spec()
    assert epochs == {
        str(row.number): [list(row.glibc_floor), list(row.architectures), list(row.cuda_majors)]
        for row in spec.epochs
    }
    assert drivers == {str(row.major): list(row.driver) for row in spec.cuda}
