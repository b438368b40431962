"""Our verdict on plain wheels against auditwheel's, for every manylinux platform.

auditwheel gives the best policy that a wheel conforms to. So a wheel must break one of our rules
about promises (P1, P3, P4, P9) under exactly those platform tags that are older than that policy.
"""

from __future__ import annotations

import json
import logging
import zipfile
from pathlib import Path

import pytest
from auditwheel.architecture import Architecture
from auditwheel.libc import Libc
from auditwheel.policy import WheelPolicies
from auditwheel.wheel_abi import analyze_wheel_abi

from cxxrt_toolchain.abi.platforms import parse_platform, promise_of
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.rules.rule import Severity
from cxxrt_toolchain.rules.wheel.verdict import judge
from cxxrt_toolchain.wheel.reader import Wheel

PROMISES = {"CXXRT-P1", "CXXRT-P3", "CXXRT-P4", "CXXRT-P9"}
OBJECTS = Path(__file__).parents[3] / "abi-tag-spec" / "vectors" / "files"
EXPLAINED = {
    "glibcxx-3.4.33-weak.so": "auditwheel counts version needs that are weak (VER_FLG_WEAK)"
}
VERDICT_DIFFERENCES = json.loads(
    (Path(__file__).parent / "auditwheel_verdict_differences.json").read_text(encoding="utf-8")
)
"""File name -> why auditwheel's best policy is another than ours."""


def _policies(arch: Architecture) -> WheelPolicies:
    return WheelPolicies(libc=Libc.GLIBC, arch=arch)


def _by_auditwheel(path: Path) -> dict[str, bool]:
    """Platform tag -> whether auditwheel would give the wheel that tag."""
    logging.disable(logging.WARNING)
    try:
        found = analyze_wheel_abi(
            Libc.GLIBC,
            Architecture.x86_64,
            path,
            frozenset(),
            disable_isa_ext_check=True,  # about the processor, not the platform
            allow_graft=False,
        )
    finally:
        logging.disable(logging.NOTSET)
    policies = _policies(Architecture.x86_64)
    best = found.overall_policy.priority
    return {each.name: each.priority <= best for each in policies if each.priority}


def _by_us(path: Path) -> dict[str, bool]:
    with Wheel.open(path) as wheel:
        report = collect(wheel, record=False)
    return {
        each.name: not any(
            found.rule in PROMISES and found.severity is Severity.ERROR
            for found in judge(report, tag=each.name).findings
        )
        for each in _policies(Architecture.x86_64)
        if each.priority
    }


@pytest.mark.parametrize("file", sorted(path.name for path in OBJECTS.glob("*.so*")))
def test_an_object_conforms_to_the_platforms_that_auditwheel_says(
    file: str, tmp_path: Path
) -> None:
    path = tmp_path / "foo-1.0-cp312-cp312-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(OBJECTS / file, "foo/_ext.so")
        archive.writestr("foo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: foo\n")
        archive.writestr(
            "foo-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-linux_x86_64\n",
        )
        archive.writestr("foo-1.0.dist-info/RECORD", "foo/_ext.so,,\n")  # it reads these only
    assert (_by_us(path) == _by_auditwheel(path)) is (file not in EXPLAINED)


@pytest.mark.corpus
@pytest.mark.network
def test_a_published_wheel_conforms_to_the_platforms_that_auditwheel_says(wheel: Path) -> None:
    assert (_by_us(wheel) == _by_auditwheel(wheel)) is (wheel.name not in VERDICT_DIFFERENCES)


@pytest.mark.parametrize("arch", [Architecture.x86_64, Architecture.aarch64])
def test_the_promise_of_a_platform_is_that_of_auditwheels_policy(arch: Architecture) -> None:
    for policy in _policies(arch):
        platform = parse_platform(policy.name)
        if platform is None or platform.glibc is None:
            continue
        promise = promise_of(platform.glibc)
        loaders = {name for name in promise.libraries if name.startswith(("ld-", "ld64"))}
        assert promise.libraries - loaders == policy.whitelist, policy.name
        assert {library: set(names) for library, names in promise.private} == {
            library: set(names) for library, names in policy.blacklist.items()
        }, policy.name
        for namespace, versions in policy.symbol_versions.items():
            if namespace == "GLIBC":
                continue
            for version in versions:
                node = f"{namespace}_{version}"
                assert promise.allows_version(arch.value, node), (policy.name, node)
            newest = promise.ceiling(namespace, arch.value)
            assert newest is not None
            text = ".".join(map(str, newest))
            assert text in versions or newest == (0,), (policy.name, namespace, text)
