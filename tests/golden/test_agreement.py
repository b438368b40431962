"""``repair``, its dry run, ``encode`` and ``check`` agree about every wheel.

The golden cases, with objects that patchelf can edit, and wheels that hypothesis makes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import golden_case
import pytest
from agreement import disagreements
from hypothesis import HealthCheck, given, settings
from made_wheels import made_cases

from cxxrt_toolchain.abi.spec import load_policy
from cxxrt_toolchain.abi.symbols import load_symbol_tables
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from packaging.version import Version

FOLDERS = sorted(path.parent for path in golden_case.CASES.glob("*/case.toml"))
OPTIONS = (("--encoding", "tag"), ("--encoding", "plain"), ("--keep-platform", "--no-graft"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_tools_agree_about_the_golden_cases(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    case = golden_case.load_case(folder)
    wheel = golden_case.write_wheel_of(case, tmp_path / "in")
    assert list(disagreements(wheel, tmp_path / "out")) == []


@pytest.mark.parametrize("release", ["1.14", "1.15", "1.16"])
def test_bound_and_policy_have_the_same_versions(release: str, tmp_path: Path) -> None:
    """All version nodes that a release has and no earlier one are needed, in a tagged wheel."""
    policy = load_policy(RuntimeAbi(epoch=1, cuda=None))
    needs = {
        soname: new
        for soname, nodes in load_symbol_tables().versions.items()
        if (new := sorted(node for node, gcc in nodes.items() if _runtime(gcc) == release))
    }
    known = {
        soname: [node for node in nodes if policy.allows_version("x86_64", node) is not False]
        for soname, nodes in needs.items()
    }
    # GCC's tables are those of all architectures together; libgcc_s differs between them.
    assert {each for nodes in needs.values() for each in nodes} - {
        each for nodes in known.values() for each in nodes
    } <= {"GCC_14.0", "GCC_16.0"}
    elf = {
        "member": "demo/_ext.cpython-311-x86_64-linux-gnu.so",
        "needed": [*known, "libc.so.6"],
        "needs": {soname: nodes for soname, nodes in known.items() if nodes},
        "exports": ["PyInit__ext"],
    }
    case = {"wheel": "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "elf": [elf]}
    wheel = golden_case.write_wheel_of(case, tmp_path)
    assert list(disagreements(wheel, tmp_path / "out", "--encoding", "tag")) == []
    with Wheel.open(next((tmp_path / "out" / "once").iterdir())) as repaired:
        assert repaired.metadata.requires_dist == (f"cxx11-cuda-runtime<2,>={release}",)


def _runtime(gcc: Version) -> str:
    """The runtime release that carries a GCC release first."""
    return f"1.{gcc.major}" if gcc.major >= 5 else "1.0"


@pytest.mark.fuzz
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(case=made_cases())
def test_the_tools_agree_about_any_wheel(options: tuple[str, ...], case: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        wheel = golden_case.write_wheel_of(case, Path(name))
        assert list(disagreements(wheel, Path(name) / "out", *options)) == []
