"""What every test may use: a wheel from a mapping, a committed ELF file, hypothesis profiles.

``HYPOTHESIS_PROFILE`` chooses the profile: ``ci`` (the default) tries 50 examples of each
property, ``nightly`` 1000. Neither has a deadline: a loaded machine is no fault.

Where ``PYTHONDONTWRITEBYTECODE`` is set, compiled modules go to the machine's cache instead of the
tree: several hundred child processes would compile the same modules again.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import settings

from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.wheel.writer import NewMember, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

if sys.dont_write_bytecode:
    _compiled = find_cache(None, os.environ).builds.with_name("pycache")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(_compiled)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False

settings.register_profile("ci", max_examples=50, deadline=None)
settings.register_profile("nightly", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "ci")

_ELF_DATA = Path(__file__).parent / "data" / "elf"


def pytest_unconfigure() -> None:
    """Remove what was compiled of modules in temporary folders, which nobody imports again."""
    if sys.pycache_prefix and "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(f"{sys.pycache_prefix}{tempfile.gettempdir()}", ignore_errors=True)


class MakeWheel(Protocol):
    """The signature of the ``make_wheel`` fixture."""

    def __call__(
        self,
        files: Mapping[str, bytes],
        name: str = "demo",
        version: str = "1.0",
        tags: Sequence[str] = ("py3-none-any",),
        requires_dist: Sequence[str] = (),
    ) -> Path: ...


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """Write a valid wheel with WHEEL, METADATA and RECORD; the files may replace the first two."""

    def make(
        files: Mapping[str, bytes],
        name: str = "demo",
        version: str = "1.0",
        tags: Sequence[str] = ("py3-none-any",),
        requires_dist: Sequence[str] = (),
    ) -> Path:
        dist_info = f"{name}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {text}\n" for text in requires_dist)
        tag_lines = "".join(f"Tag: {tag}\n" for tag in tags)
        pure = str(all(tag.endswith("-any") for tag in tags)).lower()
        texts = {
            f"{dist_info}/METADATA": (
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
            ).encode(),
            f"{dist_info}/WHEEL": (
                f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\n{tag_lines}"
            ).encode(),
        }
        members = [NewMember(path, content) for path, content in {**texts, **files}.items()]
        return write_wheel(tmp_path, f"{name}-{version}-{tags[0]}.whl", members)

    return make


@pytest.fixture
def elf_fixture() -> Callable[[str], Path]:
    """The path of a committed ELF file, by name; ``tests/data/elf/build.sh`` makes them."""

    def find(name: str) -> Path:
        path = _ELF_DATA / name
        assert path.is_file(), f"{name} is not in tests/data/elf; see build.sh there"
        return path

    return find
