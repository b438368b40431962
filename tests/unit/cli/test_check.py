"""``cxxrt check``: exit codes, folders, broken files."""

from __future__ import annotations

import json
import venv
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from cxxrt_toolchain.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[..., Path]

SCHEMAS = Path(__file__).parents[3] / "abi-tag-spec" / "cxxrt_abi_tag_spec" / "schemas"
PLATFORM = "cp311-cp311-manylinux_2_28_x86_64"


@pytest.fixture
def good(make_wheel: Callable[..., Path], elf_fixture: Callable[[str], Path]) -> Path:
    files = {"demo/_ext.so": elf_fixture("libplain-cet.so").read_bytes()}
    return make_wheel(files, name="good", tags=[PLATFORM])


@pytest.fixture
def bad(make_wheel: Callable[..., Path], elf_fixture: Callable[[str], Path]) -> Path:
    files = {"demo/_ext.so": elf_fixture("libplain-execstack.so").read_bytes()}
    return make_wheel(files, name="bad", tags=[PLATFORM])


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / f"broken-1.0-{PLATFORM}.whl"
    path.write_bytes(b"PK\x03\x04 and nothing more")
    return path


def test_a_wheel_that_keeps_its_promises_is_0(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(good)]) == 0
    assert f"{good.name}: conforms" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["numpy<3", "numpy>=2"])
