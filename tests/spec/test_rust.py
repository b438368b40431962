"""The third implementation: an installer's Rust, built where there is a Rust compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_conformance import claims_all_but_schemas

CRATE = Path(__file__).parents[2] / "abi-tag-spec" / "implementations" / "rust"
CARGO = shutil.which("cargo")

pytestmark = pytest.mark.skipif(CARGO is None, reason="needs cargo (rustup, or package cargo)")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where cargo builds: nothing is written beside the sources."""
    return tmp_path_factory.mktemp("target")


def cargo(target: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CARGO), *command],
        cwd=CRATE,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_passes_every_operation_that_it_claims(target: Path) -> None:
    built = cargo(target, "build", "--offline", "--locked")
    assert built.returncode == 0, built.stderr
    claims_all_but_schemas(str(target / "debug" / "answer"), str(CRATE.parents[1]))


def test_its_own_tests_pass(target: Path) -> None:
    done = cargo(target, "test", "--offline", "--locked")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [("fmt", "--check"), ("clippy", "--offline", "--locked", "--all-targets", "--", "-Dwarnings")],
    ids=["fmt", "clippy"],
)
def test_the_linters_say_nothing(command: tuple[str, ...], target: Path) -> None:
    if cargo(target, command[0], "--version").returncode:
        pytest.skip(f"needs cargo-{command[0]} (rustup component add)")
    done = cargo(target, *command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_needs_no_other_crate_and_no_unsafe_code() -> None:
    text = (CRATE / "Cargo.toml").read_text(encoding="utf-8")
    assert "dependencies" not in text
    assert 'unsafe_code = "forbid"' in text
