"""Hand-made wheels: each says in its one module which file it came from."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.filename import parse_wheel_name
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.abi.variant import index_file_name, variants_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SPEC = load_spec()


def write_wheel(
    folder: Path,
    filename: str,
    *,
    requires: Iterable[str] = (),
    files: Mapping[str, str] | None = None,
) -> Path:
    """A wheel of that name; its module's ``ENCODING`` is plain, tag or variant."""
    name = parse_wheel_name(filename)
    encoding = "plain" if name.runtime is None else "variant" if name.label else "tag"
    dist_info = f"{name.distribution}-{name.version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    tags = "".join(f"Tag: {tag}\n" for tag in name.expanded)
    members = {
        f"{name.distribution}/__init__.py": f"ENCODING = {encoding!r}\nFILE = {filename!r}\n",
        **(files or {}),
        f"{dist_info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name.distribution}\nVersion: {name.version}\n{needs}"
        ),
        f"{dist_info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\n{tags}"
        ),
    }
    if name.label is not None and name.runtime is not None:
        members[f"{dist_info}/variant.json"] = variants_text([name.runtime], SPEC)
    rows = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in members.items()]
    members[f"{dist_info}/RECORD"] = "".join(rows) + f"{dist_info}/RECORD,,\n"
    path = folder / filename
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path


def write_release(folder: Path, python: str, arch: str) -> None:
    """One release of ``tri`` in three encodings, with the index-level variants file."""
    platform = f"manylinux_2_17_{arch}.manylinux2014_{arch}"
    runtime = RuntimeAbi(epoch=1)
    needs = ["cxx11-cuda-runtime>=1.9,<2"]
    write_wheel(folder, f"tri-1.0-{python}-{python}-{platform}.whl", requires=needs)
    write_wheel(folder, f"tri-1.0-{python}-{runtime}_{python}-{platform}.whl", requires=needs)
    write_wheel(folder, f"tri-1.0-{python}-{python}-{platform}-{runtime}.whl", requires=needs)
    (folder / index_file_name("tri", "1.0")).write_text(variants_text([runtime], SPEC))


def write_runtime(folder: Path, version: str, arch: str) -> Path:
    """A wheel of the runtime's name without libraries: the resolver sees no difference."""
    return write_wheel(folder, f"cxx11_cuda_runtime-{version}-py3-none-manylinux_2_17_{arch}.whl")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
