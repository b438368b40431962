"""Write the first corpus: ``python tests/fuzz/seeds.py DIR`` makes ``DIR/<target>/*``.

Everything comes from this repository: the committed ELF files of ``tests/data/elf`` and
``abi-tag-spec/vectors/files``, the wheels that the golden cases describe, and a few texts below. No
byte of anybody else's binary gets into a corpus that way.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import framing

_ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(_ROOT / "tests" / "golden"))

import golden_case  # noqa: E402 - a neighbour folder's module

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCES = (
    b'"""Docstring."""\n\nfrom __future__ import annotations\nimport os\n',
    b'"""Docstring."""; import os\r\nx = 1\r\n',
    b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
    b"@decorated\ndef f(): pass",
    b"\xef\xbb\xbfimport os\n",
    b"",
)
_NAMES = (
    b"demo-1.0-cp312-cxxrt1_cu12_cp312-manylinux_2_17_x86_64.whl",
    b"demo-1.0-1-cp312-cp312-manylinux_2_17_x86_64-cxxrt1.whl\nabi :: runtime :: 1",
    b"demo-1.0-py2.py3-none-any.whl\npy2-none-any\npy3-none-any",
    b"demo-1.0-cp39-cxxrt1_abi3-manylinux_2_17_x86_64.whl\ncxx11-cuda-runtime>=1.9,<2",
    b"cxxrt1_cu13_cp312",
    b"cxxrt1",
)


def main() -> None:
    """Write all seeds; a seed's name is its hash, as the fuzzer names its own."""
    makers = {"elf": elves(), "archive": archives(), "texts": texts(), "flow": flows()}
    for target, contents in makers.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for content in contents:
            (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)  # noqa: S324 - a name
        print(f"{target}: {len(list(folder.iterdir()))} files")


def elves() -> Iterator[bytes]:
    """Our ELF files, and those of the golden cases."""
    for path in sorted((_ROOT / "tests" / "data" / "elf").iterdir()):
        if path.read_bytes().startswith(b"\x7fELF"):
            yield path.read_bytes()
    yield from (path.read_bytes() for path in (_ROOT / "abi-tag-spec/vectors/files").glob("*.so"))
    for wheel in _golden_wheels():
        with zipfile.ZipFile(io.BytesIO(wheel[1])) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                if content.startswith(b"\x7fELF"):
                    yield content


def archives() -> Iterator[bytes]:
    """The golden cases' wheels, stored and deflated, under the one name that the target uses."""
    for _, stored in _golden_wheels():
        yield stored
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(stored)) as old, zipfile.ZipFile(packed, "w", 8) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        yield packed.getvalue()


def texts() -> Iterator[bytes]:
    """Names, sources and the texts of the golden cases' wheels, each behind its reader's number."""
    yield from (b"\0" + name for name in _NAMES)
    yield from (b"\4" + source for source in _SOURCES)
    readers = {"METADATA": b"\1", "WHEEL": b"\2", "RECORD": b"\3"}
    for filename, wheel in _golden_wheels():
        yield b"\0" + filename.encode()
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            for name in archive.namelist():
                if reader := readers.get(name.rpartition("/")[2]):
                    yield reader + archive.read(name)


def flows() -> Iterator[bytes]:
    """The golden cases' wheels in the framing, with a package to wire."""
    for number, (filename, wheel) in enumerate(_golden_wheels()):
        parts = [framing.Part(0, filename.encode(), bytes([number % 3 + 8 * (number % 5 == 0)]))]
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            parts += [
                framing.Part(number % 4 & 1, name.encode(), archive.read(name))
                for name in archive.namelist()
                if not name.endswith("/RECORD")
            ]
        source = _SOURCES[number % len(_SOURCES)]
        yield framing.encode([*parts, framing.Part(1, b"demo/__init__.py", source)])


def _golden_wheels() -> Iterator[tuple[str, bytes]]:
    for folder in sorted(path.parent for path in golden_case.CASES.glob("*/case.toml")):
        with tempfile.TemporaryDirectory() as scratch:
            path = golden_case.write_wheel_of(golden_case.load_case(folder), Path(scratch))
            yield path.name, path.read_bytes()


if __name__ == "__main__":
    main()
