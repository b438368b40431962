"""The README's picture."""

from importlib.resources import files
from xml.etree import ElementTree as ET


def test_it_is_well_formed_and_carries_no_external_asset() -> None:
    picture = files("cxxrt_toolchain.demo").joinpath("process.svg").read_text(encoding="utf-8")
    keys = [key for element in ET.fromstring(picture).iter() for key in element.keys()]  # noqa: S314, SIM118 - our own text, an Element is no dict
    assert not [key for key in keys if "href" in key or key == "src"]
