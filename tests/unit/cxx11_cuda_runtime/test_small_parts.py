"""The parts of the loader that are functions of values: messages, switches, versions, hooks."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

import cxx11_cuda_runtime
from cxx11_cuda_runtime import _activate, _baked, _cudart, _dl, _errors, _load, _require, _run
from cxx11_cuda_runtime.__main__ import _split
from cxx11_cuda_runtime._blame import culprit
from cxx11_cuda_runtime._doctor import process

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("value", [None, "", "0", "false", "FALSE", " no ", "off"])
def test_a_switch_that_says_no_is_off(value: str | None) -> None:
    assert not _load.truthy(value)


@pytest.mark.parametrize("value", ["1", "true", "Yes", "on", "anything"])
def test_any_other_value_is_on(value: str) -> None:
    assert _load.truthy(value)


def test_every_error_is_an_import_error_with_a_rule_of_its_own() -> None:
    classes = [
        value
        for value in vars(_errors).values()
        if isinstance(value, type) and issubclass(value, _errors.RuntimeLoadError)
    ]
    assert all(issubclass(each, ImportError) for each in classes)
    assert len({each.rule for each in classes}) == len(classes)
    public = set(cxx11_cuda_runtime.__all__)
    assert {each.__name__ for each in classes} <= public


def test_a_message_numbers_its_remedies_only_if_there_are_several() -> None:
    none, one, two = (
        str(_errors.LibraryLoadError("It broke.", advice)) for advice in ((), ("a",), ("a", "b"))
    )
    assert none == "It broke. [CXXRT-L001]"
    assert one == "It broke. Fix: a. [CXXRT-L001]"
    assert two == "It broke. Fix one of: (1) a; (2) b. [CXXRT-L001]"


@pytest.mark.parametrize(
    ("dlerror", "words"),
    [
        ("/x: file too short", "truncated"),
        ("/x: invalid ELF header", "LFS"),
        ("/x: failed to map segment from shared object", "noexec"),
        ("/x: cannot enable executable stack as shared object requires", "executable stack"),
        ("/x: cannot open shared object file: Not a directory", "zip"),
        ("/x: cannot open shared object file: No such file or directory", "missing"),
        ("/x: wrong ELF class: ELFCLASS32", "architecture"),
        ("libc.so.6: version `GLIBC_2.38' not found (required by /x)", "glibc 2.17 or newer"),
        ("something new", "something new"),
    ],
)
def test_the_dynamic_linkers_text_is_explained(dlerror: str, words: str) -> None:
    error = _load.explained("/x", dlerror)
    assert words in str(error)
    assert error.remedies


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", ("12", None)), ("12.9", ("12", (12, 9))), ("13.10", ("13", (13, 10)))],
)
def test_a_cuda_release_is_split(text: str, expected: object) -> None:
    assert _cudart.parse_release(text) == expected


@pytest.mark.parametrize("text", ["", ".", "12.", ".9", "12.9.1", "a", "12.x", "-1"])
def test_a_cuda_release_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a CUDA release"):
        _cudart.parse_release(text)


def test_a_release_is_proved_by_the_newest_function_that_it_must_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = (("12.10", "ten"), ("12.8", "eight"), ("12.2", "two"))
    monkeypatch.setattr(_baked, "CUDART", {"12": ("12.10", rows)})
    proofs = {minor: _cudart.symbol_of((12, minor)) for minor in (0, 2, 7, 8, 9, 10)}
    assert proofs == {0: "", 2: "two", 7: "two", 8: "eight", 9: "eight", 10: "ten"}
    assert _cudart.symbol_of((13, 0)) == ""


def test_nvidias_distribution_lost_its_suffix_with_cuda_13() -> None:
    assert _cudart.requirement("12", (12, 8)) == "nvidia-cuda-runtime-cu12>=12.8"
    assert _cudart.requirement("12", None) == "nvidia-cuda-runtime-cu12==12.*"
    assert _cudart.requirement("13", (13, 1)) == "nvidia-cuda-runtime>=13.1,<14"
    assert _cudart.requirement("13", None) == "nvidia-cuda-runtime==13.*"


def test_a_symbol_version_is_parsed_and_anything_else_is_refused() -> None:
    assert _require.parse_glibcxx("3.4.30") == 30
    for text in ("", "3.4", "3.5.30", "3.4.x", "GLIBCXX_3.4.30"):
        with pytest.raises(ValueError, match="expected a symbol version"):
            _require.parse_glibcxx(text)


def test_a_checkout_has_no_candidate_of_its_own() -> None:
    assert _load.candidates("vendored") == []
    assert _load.candidates("auto") == []
    assert _load.candidates("/opt/libstdc++.so.6") == [(0, "override", "/opt/libstdc++.so.6")]


def test_the_newest_candidate_comes_first_and_a_tie_goes_to_the_vendored_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_baked, "GLIBCXX", 33)
    for number in (30, 33, 36):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / f"libstdc++.so.6.0.{number}").write_bytes(b"")
        (folder / "libstdc++.so.6").symlink_to(f"libstdc++.so.6.0.{number}")
    path = ":".join(str(tmp_path / each) for each in ("30", "36", "33"))
    monkeypatch.setenv("LD_LIBRARY_PATH", path)
    found = [(number, how) for number, how, _ in _load.candidates() if how != "system"]
    assert found == [
        (36, "ld-library-path"),
        (33, "vendored"),
        (33, "ld-library-path"),
        (30, "ld-library-path"),
    ]


def test_a_preload_list_starts_with_ours_and_loses_other_copies() -> None:
    before = "/old/libstdc++.so.6 /x/libasan.so:/old/libgcc_s.so.1:/x/libasan.so"
    merged = _run.merged_preload(["/o/libgcc_s.so.1", "/o/libstdc++.so.6"], before)
    assert merged == "/o/libgcc_s.so.1:/o/libstdc++.so.6:/x/libasan.so"
    assert _run.merged_preload(["/o/libstdc++.so.6"], "") == "/o/libstdc++.so.6"


@pytest.mark.parametrize("path", ["/with space/libstdc++.so.6", "/with:colon/libstdc++.so.6"])
def test_a_path_that_a_preload_list_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(_errors.LibraryLoadError, match="space or colon"):
        _run.merged_preload([path], "")


def test_a_checkout_has_nothing_to_preload() -> None:
    with pytest.raises(_errors.UnbuiltError):
        _run.preload_paths()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["run", "-c", "x"], (["run"], ["-c", "x"])),
        (["run", "--no-inherit", "-m", "a"], (["run", "--no-inherit"], ["-m", "a"])),
        (["run", "a.py", "--no-inherit"], (["run"], ["a.py", "--no-inherit"])),
        (["doctor", "--json"], (["doctor", "--json"], [])),
        ([], ([], [])),
    ],
)
def test_the_program_of_run_keeps_its_own_options(argv: list[str], expected: object) -> None:
    assert _split(argv) == expected


@pytest.mark.parametrize(
    ("version", "name"), [((3, 9), "cxxrt.pth"), ((3, 14), "cxxrt.pth"), ((3, 15), "cxxrt.start")]
)
def test_the_hook_is_written_whole_once_and_removed_exactly(
    tmp_path: Path, version: tuple[int, int], name: str
) -> None:
    folder = tmp_path / "site"
    path = _activate.activate(str(folder), version)
    assert path == _activate.activate(str(folder), version) == str(folder / name)
    assert [each.name for each in folder.iterdir()] == [name]
    assert (folder / name).stat().st_mode & 0o777 == 0o644
    assert (folder / name).read_text() == _activate.hook(version)[1]
    assert _activate.deactivate(str(folder), version) == path
    assert _activate.deactivate(str(folder), version) == ""
    assert list(folder.iterdir()) == []


def test_a_pth_hook_is_one_line_that_begins_with_import() -> None:
    name, content = _activate.hook((3, 12))
    assert name.endswith(".pth")
    assert content.startswith("import ")
    assert content.count("\n") == 1
    compile(content, name, "exec")


def test_a_hook_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cxxrt.pth").write_bytes(b"import mine\n")
    for action in (_activate.activate, _activate.deactivate):
        with pytest.raises(_errors.HookError, match=r"it was not (changed|removed)"):
            action(str(tmp_path), (3, 12))
    (tmp_path / "cxxrt.pth").write_bytes(b"\xff\xfe")
    with pytest.raises(_errors.HookError, match="cannot read"):
        _activate.deactivate(str(tmp_path), (3, 12))


def test_a_library_is_compared_with_its_row_of_the_manifest(tmp_path: Path) -> None:
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of "x"
    row = {"soname": "a", "path": "a", "size": 1, "sha256": digest, "more": 2}
    (tmp_path / "manifest.json").write_text(json.dumps({"libraries": [row]}), encoding="utf-8")
    for content, expected in ((b"x", ""), (b"y", "other content"), (b"xx", "2 bytes instead of 1")):
        (tmp_path / "a").write_bytes(content)
        reasons = [f"{tmp_path / 'a'} ({expected})"] if expected else []
        assert process.damaged_files(str(tmp_path)) == tuple(reasons)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"libraries": [{"soname": "a"}]}', "3"])
def test_a_text_that_is_no_manifest_is_a_damaged_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text, encoding="utf-8")
    (found,) = process.damaged_files(str(tmp_path))
    assert found.startswith(f"{path}: ")


def test_a_file_is_attributed_to_the_distribution_that_records_it(tmp_path: Path) -> None:
    package = tmp_path / "site" / "demo"
    package.mkdir(parents=True)
    for name, row in (("demo-1.0", "demo/a.so,sha256=x,1\n"), ("other-2", "demo/a.so.1,,\n")):
        info = tmp_path / "site" / f"{name}.dist-info"
        info.mkdir()
        (info / "RECORD").write_text(row)
    (tmp_path / "site" / "broken-1.dist-info").mkdir()
    sys_path = ["", str(tmp_path / "elsewhere"), str(tmp_path / "site")]
    files = [str(package / "a.so"), str(package / "b.so"), "/usr/lib/libx.so"]
    assert culprit.distributions_of(files, sys_path) == {files[0]: "demo 1.0"}
    metadata = tmp_path / "site" / "demo-1.0.dist-info" / "METADATA"
    metadata.write_text("Name: de-mo\nVersion: 1.0\n\nVersion: 2 of this text\n")
    assert culprit.distributions_of(files, sys_path) == {files[0]: "de-mo 1.0"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("glibc 2.17", True), ("", False), (None, False), (OSError(22, "Invalid argument"), False)],
)
def test_without_glibc_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, answer: object, expected: bool
) -> None:
    def confstr(name: str) -> object:
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(os, "confstr", confstr)
    assert _dl.supported() is expected


@pytest.mark.parametrize(("name", "value"), [("platform", "darwin"), ("platform", "win32")])
def test_on_another_system_nothing_is_done_and_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setattr(sys, name, value)
    assert _load.load_cxx() == "unsupported"
    _require.require(glibcxx="3.4.99", cudart="99", openmp=True, who="demo", how="unsupported")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cxx11_cuda_runtime.nothing
