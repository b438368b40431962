"""Carrying out a plan, with a patcher that only writes down what it was asked for."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.elf.facts import Soname
from cxxrt_toolchain.elf.patcher import ElfEdit
from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.repair.apply import RepairRefusedError, apply_plan, elf_edits
from cxxrt_toolchain.repair.edits import (
    AddFile,
    ClearExecutableStack,
    DropMember,
    ImportFirst,
    ReplaceNeeded,
    Retag,
    SetRequirement,
    SetSearchPath,
)
from cxxrt_toolchain.repair.options import PlanOptions
from cxxrt_toolchain.repair.plan import RepairPlan, make_plan
from cxxrt_toolchain.rules.rule import Finding, Severity
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cxxrt_toolchain.repair.edits import Edit

    MakeWheel = Callable[[Mapping[str, bytes]], Path]

NAME = "demo-1.0-py3-none-any.whl"
RETAG = Retag(python="cp311", abi="cxxrt1_cp311", platform="manylinux_2_17_x86_64")


class WritingPatcher:
    """Appends the edit to the content."""

    def apply(self, content: bytes, edit: ElfEdit, member: str) -> bytes:
        return content + f"\n{member}: {edit.search_path}".encode()


def plan(*edits: Edit, result: str = NAME, refusals: Sequence[Finding] = ()) -> RepairPlan:
    return RepairPlan(source=NAME, result=result, edits=edits, refusals=tuple(refusals), notes=())


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


FILES = {
    "demo/__init__.py": b'"""Doc."""\nimport os\n',
    "demo/_ext.so": b"binary",
    "demo/data.txt": b"data" * 100,
    "demo.libs/libgomp-1.so.1": b"copy",
}


def test_edits_of_one_object_become_one_call() -> None:
    edits = elf_edits(
        [
            ReplaceNeeded(member="a.so", old=Soname("x-1.so"), new=Soname("x.so")),
            ReplaceNeeded(member="a.so", old=Soname("y-1.so"), new=Soname("y.so")),
            SetSearchPath(member="a.so", path="$ORIGIN", as_rpath=True),
            ClearExecutableStack(member="b.so"),
            DropMember(member="c.so", reason=""),
        ]
    )
    assert edits == {
        "a.so": ElfEdit(
            replace_needed=((Soname("x-1.so"), Soname("x.so")), (Soname("y-1.so"), Soname("y.so"))),
            search_path="$ORIGIN",
            as_rpath=True,
        ),
        "b.so": ElfEdit(clear_executable_stack=True),
    }


def test_the_new_wheel_has_every_edit_and_the_source_none(make_wheel: MakeWheel, out: Path) -> None:
    source = make_wheel(FILES)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    steps = plan(
        DropMember(member="demo.libs/libgomp-1.so.1", reason="shared"),
        SetSearchPath(member="demo/_ext.so", path="$ORIGIN/x", as_rpath=False),
        AddFile(member="demo/_cxxrt_init.py", content="call()\n", reason=""),
        ImportFirst(member="demo/__init__.py", module="_cxxrt_init"),
        SetRequirement(distribution="cxx11-cuda-runtime", requirement="cxx11-cuda-runtime>=1.5,<2"),
        RETAG,
        result="demo-1.0-cp311-cxxrt1_cp311-manylinux_2_17_x86_64.whl",
    )
    with Wheel.open(source) as wheel:
        result = apply_plan(steps, wheel, out, patcher=WritingPatcher())
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert [path.name for path in out.iterdir()] == [steps.result]
    found = contents(result)
    assert "demo.libs/libgomp-1.so.1" not in found
    assert found["demo/_ext.so"] == b"binary\ndemo/_ext.so: $ORIGIN/x"
    assert found["demo/_cxxrt_init.py"] == b"call()\n"
    assert found["demo/__init__.py"].splitlines()[1].startswith(b"from . import _cxxrt_init")
    assert b"Requires-Dist: cxx11-cuda-runtime>=1.5,<2\n" in found["demo-1.0.dist-info/METADATA"]
    assert b"Tag: cp311-cxxrt1_cp311-manylinux_2_17_x86_64\n" in found["demo-1.0.dist-info/WHEEL"]
    assert b"Root-Is-Purelib: false\n" in found["demo-1.0.dist-info/WHEEL"]
    with Wheel.open(result) as wheel:
        assert wheel.record_issues() == ()


def test_a_requirement_takes_the_place_of_every_older_one(
    make_wheel: Callable[..., Path], out: Path
) -> None:
    source = make_wheel(
        FILES,
        requires_dist=["numpy", "cxx11_cuda_runtime>=1.3", "CXX11-cuda-runtime<9; extra=='x'"],
    )
    edit = SetRequirement(
        distribution="cxx11-cuda-runtime", requirement="cxx11-cuda-runtime>=1.9,<2"
    )
    with Wheel.open(source) as wheel:
        result = apply_plan(plan(edit), wheel, out)
    with Wheel.open(result) as wheel:
        assert wheel.metadata.requires_dist == ("numpy", "cxx11-cuda-runtime>=1.9,<2")


def test_untouched_members_keep_their_compressed_bytes(make_wheel: MakeWheel, out: Path) -> None:
    source = make_wheel(FILES)
    with Wheel.open(source) as wheel:
        result = apply_plan(plan(RETAG), wheel, out)
        with Wheel.open(result) as new:
            for name in FILES:
                old_extent, new_extent = wheel.extent(name), new.extent(name)
                assert wheel.raw(old_extent.offset, old_extent.compressed_size) == new.raw(
                    new_extent.offset, new_extent.compressed_size
                )


def test_the_same_plan_gives_the_same_bytes(make_wheel: MakeWheel, tmp_path: Path) -> None:
    source = make_wheel(FILES)
    hashes = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with Wheel.open(source) as wheel:
            result = apply_plan(plan(RETAG), wheel, folder)
        hashes.add(hashlib.sha256(result.read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_an_empty_plan_copies_the_wheel_byte_for_byte(make_wheel: MakeWheel, out: Path) -> None:
    source = make_wheel(FILES)
    with Wheel.open(source) as wheel:
        result = apply_plan(plan(), wheel, out)
    assert result.read_bytes() == source.read_bytes()
    assert [path.name for path in out.iterdir()] == [NAME]


def test_the_source_is_never_replaced(make_wheel: MakeWheel) -> None:
    source = make_wheel(FILES)
    content = source.read_bytes()
    with Wheel.open(source) as wheel, pytest.raises(UsageError, match="itself"):
        apply_plan(plan(RETAG), wheel, source.parent)
    assert source.read_bytes() == content


def test_a_refused_plan_is_not_carried_out_and_says_every_reason(
    make_wheel: MakeWheel, out: Path
) -> None:
    reasons = [
        Finding(
            rule="CXXRT-H4",
            severity=Severity.ERROR,
            member="a.so",
            message="static",
            unrepairable="Rebuild it.",
        ),
        Finding(
            rule="CXXRT-P5", severity=Severity.ERROR, member="b.so", message="old", symbol="_Z1fSs"
        ),
    ]
    with Wheel.open(make_wheel(FILES)) as wheel, pytest.raises(RepairRefusedError) as refused:
        apply_plan(plan(RETAG, refusals=reasons), wheel, out)
    assert refused.value.exit_code == 1
    assert "CXXRT-H4: a.so: static. Rebuild it." in str(refused.value)
    assert "CXXRT-P5: b.so: old: _Z1fSs" in str(refused.value)
    assert list(out.iterdir()) == []


def test_an_error_on_the_way_leaves_nothing(make_wheel: MakeWheel, out: Path) -> None:
    class Failing:
        def apply(self, content: bytes, edit: ElfEdit, member: str) -> bytes:
            raise UsageError(f"{member} of {len(content)} bytes does not allow {edit}")

    steps = plan(SetSearchPath(member="demo/_ext.so", path="x", as_rpath=False), RETAG)
    with Wheel.open(make_wheel(FILES)) as wheel, pytest.raises(UsageError, match=r"demo/_ext\.so"):
        apply_plan(steps, wheel, out, patcher=Failing())
    assert list(out.iterdir()) == []


def test_a_wheel_without_native_code_needs_no_repair(make_wheel: MakeWheel) -> None:
    with Wheel.open(make_wheel({"demo/__init__.py": b""})) as wheel:
        report = collect(wheel)
        found = make_plan(report, PlanOptions(), wheel.read)
    assert found.possible
    assert found.edits == ()
    assert found.result == found.source
    assert replace(found, notes=()).notes == ()
