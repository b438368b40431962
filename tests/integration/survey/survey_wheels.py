"""Wheels to survey: small ones of our own, made once."""

from __future__ import annotations

import os
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.wheel.record import RecordRow, format_record, sha256_field

if TYPE_CHECKING:
    from collections.abc import Sequence

ELF = Path(__file__).parents[2] / "data" / "elf"
_MOMENT = 1_793_872_800
"""2026-11-05 10:00 UTC."""
TAG = "cp311-cp311-manylinux_2_28_x86_64"


def write(
    folder: Path,
    project: str,
    objects: dict[str, bytes],
    *,
    version: str = "1.0",
    tag: str = TAG,
    requires: Sequence[str] = (),
    first: bool = False,
    record: bool = False,
) -> Path:
    """A wheel; `first`: its texts come before its objects, far from the directory.

    `record`: RECORD has hashes, so that nothing is wrong with it.
    """
    pure = "true" if tag.endswith("-any") else "false"
    info = f"{project}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
        f"{info}/RECORD": "".join(f"{name},,\n" for name in objects),
    }
    if record:
        rows = [RecordRow(n, sha256_field(sha256(c).digest()), len(c)) for n, c in objects.items()]
        rows += [
            RecordRow(n, sha256_field(sha256(t.encode()).digest()), len(t))
            for n, t in texts.items()
            if not n.endswith("RECORD")
        ]
        rows.append(RecordRow(f"{info}/RECORD", "", None))
        texts[f"{info}/RECORD"] = format_record(rows).decode()
    encoded = {name: text.encode() for name, text in texts.items()}
    members = {**encoded, **objects} if first else {**objects, **encoded}
    path = folder / f"{project}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            stored = zipfile.ZIP_STORED if len(content) > 100_000 else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, stored)
    os.utime(path, (_MOMENT, _MOMENT))
    return path


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels of several kinds, one of them pure, one broken."""
    folder = tmp_path_factory.mktemp("wheels")
    unique, user, own = ((ELF / f"lib{name}.so").read_bytes() for name in ("unique", "user", "own"))
    for number in range(12):
        more = {f"p{number}.libs/libgomp-{number:08x}.so.1": own} if number % 4 == 0 else {}
        write(folder, f"p{number}", {f"p{number}/a.so": user + bytes(number), **more})
    write(folder, "q1", {"q1/u.so": unique})
    write(folder, "q2", {"q2/u.so": unique + b"\0"}, requires=["q1>=1"])
    write(folder, "q2", {"q2/u.so": unique}, version="0.9")
    write(folder, "far", {"far/a.so": user, "far/data.bin": os.urandom(300_000)}, first=True)
    write(folder, "pure", {"pure.py": b"x = 1\n"}, tag="py3-none-any")
    (folder / f"broken-1.0-{TAG}.whl").write_bytes(b"PK\5\6 no archive")
    os.utime(folder / f"broken-1.0-{TAG}.whl", (_MOMENT, _MOMENT))
    return folder
