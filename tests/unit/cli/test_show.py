"""``cxxrt show``: the facts, for people and as JSON."""

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


@pytest.fixture
def wheel(make_wheel: Callable[..., Path], elf_fixture: Callable[[str], Path]) -> Path:
    files = {
        "demo/__init__.py": b"",
        "demo/_ext.so": elf_fixture("libuser.so").read_bytes(),
        "demo.libs/libdep.so.1": elf_fixture("libdep.so").read_bytes(),
    }
    return make_wheel(files, tags=["cp311-cp311-manylinux_2_28_x86_64"])


def test_people_see_the_tag_the_objects_and_what_they_need(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(wheel)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(wheel.name)
    assert "cp311-cp311-manylinux_2_28_x86_64" in out
    assert "demo/_ext.so  libdep.so.1" in out


def test_json_says_everything_as_the_schema_says(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "--json", str(wheel), str(wheel)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["wheels"]) == 2
    schema = json.loads((SCHEMAS / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document["wheels"][0])
    members = [found["member"] for found in document["wheels"][0]["objects"]]
    assert members == ["demo.libs/libdep.so.1", "demo/_ext.so"]


def test_what_is_no_wheel_is_2_in_one_paragraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_text("no zip", encoding="utf-8")
    assert main(["show", str(path)]) == 2
    assert "Traceback" not in capsys.readouterr().err
