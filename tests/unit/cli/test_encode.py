"""``cxxrt encode``: what it writes conforms, and a release of many platforms goes through it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from elf_maker import make_elf

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Maker = Callable[..., Path]

_PLAIN = "cp312-cp312-manylinux_2_28_x86_64"
_TAGGED = "cp312-cxxrt1_cp312-manylinux_2_28_x86_64"
_USES = {"needed": ["libstdc++.so.6", "libc.so.6"], "needs": {"libstdc++.so.6": ["GLIBCXX_3.4.21"]}}


@pytest.fixture
def built(make_wheel: Maker) -> Maker:
    """A plain wheel as a build leaves it, with one object."""

    def make(**elf: object) -> Path:
        record = json.dumps({"runtime_abi": "cxxrt1"}).encode()
        files = {
            "demo/_ext.so": make_elf({**_USES, **elf}),
            "demo-1.0.dist-info/cxxrt.json": record,
        }
        return make_wheel(files, tags=[_PLAIN], requires_dist=["cxx11-cuda-runtime>=1.9,<2"])

    return make


def test_both_wheels_of_a_release_require_the_same(
    built: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    path = built()
    arguments = ["encode", str(path), "--to", "tag", "-w", str(path.parent)]
    for _ in range(2):  # once more, on both: nothing is left to do
        assert main(arguments) == 0
        out = capsys.readouterr().out.split()
        assert set(out) == {str(path.with_name(f"demo-1.0-{_TAGGED}.whl"))}
        arguments[1:2] = [str(path), out[0]]
    assert main(["check", str(path.parent)]) == 0
    for each in (path, path.with_name(f"demo-1.0-{_TAGGED}.whl")):
        with Wheel.open(each) as wheel:
            assert [*map(str, wheel.metadata.requirements())] == ["cxx11-cuda-runtime<2,>=1.9"]


@pytest.mark.parametrize("encoding", ["tag", "variant"])
def test_a_wheel_that_breaks_what_the_tag_promises_is_not_written(
    built: Maker, tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = built(exports=["_Z5greetRKSs"]), tmp_path / "out"
    assert main(["check", str(path)]) == 0
    capsys.readouterr()
    assert main(["encode", str(path), "--to", encoding, "-w", str(out)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "would not conform and is not written:\n  CXXRT-P5: exports 1 symbol " in said.err
    assert not out.exists()


def test_an_error_that_a_project_ignores_can_be_ignored_here(
    built: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = built(executable_stack=True), tmp_path / "out"
    command = ["encode", str(path), "--to", "plain", "-w", str(out)]
    assert main(command) == 1
    assert "CXXRT-H12" in capsys.readouterr().err
    assert main([*command, "--ignore", "H12"]) == 0
    assert [each.name for each in out.iterdir()] == [path.name]


def test_the_wheels_of_other_platforms_are_passed_over(
    built: Maker, make_wheel: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    path = built()
    others = [
        make_wheel({}, tags=[f"cp312-cp312-{platform}"])
        for platform in ("macosx_11_0_arm64", "musllinux_1_2_x86_64", "win_amd64")
    ]
    everything = sorted(map(str, path.parent.glob("*.whl")))
    assert main(["encode", *everything, "--to", "tag", "-w", str(path.parent)]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(path.with_name(f"demo-1.0-{_TAGGED}.whl"))]
    assert sorted(line.split()[2] for line in said.err.splitlines()) == sorted(
        each.name for each in others
    )


def test_wheels_that_name_no_runtime_are_unusable_input(
    make_wheel: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_wheel({}, tags=[_PLAIN])
    assert main(["encode", str(path), "--to", "tag", "-w", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert "neither the name nor cxxrt.json says which runtime" in capsys.readouterr().err
