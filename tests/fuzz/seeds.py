"""Write the first corpus: ``python tests/fuzz/seeds.py DIR`` makes ``DIR/<target>/*``.

Everything comes from this repository: the committed ELF files of ``tests/data/elf`` and
``abi-tag-spec/vectors/files``, the wheels that the golden cases describe, and a few texts below. No
byte of anybody else's binary gets into a corpus that way.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import framing

from cxxrt_toolchain.collect.files import read_object
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.elf.reader import ElfError
from cxxrt_toolchain.facts.objects import encode

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
_INFO = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: numpy>=1\n\n"
_EDITABLE = (
    [
        framing.Part(0, b"demo-1.0.dist-info/METADATA", _INFO),
        framing.Part(0, b"demo-1.0.dist-info/RECORD", b'_e.pth,,\n_f.py,,\n"a,b.so",,\n'),
        framing.Part(0, b"_e.pth", b"/nowhere\nimport _f\n"),
        framing.Part(0, b"_f.py", b"MAPPING: dict = {'demo': '/nowhere/share'}\nNAMESPACES = {}\n"),
    ],
    [
        framing.Part(0, b"demo.egg-link", b"/nowhere\n.\n"),
        framing.Part(0, b"demo-1.0.egg-info/PKG-INFO", _INFO),
        framing.Part(0, b"demo-1.0.egg-info/installed-files.txt", b"../demo/a.so\n"),
        framing.Part(0, b"demo-1.0.egg-info/top_level.txt", b"demo\n_demo\n"),
    ],
    [
        framing.Part(0, b"x-1.dist-info/METADATA", b"Name: x\nVersion: 1\n"),
        framing.Part(0, b"x-1.dist-info/RECORD", b"_l.pth,,\nx-1.dist-info/direct_url.json,,\n"),
        framing.Part(0, b"_l.pth", b"import _l\n"),
        framing.Part(0, b"_l.py", b"install({'x'}, '/nowhere/build', None, False)\n"),
        framing.Part(
            0,
            b"x-1.dist-info/direct_url.json",
            b'{"url": "file:///nowhere", "dir_info": {"editable": true}}',
        ),
        framing.Part(2, b"x-1.dist-info/WHEEL", b""),
    ],
)
_ANSWERS = (
    json.dumps(
        {
            **dict.fromkeys(("python", "program", "prefix", "base_prefix", "glibc"), "3.11"),
            "path": ["/x"],
            "free_threaded": False,
            "vetoes": [[1, 12, "x86_64"]],
            "manifest": None,
            "tags": ["a"],
        }
    ),
    '{"question": "q", "outcome": "ready", "descriptor": 5000}',
    '{"question": "q", "outcome": "exception", "detail": "ImportError: x", "causes": ["a"]}',
    "  1:\tfile=libm.so.6 [0];  needed by /a.so [0]\n  1:\tcalling init: /a.so\n",
    'Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n  File "a"\n',
)
_LINES = (
    "WHEEL --json",
    "WHEEL --format json --select CXXRT-H1 --ignore H4,CXXRT-P1",
    "WHEEL --dry-run --exclude libz.so.* --cuda 12",
    "WHEEL --to plain,tag",
    "CXXRT-H1",
    "--cflags --ldflags",
    "list --recipe runtime-16",
    "--all",
    "--pid 0",
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
    makers = {
        "elf": elves(),
        "archive": archives(),
        "texts": texts(),
        "flow": flows(),
        "environment": environments(),
        "channel": channels(),
        "cache": caches(),
        "arguments": command_lines(),
        "documents": documents(),
    }
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


def environments() -> Iterator[bytes]:
    """The golden cases' wheels as pip would have installed them, and editable installs."""
    for number, (_, wheel) in enumerate(_golden_wheels()):
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            parts = [
                framing.Part(0, name.encode(), archive.read(name))
                for name in archive.namelist()
                if len(archive.read(name)) < framing.MAX_CONTENT
            ]
        yield framing.encode([*parts, *_EDITABLE[number % len(_EDITABLE)]])
    for parts in _EDITABLE:
        yield framing.encode(parts)


def channels() -> Iterator[bytes]:
    """Answers of the children, a trace of the loader, a report of faulthandler."""
    yield from (each.encode() for each in _ANSWERS)


def caches() -> Iterator[bytes]:
    """Shelves and keys of a store, and rows."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for kind in ("facts", "answers-environment"):
            store.put(kind, "/site-packages/a.so", (1, 2, 3, 4, 5), ("row", 1, ("x",)))
        store.save()
        files = [
            framing.Part(0, path.name.encode(), path.read_bytes())
            for path in sorted(Path(folder).iterdir())
        ]
    yield framing.encode(files)
    for path in (_ROOT / "tests" / "data" / "elf").iterdir():
        with contextlib.suppress(ElfError):
            row = encode(read_object(io.BytesIO(path.read_bytes()), "/a.so"))
            yield framing.encode([*files[:1], framing.Part(0, b"row", json.dumps(row).encode())])


def command_lines() -> Iterator[bytes]:
    """Arguments of each command."""
    for number, line in enumerate(_LINES):
        arguments = [framing.Part(number, b"", each.encode()) for each in line.split(" ")]
        yield framing.encode(arguments)


def documents() -> Iterator[bytes]:
    """The recipes, the symbol tables' beginnings, a manifest's."""
    for path in sorted((_ROOT / "recipes").glob("**/*.toml")):
        yield path.read_bytes()[:4096]
    data = _ROOT / "abi-tag-spec" / "cxxrt_abi_tag_spec"
    yield (data / "releases.json").read_bytes()[:4096]
    manifests = _ROOT / "abi-tag-spec" / "vectors" / "valid" / "schema-runtime-manifest.json"
    vectors = json.loads(manifests.read_text())
    for vector in vectors["vectors"]:
        yield json.dumps(vector["input"].get("document", vector["input"])).encode()[:8000]
    yield b'[build-system]\nrequires = ["setuptools"]\n[tool.cxxrt]\ncuda = 12\nwiring = false\n'


def _golden_wheels() -> Iterator[tuple[str, bytes]]:
    for folder in sorted(path.parent for path in golden_case.CASES.glob("*/case.toml")):
        with tempfile.TemporaryDirectory() as scratch:
            path = golden_case.write_wheel_of(golden_case.load_case(folder), Path(scratch))
            yield path.name, path.read_bytes()


if __name__ == "__main__":
    main()
