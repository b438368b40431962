"""``show`` and ``check`` of a wheel at an address."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from faults import faulty
from jsonschema import Draft202012Validator
from servers import free_port
from survey_wheels import TAG

from cxxrt_toolchain.cli import main

if TYPE_CHECKING:
    from pathlib import Path

FAR = f"far-1.0-{TAG}.whl"


def test_show_reads_names_by_ranges_and_everything_on_demand(
    wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty(wheels / FAR) as (url, handler):
        assert main(["show", f"{url}/none/{FAR}"]) == 0
        ranges = [each["Range"] for each in handler.headers_seen]
        said = capsys.readouterr().out
        assert "far/a.so" in said
        assert "1 by their names" in said
        assert len(ranges) <= 3
        handler.headers_seen.clear()
        assert main(["show", "--full", f"{url}/none/{FAR}"]) == 0
        assert [each.get("Range") for each in handler.headers_seen] == [None]
        remote = capsys.readouterr().out
    assert main(["show", str(wheels / FAR)]) == 0
    assert capsys.readouterr().out == remote


def test_the_document_of_names_has_the_schema_of_rows(
    wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files("cxxrt_abi_tag_spec") / "schemas/survey-rows.schema.json"
    schema = json.loads(path.read_text())
    with faulty(wheels / FAR) as (url, _):
        assert main(["show", "--json", f"{url}/none/{FAR}"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["names"]
    for row in (found["wheel"], *found["objects"]):
        Draft202012Validator(schema).validate(row)


def test_a_member_with_two_names_is_refused_by_whatever_reads_it(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The local header of a member that ranges leave out is not seen, and that is said."""
    liar = tmp_path / FAR
    liar.write_bytes((wheels / FAR).read_bytes().replace(b"far/a.so", b"far/b.so", 1))
    with faulty(liar) as (url, _):
        address = f"{url}/none/{FAR}"
        assert main(["show", address]) == 0
        assert "unseen    the members' bytes and their local headers" in capsys.readouterr().out
        for command in (["show", "--full", address], ["check", address], ["show", str(liar)]):
            assert main(command) == 2
            assert "is called 'far/b.so'" in capsys.readouterr().err


@pytest.mark.parametrize("name", [FAR, f"p0-1.0-{TAG}.whl", f"broken-1.0-{TAG}.whl"])
def test_check_says_of_an_address_what_it_says_of_the_file(
    wheels: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    local = main(["check", str(wheels / name)])
    expected = capsys.readouterr()
    with faulty(wheels / name) as (url, handler):
        assert main(["check", f"{url}/none/{name}"]) == local
        assert len(handler.headers_seen) == 1
    assert capsys.readouterr() == expected


@pytest.mark.parametrize("command", ["show", "check"])
@pytest.mark.parametrize(("fault", "code"), [("404", 2), ("gzip", 2), ("auth", 2)])
def test_a_server_that_refuses_is_one_line_without_secrets(
    wheels: Path, capsys: pytest.CaptureFixture[str], command: str, fault: str, code: int
) -> None:
    with faulty(wheels / FAR) as (url, _):
        secret = url.replace("//", "//me:word@")
        assert main([command, f"{secret}/{fault}/{FAR}?token=word"]) == code
    said = capsys.readouterr().err
    assert f"/{fault}/{FAR}: " in said
    assert "word" not in said
    assert "Traceback" not in said


def test_credentials_of_the_address_are_used(
    wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty(wheels / FAR) as (url, _):
        secret = url.replace("//", "//guest:secret-word@")
        assert main(["show", f"{secret}/auth/{FAR}"]) == 0
    assert "secret" not in "".join(capsys.readouterr())


def test_a_server_that_is_not_there_is_a_fault_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxxrt_toolchain.web.client._FIRST_WAIT", 0.01)
    assert main(["show", f"http://127.0.0.1:{free_port()}/{FAR}"]) == 3
    assert "unreachable: no connection" in capsys.readouterr().err


def test_a_name_that_is_no_wheels_is_refused(
    wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty(wheels / FAR) as (url, _):
        assert main(["show", f"{url}/none/page.html"]) == 2
    assert "not the name of a wheel" in capsys.readouterr().err
