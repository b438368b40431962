"""An interpreter that is not there, and installed distributions written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxxrt_toolchain.host.interpreter import Interpreter

if TYPE_CHECKING:
    from pathlib import Path


def interpreter(*folders: Path) -> Interpreter:
    return Interpreter(
        executable="/usr/bin/python3",
        program="/usr/bin/python3.12",
        python="3.12.1",
        glibc="2.36",
        prefix="/usr",
        base_prefix="/usr",
        path=tuple(map(str, folders)),
    )


def install(folder: Path, name: str, version: str = "1.0", record: str = "", **texts: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    requires = texts.pop("requires", "")
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}\n\nName: body\n"
    )
    (info / "RECORD").write_text(record)
    for file, text in texts.items():
        (info / file).write_text(text)
