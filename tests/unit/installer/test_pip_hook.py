"""What is written into the files of an installed wheel, whatever they hold."""

import time
from pathlib import Path

import pytest

from cxxrt_toolchain.installer.pip_hook import add_plain_tags

TAGGED = "Tag: cp312-cxxrt1_cu12_cp312-manylinux_2_28_x86_64"
PLAIN = "Tag: cp312-cp312-manylinux_2_28_x86_64"


def _added(site: Path, text: str) -> list[str]:
    folder = site / "demo-1.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "WHEEL").write_text(text)
    (folder / "RECORD").write_text("demo-1.dist-info/WHEEL,sha256=x,1\ndemo-1.dist-info/RECORD,,\n")
    for _ in range(2):
        add_plain_tags(site, folder.name)
    size = (folder / "WHEEL").stat().st_size
    (wheel, _) = (folder / "RECORD").read_text().splitlines()
    assert wheel.startswith("demo-1.dist-info/WHEEL,sha256=")
    assert wheel.endswith(f",{size}")
    return (folder / "WHEEL").read_text().splitlines()


def test_the_plain_tag_is_added_once(tmp_path: Path) -> None:
    text = f"Wheel-Version: 1.0\n{TAGGED}\nTag: py3-none-any"
    assert _added(tmp_path, text) == [*text.splitlines(), PLAIN]


@pytest.mark.parametrize(
    "line",
    ["Tag:" + " " * 2_000_000, "Tag: " + "a-" * 1_000_000, "Tag: a-cxxrt" + "1" * 2_000_000],
    ids=["spaces", "dashes", "digits"],
)
def test_a_long_line_takes_linear_time(tmp_path: Path, line: str) -> None:
    started = time.process_time()
    assert _added(tmp_path, f"{TAGGED}\n{line}\n") == [TAGGED, line, PLAIN]
    assert time.process_time() - started < 2


def test_many_lines_take_linear_time(tmp_path: Path) -> None:
    rest = [f"Tag: cp312-cxxrt1_cp312-manylinux_2_{number}_x86_64" for number in range(50_000)]
    started = time.process_time()
    assert len(_added(tmp_path, "\n".join(rest))) == 2 * len(rest)
    assert time.process_time() - started < 2
