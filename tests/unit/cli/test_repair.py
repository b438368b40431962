"""``cxxrt repair``: dry runs, refusals and the input that stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from cxxrt_toolchain.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = Path(__file__).parents[3] / "abi-tag-spec" / "cxxrt_abi_tag_spec" / "schemas"
PLATFORM = "cp311-cp311-manylinux_2_28_x86_64"


@pytest.fixture
def wheel(make_wheel: Callable[..., Path], elf_fixture: Callable[[str], Path]) -> Path:
    return make_wheel(
        {"demo/_ext.so": elf_fixture("libplain-cet.so").read_bytes()}, tags=[PLATFORM]
    )


def test_a_wheel_that_needs_nothing_comes_out_as_it_went_in(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["repair", "-w", str(out), str(wheel)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out / wheel.name)
    assert (out / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_dry_run_writes_nothing(wheel: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert main(["repair", "--dry-run", str(wheel)]) == 0
    assert sorted(tmp_path.iterdir()) == before


def test_the_folder_for_the_result_has_to_be_named(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", str(wheel)]) == 2
    assert "-w DIR" in capsys.readouterr().err


def test_a_refusal_is_1_and_leaves_no_file(
    make_wheel: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_wheel({"demo/_ext.so": b"\x7fELF and no more"}, tags=[PLATFORM])
    out = tmp_path / "out"
    assert main(["repair", "-w", str(out), str(source)]) == 1
    assert "refused CXXRT-W5" in capsys.readouterr().out
    assert not out.exists()


def test_json_is_the_plan_as_the_schema_says(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", "--dry-run", "--json", str(wheel)]) == 0
    document = json.loads(capsys.readouterr().out)
    schema = json.loads((SCHEMAS / "plan.schema.json").read_text(encoding="utf-8"))
    for plan in document["wheels"]:
        jsonschema.Draft202012Validator(schema).validate(plan)
