"""A wheel whose archive is written field by field, so that any field can lie."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "demo-1.0-py3-none-any.whl"
TEXTS = {
    "demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "demo-1.0.dist-info/WHEEL": (
        b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
}


class WriteZip(Protocol):
    """The signature of the ``write_zip`` fixture."""

    def __call__(
        self,
        *members: tuple[str | zipfile.ZipInfo, bytes],
        patch: Callable[[bytes], bytes] = ...,
        texts: bool = True,
        record: bytes | None = b"",
    ) -> Path: ...


@pytest.fixture
def write_zip(tmp_path: Path) -> WriteZip:
    """Write an archive with the texts of a wheel and any members, then change its bytes."""

    def write(
        *members: tuple[str | zipfile.ZipInfo, bytes],
        patch: Callable[[bytes], bytes] = bytes,
        texts: bool = True,
        record: bytes | None = b"",
    ) -> Path:
        path = tmp_path / NAME
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            extra = [] if record is None else [("demo-1.0.dist-info/RECORD", record)]
            for name, content in [*((*TEXTS.items(), *extra) if texts else ()), *members]:
                archive.writestr(name, content, zipfile.ZIP_DEFLATED)
        path.write_bytes(patch(path.read_bytes()))
        return path

    return write
