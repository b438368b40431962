"""The README's picture is what its script draws."""

from importlib.resources import files
from xml.etree import ElementTree as ET

from cxxrt_toolchain.demo.drawing import AFTER, BEFORE, draw


def test_the_committed_picture_is_what_the_script_draws() -> None:
    committed = files("cxxrt_toolchain.demo").joinpath("process.svg").read_text(encoding="utf-8")
    assert committed == draw(BEFORE, AFTER)


def test_every_arrow_joins_a_module_to_a_library_that_is_drawn() -> None:
    for process in (BEFORE, AFTER):
        for module, library in process.arrows:
            assert 0 <= module < len(process.modules)
            assert 0 <= library < len(process.libraries)


def test_the_picture_is_well_formed_and_carries_no_external_asset() -> None:
    root = ET.fromstring(draw(BEFORE, AFTER))  # noqa: S314 - our own text
    assert not [e for e in root.iter() if any("href" in key or key == "src" for key in e.keys())]  # noqa: SIM118 - an Element is no dict
