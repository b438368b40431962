"""Reading the machine-readable specification."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.abi.spec import (
    UnknownEpochError,
    epoch_from_document,
    load_policy,
    load_spec,
    spec_from_document,
)
from cxxrt_toolchain.abi.tag import RuntimeAbi


def test_epoch_one_is_the_published_one() -> None:
    epoch = load_spec().epoch(1)
    assert epoch is not None
    assert epoch.glibc_floor == (2, 17)
    assert epoch.architectures == ("aarch64", "x86_64")
    assert epoch.cuda_majors == (12, 13)
    assert "libstdc++.so.6" in {library.soname for library in epoch.libraries}


def test_an_epoch_that_is_not_published_is_none() -> None:
    assert load_spec().epoch(1007) is None


def test_a_policy_that_is_not_published_names_those_that_are() -> None:
    with pytest.raises(UnknownEpochError, match=r"cxxrt9.*cxxrt1, cxxrt1_cu12, cxxrt1_cu13"):
        load_policy(RuntimeAbi(epoch=9))


def test_epochs_and_majors_are_sorted_as_numbers() -> None:
    row = {"glibc_floor": "2.17", "architectures": ["x86_64"], "cuda_majors": [100, 12]}
    spec = spec_from_document(
        {
            "version": "1",
            "distribution": "runtime",
            "epochs": {"10": row, "9": row},
            "cuda": {"100": {"library": "libcudart.so.100", "driver": "900.1"}},
            "variant": {
                "namespace": "x",
                "feature": "abi",
                "cuda": {"namespace": "y", "feature": "z", "requires": [], "plugin-api": "y:Z"},
            },
        }
    )
    assert [epoch.number for epoch in spec.epochs] == [9, 10]
    assert spec.epochs[0].cuda_majors == (12, 100)
    assert spec.cuda[0].driver == (900, 1)


def test_a_declared_epoch_needs_no_list_of_libraries() -> None:
    row = {"glibc_floor": "2.34", "architectures": ["x86_64"], "cuda_majors": []}
    assert epoch_from_document(1007, row).libraries == ()