def test_wheels_of_one_version_require_the_same(
    wanted: str, make_wheel: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """W6, a warning on each of them; the spelling does not count."""
    lines = "Metadata-Version: 2.1\nName: good\nVersion: 1.0\nRequires-Dist: "
    for tag, line in ((PLATFORM, "numpy >= 2"), (PLATFORM.replace("311", "312"), wanted)):
        files = {"good-1.0.dist-info/METADATA": f"{lines}{line}\n".encode()}
        make_wheel(files, name="good", tags=[tag]).rename(tmp_path / f"good-1.0-{tag}.whl")
    assert main(["check", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("CXXRT-W6") == (2 if wanted == "numpy<3" else 0)
    assert ("this one lacks numpy<3 and has numpy>=2" in out) == (wanted == "numpy<3")


def test_one_that_does_not_is_1_with_the_rule_and_its_evidence(
    bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(bad)]) == 1
    out = capsys.readouterr().out
    assert "does not conform (1 error)" in out
    assert "CXXRT-H12  demo/_ext.so" in out


def test_a_file_that_cannot_be_judged_is_2_and_hides_no_other_verdict(
    good: Path, bad: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(good.parent)]) == 2
    captured = capsys.readouterr()
    assert f"{good.name}: conforms" in captured.out
    assert f"{bad.name}: does not conform" in captured.out
    assert broken.name in captured.err
    assert "Traceback" not in captured.err


def test_json_has_one_document_for_each_wheel_as_the_schema_says(
    good: Path, bad: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--json", str(good.parent)]) == 2
    document = json.loads(capsys.readouterr().out)
    schema = json.loads((SCHEMAS / "verdict.schema.json").read_text(encoding="utf-8"))
    for wheel in document["wheels"]:
        jsonschema.Draft202012Validator(schema).validate(wheel)
    found = {wheel["filename"]: wheel.get("conforms") for wheel in document["wheels"]}
    assert found == {good.name: True, bad.name: False, broken.name: None}


def test_another_tag_can_be_tried(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--tag", "cxxrt1", str(good)]) == 1
    assert "CXXRT-T7" in capsys.readouterr().out
    assert main(["check", "--tag", "nonsense", str(good)]) == 2


def test_a_folder_without_wheels_and_a_missing_file_are_2(tmp_path: Path) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert main(["check", str(tmp_path / f"none-1.0-{PLATFORM}.whl")]) == 2


def test_names_from_a_wheel_cannot_draw_on_the_terminal(
    make_wheel: Callable[..., Path],
    elf_fixture: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {"demo/\x1b[2J[red]x.so": elf_fixture("libplain-execstack.so").read_bytes()}
    code = main(["check", str(make_wheel(files, tags=[PLATFORM]))])
    captured = capsys.readouterr()
    assert code in (1, 2)
    assert "\x1b[2J" not in captured.out + captured.err


def test_an_ignored_error_is_shown_as_ignored_and_decides_nothing(
    bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--ignore", "h12", str(bad)]) == 0
    out = capsys.readouterr().out
    assert "conforms (1 ignored)" in out
    assert "ignored CXXRT-H12" in out


def test_ignored_findings_are_marked_in_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", "--ignore", "CXXRT-H12,H13", str(bad)]) == 0
    (wheel,) = json.loads(capsys.readouterr().out)["wheels"]
    assert [(row["rule"], row["severity"], row["ignored"]) for row in wheel["findings"]] == [
        ("CXXRT-H12", "error", True)
    ]
    assert wheel["conforms"]


def test_a_selection_is_named_and_hides_other_rules(
    bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--select", "W", str(bad)]) == 0
    out = capsys.readouterr().out
    assert "CXXRT-H12" not in out
    assert "CXXRT-W1, CXXRT-W2, CXXRT-W3, CXXRT-W4, CXXRT-W5" in out
    assert main(["check", "--select", "W,H12", str(bad)]) == 1


@pytest.mark.parametrize(
    ("option", "rules", "said"),
    [
        ("--ignore", "H99", "no rule 'H99'"),
        ("--select", "H99", "no rule 'H99'"),
        ("--ignore", "P4", "CXXRT-P4 cannot be ignored: it breaks what the wheel's tag promises"),
        ("--select", "D3", "no rule that this command judges by"),
    ],
)
def test_what_cannot_be_selected_or_ignored_is_2(
    bad: Path, option: str, rules: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", option, rules, str(bad)]) == 2
    assert said in capsys.readouterr().err


def test_a_tagged_wheel_cannot_ignore_what_its_tag_forbids(
    bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--tag", "cxxrt1", "--ignore", "H12", str(bad)]) == 2
    assert "CXXRT-H12 cannot be ignored" in capsys.readouterr().err


def test_sarif_is_one_document_with_the_rules_that_judge_wheels(
    bad: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--format", "sarif", str(bad), str(broken)]) == 2
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {"CXXRT-T0", "CXXRT-P1", "CXXRT-H12", "CXXRT-W5"} <= rules
    assert "CXXRT-D3" not in rules
    assert [result["ruleId"] for result in run["results"]] == ["CXXRT-H12"]
    assert not run["invocations"][0]["executionSuccessful"]


def test_github_has_an_annotation_for_each_finding_and_each_broken_file(
    good: Path, bad: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--format", "github", str(good), str(bad), str(broken)]) == 2
    captured = capsys.readouterr()
    first, second = captured.out.splitlines()
    assert first.startswith(f"::error file={bad},title=CXXRT-H12%3A Executable stack::demo/_ext.so")
    assert second.startswith(f"::error file={broken},title=cannot be judged::")


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_every_format_says_on_stderr_what_cannot_be_judged(
    form: str, good: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--format", form, str(good), str(broken)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cxxrt check: {broken.name}: ")
    assert main(["check", "--format", form, str(good)]) == 0
    assert capsys.readouterr().err == ""


@pytest.fixture
def user(make_wheel: Maker, elf_fixture: Callable[[str], Path]) -> Maker:
    """A wheel that needs ``libdep.so.1`` from outside, with some requirements."""
    files = {"user/_core.so": elf_fixture("libuser.so").read_bytes()}
    return partial(make_wheel, files, "user", "1.0", [PLATFORM])


@pytest.fixture
def other(make_wheel: Maker, elf_fixture: Callable[[str], Path]) -> Maker:
    """A wheel with a library of some name, and some requirements."""

    def make(library: str = "libdep.so.1", requires: tuple[str, ...] = ()) -> Path:
        files = {f"other/lib/{library}": elf_fixture("libdep.so").read_bytes()}
        return make_wheel(files, "other_libs", tags=[PLATFORM], requires_dist=requires)

    return make


def _outside(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """Severity and message of the P1 findings of a wheel named user."""
    main(["check", "--json", *options, str(path)])
    wheels = json.loads(capsys.readouterr().out)["wheels"]
    findings = next(each["findings"] for each in wheels if each["filename"].startswith("user-"))
    (found,) = [each for each in findings if each["rule"] == "CXXRT-P1"]
    return found["severity"], found["message"].partition("; ")[2] or found["message"]


@pytest.mark.parametrize(
    ("requires", "severity", "words"),
    [
        ((), "error", "nor promised by the tag"),
        (("other-libs",), "warning", "that other-libs brings it is unproven"),
        (("other-libs>=1", "third"), "warning", "that other-libs and third bring it is unproven"),
        (("libdep-wheel", "third"), "warning", "that libdep-wheel brings it is unproven"),
        (("other-libs; sys_platform == 'linux'",), "warning", "other-libs"),
        (("other-libs; python_version < '3.12'",), "warning", "other-libs"),
        (("other-libs; python_version >= '3.12'",), "error", "nor promised"),
        (("other-libs; sys_platform == 'win32'",), "error", "nor promised"),
        (("other-libs; extra == 'more'",), "error", "nor promised"),
        (("cxx11-cuda-runtime>=1.9,<2",), "error", "nor promised"),
    ],
)
@pytest.mark.parametrize("tag", [(), ("--tag", "cxxrt1")], ids=["plain", "tagged"])
def test_what_a_requirement_may_bring_is_unproven(
    user: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    requires: tuple[str, ...],
    severity: str,
    words: str,
    tag: tuple[str, ...],
) -> None:
    found = _outside(user(requires), capsys, *tag)
    assert found[0] == severity
    assert words in found[1]


@pytest.mark.parametrize(
    ("wanted", "library", "severity", "words"),
    [
        ("other-libs", "libdep.so.1", "note", "which other-libs 1.0 brings"),
        ("other-libs", "libelse.so", "error", "other-libs does not bring it"),
        ("other-libs", "libdep-1a2b3c.so.1", "warning", "unproven"),
        ("other-libs>=2", "libdep.so.1", "warning", "unproven"),
    ],
)
def test_wheels_that_are_checked_together_prove_what_they_bring(
    user: Callable[..., Path],
    other: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    wanted: str,
    library: str,
    severity: str,
    words: str,
) -> None:
    other(library)
    found = _outside(user((wanted,)).parent, capsys)
    assert found[0] == severity
    assert words in found[1]


def test_what_a_requirement_requires_counts(
    user: Callable[..., Path],
    other: Callable[..., Path],
    make_wheel: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_wheel({"middle.py": b""}, "middle", requires_dist=["other-libs; extra == 'all'"])
    other()
    assert "does not bring it" in _outside(user(("middle",)).parent, capsys)[1]
    assert "other-libs 1.0 brings" in _outside(user(("middle[all]",)).parent, capsys)[1]


def test_an_environment_proves_what_is_installed_there(
    user: Callable[..., Path],
    other: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    (site,) = (tmp_path / "env" / "lib").glob("*/site-packages")
    with zipfile.ZipFile(other()) as archive:
        archive.extractall(site)
    wheel = user(("other-libs",))
    assert _outside(wheel, capsys, "--python", str(tmp_path / "env"))[0] == "note"
    assert _outside(wheel, capsys)[0] == "warning"
    assert main(["check", str(wheel), "--python", str(tmp_path / "none")]) == 2
