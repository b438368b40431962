"""The name that is checked is the name that is used: a wheel that has two is no usable wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from pathlib import Path

TAG = "cp311-cp311-manylinux_2_28_x86_64"


def _wheel(folder: Path, filename: str, dist_info: str, name: str, version: str, tag: str) -> Path:
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    members = [NewMember(f"{dist_info}/{each}", text.encode()) for each, text in texts.items()]
    return write_wheel(folder, filename, members)


@pytest.mark.parametrize(
    ("dist_info", "name", "version", "words"),
    [
        ("demo-1.0.dist-info", "demo", "1.0", ""),
        ("Demo-1.0.dist-info", "DEMO", "1.0.0", ""),
        ("demo-1.0.dist-info", "other", "1.0", "METADATA has the name 'other', the file 'demo'"),
        ("demo-1.0.dist-info", "demo", "2.0", "METADATA has the version '2.0', the file '1.0'"),
        ("demo-2.0.dist-info", "demo", "1.0", "folder has the version '2.0', the file '1.0'"),
        ("demo_evil-1.0.dist-info", "demo", "1.0", "folder has the name 'demo_evil'"),
        ("demo-evil-1.0.dist-info", "demo", "1.0", "folder has the name 'demo-evil'"),
        ("demo-1.0.dist-info", "demo", "one", "METADATA has the version 'one'"),
        ("demo.dist-info", "demo", "1.0", "folder has the version 'demo'"),
    ],
)
def test_a_wheel_with_two_names_is_reported(
    dist_info: str, name: str, version: str, words: str, tmp_path: Path
) -> None:
    path = _wheel(tmp_path, f"demo-1.0-{TAG}.whl", dist_info, name, version, TAG)
    with Wheel.open(path) as wheel:
        issues = collect(wheel).metadata_issues
    assert any(words in each for each in issues) == bool(words)
    assert main(["check", str(path)]) == int(bool(words))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (TAG, []),
        ("cp312-cp312-manylinux_2_28_x86_64", ["CXXRT-T6"]),
        ("cp311-cp311-manylinux_2_17_x86_64", ["CXXRT-T6"]),
        ("py3-none-any", ["CXXRT-T6"]),
    ],
)
def test_the_tags_of_the_file_name_are_judged_and_other_ones_inside_reported(
    tag: str, expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(
        [
            "check",
            str(_wheel(tmp_path, f"demo-1.0-{TAG}.whl", "demo-1.0.dist-info", "demo", "1.0", tag)),
        ]
    )
    out = capsys.readouterr().out
    assert f"judged as {TAG}" in out
    assert ["CXXRT-T6"] * ("CXXRT-T6" in out) == expected
