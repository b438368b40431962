"""What a built library must keep, each promise broken once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cxxrt_toolchain.elf.facts import (
    Binding,
    DynamicSymbol,
    NeededVersion,
    SharedObject,
    Soname,
    SymbolType,
)
from cxxrt_toolchain.runtime.conformity import broken_promises, figures, glibc_need, version_nodes

LIBC = Soname("libc.so.6")


def _symbol(
    name: str,
    version: str | None = None,
    *,
    defined: bool = True,
    binding: Binding = Binding.GLOBAL,
    visible: bool = True,
) -> DynamicSymbol:
    return DynamicSymbol(
        name=name,
        version=version,
        soname=None if defined else LIBC,
        defined=defined,
        default=defined,
        binding=binding,
        type=SymbolType.FUNC,
        visible=visible,
        size=8,
        address=0x1000,
    )


GOOD = SharedObject(
    bits=64,
    little_endian=True,
    machine="x86_64",
    kind="dyn",
    soname=Soname("libgcc_s.so.1"),
    needed=(LIBC,),
    rpath="$ORIGIN",
    runpath=None,
    version_needs=(
        NeededVersion(soname=LIBC, version="GLIBC_2.2.5"),
        NeededVersion(soname=LIBC, version="GLIBC_2.14"),
    ),
    version_definitions=("GCC_3.0", "GCC_14.0.0", "GCC_4.0.0"),
    executable_stack=False,
    static_tls=False,
    symbols=(
        _symbol("_Unwind_Resume", "GCC_3.0"),
        _symbol("dl_iterate_phdr", "GLIBC_2.2.5", defined=False),
        _symbol("__gmon_start__", defined=False, binding=Binding.WEAK),
    ),
)


def _faults(facts: SharedObject, ref: SharedObject | None = GOOD) -> str:
    name = Soname("libgcc_s.so.1")
    return " ".join(broken_promises(name, facts, arch="x86_64", floor="2.17", ref=ref))


def test_an_export_outside_of_the_namespace_is_named() -> None:
    name, inside = Soname("libx.so.1"), _symbol("_ZN2nsE", "ns")
    found = replace(GOOD, soname=name, symbols=(inside, _symbol("plain", "ns")))
    (fault,) = broken_promises(name, found, arch="x86_64", floor="2.17", ref=None, namespace="ns")
    assert fault == "libx.so.1 exports plain outside of ns."


def test_a_library_that_keeps_every_promise_has_no_fault() -> None:
    assert _faults(GOOD) == ""
    assert _faults(GOOD, None) == ""


def _with_symbols(*more: DynamicSymbol) -> SharedObject:
    return replace(GOOD, symbols=(*(GOOD.symbols or ()), *more))


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        (replace(GOOD, machine="aarch64"), "is aarch64 dyn"),
        (replace(GOOD, kind="exec"), "is x86_64 exec"),
        (replace(GOOD, soname=None), "has the SONAME None"),
        (
            replace(GOOD, version_needs=(NeededVersion(soname=LIBC, version="GLIBC_2.18"),)),
            "needs GLIBC_2.18, above the floor 2.17",
        ),
        (replace(GOOD, executable_stack=True), "executable stack"),
        (replace(GOOD, rpath=None), "has RPATH None"),
        (replace(GOOD, rpath="$ORIGIN:/usr/lib"), "has RPATH '$ORIGIN:/usr/lib'"),
        (replace(GOOD, runpath="$ORIGIN"), "RUNPATH '$ORIGIN'"),
        (_with_symbols(_symbol("sqrtf128", defined=False)), "needs sqrtf128 without a version"),
        (replace(GOOD, symbols=(_symbol("_Unwind_Resume", "GCC_3.0"),)), "cannot unwind"),
        (replace(GOOD, symbols=(GOOD.symbols or ())[1:]), "lacks _Unwind_Resume@GCC_3.0"),
    ],
)
def test_each_broken_promise_is_one_sentence(facts: SharedObject, fault: str) -> None:
    text = _faults(facts)
    assert fault in text
    assert text.count("libgcc_s.so.1 ") == 1


def test_all_broken_promises_are_named_at_once() -> None:
    assert _faults(replace(GOOD, executable_stack=True, rpath=None)).count("libgcc_s.so.1 ") == 2


def test_hidden_and_local_symbols_are_no_exports() -> None:
    hidden = _symbol("hidden", "GCC_3.0", visible=False)
    local = _symbol("local", "GCC_3.0", binding=Binding.LOCAL)
    row = figures(Soname("libgcc_s.so.1"), _with_symbols(hidden, local), 10, GOOD)
    assert (row.symbols, row.reference_symbols, row.size) == (1, 1, 10)


def test_versions_compare_by_number() -> None:
    assert glibc_need(GOOD) == "2.14"
    assert version_nodes(GOOD) == (("GCC", "14.0.0"),)


def test_an_object_without_glibc_versions_needs_none() -> None:
    assert glibc_need(replace(GOOD, version_needs=())) == ""
