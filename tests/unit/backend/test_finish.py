"""From a plain wheel to the published one: what a project ignores, and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from elf_maker import make_elf

from cxxrt_toolchain.backend.config import BuildConfig
from cxxrt_toolchain.backend.finish import finish_wheel
from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.repair.apply import RepairRefusedError
from cxxrt_toolchain.repair.options import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IGNORING = BuildConfig(encoding=Encoding.PLAIN, ignore=frozenset({"CXXRT-H8"}))


@pytest.fixture
def capturing(make_wheel: Callable[..., Path]) -> Path:
    """A wheel with an object that exports a symbol of libstdc++ and uses nothing of the runtime."""
    content = make_elf({"needed": ["libc.so.6"], "exports": ["__once_proxy", "PyInit__ext"]})
    return make_wheel({"demo/_ext.so": content}, tags=["cp311-cp311-manylinux_2_28_x86_64"])


def test_what_no_edit_cures_keeps_the_wheel_from_being_written(
    capturing: Path, tmp_path: Path
) -> None:
    with pytest.raises(RepairRefusedError, match=r"CXXRT-H8: demo/_ext\.so: exports 1"):
        finish_wheel(capturing, tmp_path, replace(IGNORING, ignore=frozenset()))


def test_an_ignored_error_is_written_down_and_the_wheel_is_written(
    capturing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert finish_wheel(capturing, out, IGNORING).is_file()
    assert "cxxrt: ignored CXXRT-H8: demo/_ext.so: exports 1" in capsys.readouterr().err


@pytest.mark.parametrize("needed", ["libstdc++.so.6", "libc.so.6"])
def test_static_dependencies_without_the_runtime_are_an_error_where_the_wheel_needs_it(
    make_wheel: Callable[..., Path], tmp_path: Path, needed: str
) -> None:
    """Uv, PDM and Poetry read them without building: PEP 621 says that they hold."""
    files = {"demo/__init__.py": b"", "demo/_ext.so": make_elf({"needed": [needed]})}
    wheel = make_wheel(files, tags=["cp311-cp311-linux_x86_64"])
    (tmp_path / "out").mkdir()
    undeclared = BuildConfig(runtime_declared=False)
    if needed == "libc.so.6":
        assert finish_wheel(wheel, tmp_path / "out", undeclared).is_file()
        return
    with pytest.raises(ConfigError, match=r"^project\.dependencies lacks cxx11-cuda-") as caught:
        finish_wheel(wheel, tmp_path / "out", undeclared)
    assert caught.value.advice == 'Add the line "cxx11-cuda-runtime<2,>=1.0", to it.'
    assert not list((tmp_path / "out").iterdir())


def test_what_breaks_the_promise_of_a_runtime_abi_is_not_ignored(
    make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    content = make_elf(
        {
            "needed": ["libstdc++.so.6", "libc.so.6"],
            "needs": {"libstdc++.so.6": ["GLIBCXX_3.4"]},
            "exports": ["__once_proxy"],
        }
    )
    wheel = make_wheel({"demo/_ext.so": content}, tags=["cp311-cp311-linux_x86_64"])
    with pytest.raises(RepairRefusedError, match="CXXRT-H8 cannot be ignored: it breaks"):
        finish_wheel(wheel, tmp_path, replace(IGNORING, encoding=Encoding.TAG))
