"""What a wheel needs of a library whose row counts symbol versions, not symbols."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from cxxrt_toolchain.abi.provider import NoProviderError, Provided, read_library
from cxxrt_toolchain.elf.facts import NeededVersion, Soname
from cxxrt_toolchain.facts.needs import provided as needs

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.wheel import WheelReport

SONAME = Soname("libx.so.1")
ROW = Provided(
    soname=SONAME,
    provider="x",
    distribution="x",
    architectures=("x86_64",),
    places=("site:x/lib/libx.so.1",),
    policy="versions",
    scope="local",
    first="1.2",
    below="3",
    proof=("x_release",),
)
RELEASES = {
    "1.2": {"added": ["X_1.0", "X_1.2"]},
    "1.10": {"added": ["X_1.10"]},
    "2.0": {"removed": ["X_1.0"]},
}


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    ROW.__dict__["table"] = read_library({"complete": True, "releases": RELEASES})
    monkeypatch.setattr(needs, "provided", lambda name, _="": ROW if name == SONAME else None)


def _need(*versions: NeededVersion) -> needs.ProviderNeed:
    symbols = SimpleNamespace(provided_needs=((SONAME, ("x_new",)),), unversioned=("x_old",))
    facts = SimpleNamespace(needed=(SONAME,), version_needs=versions, machine="x86_64")
    found = SimpleNamespace(member="demo/_ext.so", facts=facts, symbols=symbols)
    report: Any = SimpleNamespace(
        objects=(found,),
        dropped={},
        provides=lambda _: None,
        tags=SimpleNamespace(distribution="demo"),
    )
    (need,) = needs.provider_needs(cast("WheelReport", report), repaired=False)
    return need


def _version(version: str, soname: str = SONAME, *, weak: bool = False) -> NeededVersion:
    return NeededVersion(soname=Soname(soname), version=version, weak=weak)


def test_versions_bound_from_both_ends_and_symbols_do_not() -> None:
    need = _need(_version("X_1.2"), _version("GLIBC_2.14", "libc.so.6"))
    assert (need.symbols, need.requirement) == (("X_1.2",), "x<3,>=1.2")
    assert _need(_version("X_1.2"), _version("X_1.10")).requirement == "x<3,>=1.10"
    assert _need(_version("X_1.0")).requirement == "x<2.0,>=1.2"
    with pytest.raises(NoProviderError, match=r"no release of x up to .* has X_9 of libx\.so\.1"):
        _ = _need(_version("X_9")).requirement


def test_a_weak_version_bounds_nothing() -> None:
    assert _need(_version("X_1.2"), _version("X_1.10", weak=True)).requirement == "x<3,>=1.2"


def test_versions_are_no_functions_to_prove_a_copy_by() -> None:
    assert _need(_version("X_1.10")).baked["proof"] == ("x_release",)
