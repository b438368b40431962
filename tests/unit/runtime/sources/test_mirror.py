"""Which Debian mirrors a machine knows, from files that look like its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.sources.mirror import debian_mirrors

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN = 'ID=debian\nVERSION_CODENAME="bookworm"\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"


def _machine(root: Path, **files: str) -> Path:
    places = {
        "release": "etc/os-release",
        "list": "etc/apt/sources.list",
        "extra": "etc/apt/sources.list.d/extra.list",
        "sources": "etc/apt/sources.list.d/debian.sources",
        "mirrors": "etc/apt/mirrors/debian.list",
        "template": "usr/share/python-apt/templates/Debian.info",
        "debootstrap": "usr/sbin/debootstrap",
    }
    for name, text in files.items():
        file = root / places[name]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_the_variable_is_used_alone_and_may_name_several(tmp_path: Path) -> None:
    root = _machine(tmp_path, release=DEBIAN, list="deb http://a.test/debian bookworm main")
    environ = {"CXXRT_DEBIAN_MIRROR": "http://m.test/debian/, file:///srv/debian"}
    assert debian_mirrors(environ, root) == ("http://m.test/debian", "file:///srv/debian")


def test_one_line_sources_of_debian_are_used(tmp_path: Path) -> None:
    lines = (
        "# deb http://commented.test/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://a.test/debian/ bookworm main contrib # main\n"
        "deb http://b.test/debian bookworm-updates main\n"
        "deb-src http://src.test/debian bookworm main\n"
        "deb http://a.test/debian-security bookworm-security main\n"
        "deb http://vendor.test/apt stable main\n"
    )
    root = _machine(tmp_path, release=DEBIAN, list=lines)
    assert debian_mirrors({}, root) == ("http://a.test/debian", "http://b.test/debian")


def test_deb822_sources_of_debian_are_used(tmp_path: Path) -> None:
    stanzas = (
        "Types: deb deb-src\n# a comment\nURIs: http://a.test/debian\n http://b.test/debian\n"
        "Suites: bookworm\n bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://off.test/debian\nSuites: bookworm\nComponents: main\n"
        "Enabled: no\n\n"
        "Types: deb\nURIs: http://other.test/x\nSuites: nodistro\nComponents: main\n"
    )
    root = _machine(tmp_path, release=DEBIAN, sources=stanzas)
    assert debian_mirrors({}, root) == ("http://a.test/debian", "http://b.test/debian")


def test_a_mirror_list_of_apt_is_followed(tmp_path: Path) -> None:
    root = _machine(
        tmp_path,
        release=DEBIAN,
        list="deb mirror+file:/etc/apt/mirrors/debian.list bookworm main",
        mirrors="# comment\nhttp://near.test/debian priority:1\nhttp://far.test/debian\n",
    )
    assert debian_mirrors({}, root) == ("http://near.test/debian", "http://far.test/debian")


def test_testing_and_unstable_count_where_the_address_is_debians(tmp_path: Path) -> None:
    lines = "deb http://a.test/debian sid main\ndeb http://x.test/chrome stable main\n"
    root = _machine(tmp_path, release="ID=debian\n", extra=lines)
    assert debian_mirrors({}, root) == ("http://a.test/debian",)


def test_an_ubuntu_mirror_is_no_debian_mirror(tmp_path: Path) -> None:
    root = _machine(tmp_path, release=UBUNTU, list="deb http://a.test/ubuntu noble main")
    with pytest.raises(MissingToolError, match="CXXRT_DEBIAN_MIRROR"):
        debian_mirrors({}, root)


def test_what_the_packages_of_an_ubuntu_know_of_debian_is_used(tmp_path: Path) -> None:
    root = _machine(
        tmp_path,
        release=UBUNTU,
        list="deb http://a.test/ubuntu noble main",
        template="Suite: sid\nBaseURI: https://t.test/debian/\nMatchURI: x\n\n"
        "Suite: x\nBaseURI: https://s.test/debian-security/\n",
        debootstrap='#!/bin/sh\nDEF_MIRROR="http://d.test/debian"\n',
    )
    assert debian_mirrors({}, root) == ("https://t.test/debian", "http://d.test/debian")
