"""What the place of a crash tells; functions and stacks are those of real crashes."""

from __future__ import annotations

import pytest
from process_samples import MAKER, SYSTEM, VICTIM, library, stdcxx, view

from cxxrt_toolchain.facts.imports.run import CrashSite
from cxxrt_toolchain.rules.imports.crash_signs import signs

LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
SEEN = view(library(MAKER), stdcxx(), library(VICTIM))
PROTOBUF = "_ZN6google8protobuf8internal20RepeatedPtrFieldBase18AddOutOfLineHelperEPv"


def found(path: str, function: str, *callers: str) -> list[str]:
    return list(signs(CrashSite(0x1000, path, function, callers), "", SEEN))


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        # pymomentum-cpu, then onnxruntime
        ("_ZNKSt7codecvtIDsc11__mbstate_tE10do_unshiftERS0_PcS3_RS3_", "D20"),
        (
            "_ZNKSt7num_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEE6do_putES3_RSt8ios_basecm",
            "D20",
        ),
        ("_ZNSt16_Sp_counted_baseILN9__gnu_cxx12_Lock_policyE2EE10_M_releaseEv", "D22"),
        ("_ZNSs4_Rep10_M_destroyERKSaIcE", "H5"),
        ("__cxa_rethrow", "D20"),
        ("_Unwind_RaiseException", "D20"),
    ],
)
def test_a_function_points_to_a_rule(function: str, rule: str) -> None:
    (line,) = found(SYSTEM, function, VICTIM)
    assert line.endswith(f"(CXXRT-{rule})")


@pytest.mark.parametrize("function", ["", "raise", "_ZN3foo8codecvt", "_ZNSt6vectorIiSaIiEE3endEv"])
def test_other_functions_point_nowhere(function: str) -> None:
    assert found(SYSTEM, function, VICTIM) == []


def test_protobuf_counts_only_between_packages() -> None:
    """TensorFlow, then Paddle: its own function, called with the other's code on the stack."""
    (line,) = found(VICTIM, PROTOBUF, LIBC, MAKER)
    assert line.startswith("protobuf crashes there, with code of victim 1.0 and maker 1.0")
    assert found(VICTIM, PROTOBUF, LIBC) == []


def test_a_jump_out_of_pthread_once_is_a_captured_call_once() -> None:
    assert "CXXRT-D21" in found("", "", LIBC, VICTIM)[0]
    assert found("", "", "/usr/lib/libffi.so.8", "/usr/bin/python3", LIBC) == []
    assert found(SYSTEM, "", LIBC) == []


def test_without_a_place_only_texts_speak() -> None:
    assert list(signs(None, "", SEEN)) == []
    (line,) = signs(None, "pure virtual method called\n", SEEN)
    assert line.startswith("it printed 'pure virtual method called': an object with another layout")
