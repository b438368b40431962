"""Offer wheels named in every candidate way to unmodified tools, and record what each tool does.

In: the tools of this environment, and with ``--old`` the older releases that are still in use,
which uv fetches into temporary environments. Out: ``tool_matrix.json``, from which the tables of
PEP-DRAFT.rst are made. Nothing is installed into an environment that was there before.
``python tests/spec/tool_matrix.py [--old] [--write]``
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.tags import Tag, sys_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

RECORDED = Path(__file__).with_suffix(".json")
OBJECT = Path(__file__).parents[2] / "abi-tag-spec" / "vectors" / "files" / "nothing.so"
UV = (sys.executable, "-m", "uv")
OLD = (
    *("pip==20.3.4", "pip==22.3.1", "pip==23.2.1", "pip==24.3.1"),
    *("uv==0.4.30", "uv==0.5.18", "uv==0.5.19", "uv==0.7.22", "uv==0.8.24", "uv==0.9.28"),
    *("uv==0.9.29", "dep-logic==0.7.2", "pex==2.105.2", "installer==1.1.0"),
    *("packaging==20.9", "packaging==21.3", "packaging==22.0", "packaging==23.2"),
    *("packaging==24.2", "packaging==25.0"),
)
"""Releases that each changed how tags are read or compared, and the libraries of PDM and of tools
that unpack wheels. The newest of the others are those of this environment."""
LABEL = "cxxrt1_cu12"
VARIANT_LABEL = "cxxrt1"
"""Of a build without CUDA, whose properties do not depend on a driver (M-5)."""
VARIANT = {
    "$schema": "https://variants-schema.wheelnext.dev/peps/850/v0.2.0.json",
    "default-priorities": {"namespace": ["cxxrt"]},
    "providers": {"cxxrt": {"static-properties": {"abi": ["1"]}, "feature-order": ["abi"]}},
    "variants": {VARIANT_LABEL: {"cxxrt": {"abi": ["1"]}}},
}
PERMITTED = ("plain", "tag", "abi3", "variant")
"""What one release may offer side by side under this proposal."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One release of a tool and how to ask it about a wheel."""

    name: str
    asks: Callable[[Path], str | None]
    """Path of a folder of wheels to the name of the one that the tool takes; None: none."""
    installs: bool
    """Whether "takes" means that it would install it; else that it understands the name."""


def endings(tags: Iterable[Tag] | None = None) -> dict[str, str]:
    """Encoding to the end of its file name, for an interpreter's tags; None: for this one's."""
    best = next(tag for tag in tags or sys_tags() if tag.platform.startswith("manylinux_2_17_"))
    python, base, platform = best.interpreter, best.abi, best.platform
    return {
        "plain": f"{python}-{base}-{platform}",
        "tag": f"{python}-{LABEL}_{base}-{platform}",
        "abi3": f"{python}-{LABEL}_abi3-{platform}",
        "none": f"{python}-{LABEL}_none-{platform}",
        "suffix": f"{python}-{base}_{LABEL}-{platform}",
        "plus": f"{python}-{LABEL}+{base}-{platform}",
        "mixed": f"{python}-{base}.{LABEL}_{base}-{platform}",
        "platform": f"{python}-{base}-cxxrt_1_cu12_{platform.removeprefix('manylinux_')}",
        "variant": f"{python}-{base}-{platform}-{VARIANT_LABEL}",
    }


def write_wheel(folder: Path, ending: str, variant: str | None = None) -> Path:
    """Write a wheel with one object without needs that carries the given tags.

    `variant` is its ``variant.json``, and `VARIANT` where the ending has that label.
    """
    path = folder / f"foo-1.0-{ending}.whl"
    python, abi, platform = ending.split("-")[:3]
    lines = "".join(f"Tag: {python}-{each}-{platform}\n" for each in abi.split("."))
    files = {
        "foo.so": OBJECT.read_bytes(),
        "foo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n",
        "foo-1.0.dist-info/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: t 1\nRoot-Is-Purelib: false\n{lines}"
        ).encode(),
    }
    if variant is None and path.stem.endswith(f"-{VARIANT_LABEL}"):
        variant = json.dumps(VARIANT)
        (folder / "foo-1.0-variants.json").write_text(variant, encoding="utf-8")
    if variant is not None:
        files["foo-1.0.dist-info/variant.json"] = variant.encode()
    rows = "".join(f"{name},{_hash(content)},{len(content)}\n" for name, content in files.items())
    files["foo-1.0.dist-info/RECORD"] = f"{rows}foo-1.0.dist-info/RECORD,,\n".encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _hash(content: bytes) -> str:
    digest = urlsafe_b64encode(sha256(content).digest()).decode()
    return f"sha256={digest.rstrip('=')}"


def run(*command: str | Path) -> tuple[bool, str]:
    """Whether a command succeeds, and all that it says."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        list(command), capture_output=True, text=True, check=False, env={**os.environ, **quiet}
    )
    return done.returncode == 0, done.stdout + done.stderr


def make_environment(folder: Path, *packages: str, python: str = sys.executable) -> Path:
    """A new virtual environment with packages."""
    done, text = run(*UV, "venv", "--quiet", "--seed", "--python", python, folder)
    if done and packages:
        into = ("--python", folder / "bin" / "python")
        done, text = run(*UV, "pip", "install", "--quiet", *into, *packages)
    if not done:
        raise SystemExit(text)
    return folder


def pip(python: str) -> Callable[[Path], str | None]:
    """Ask a pip, which says by downloading: ``--dry-run`` is younger than some that are asked."""

    def asks(folder: Path) -> str | None:
        with tempfile.TemporaryDirectory() as taken:
            options = ("--no-deps", "--no-index", "--find-links", folder, "--dest", taken)
            run(python, "-m", "pip", "download", *options, "foo")
            return next((path.name for path in Path(taken).iterdir()), None)

    return asks


def uv(
    *options: str, program: Sequence[str] = UV, python: str = sys.executable
) -> Callable[[Path], str | None]:
    """Ask an uv for its plan."""

    def asks(folder: Path) -> str | None:
        fixed = ("--python", python, "--no-cache", "--verbose", "--dry-run", "--no-index")
        good, text = run(
            *(*program, "pip", "install", *fixed, *options, "--reinstall"),
            *("--find-links", folder, "foo"),
        )
        chosen = re.findall(r"Selecting: foo==1\.0 .*?(foo-1\.0-[^/\s)]+\.whl)", text)
        return chosen[-1] if good and chosen else None

    return asks


def installed_uv(python: str) -> Callable[[Path], str | None]:
    """Ask the uv that is installed beside an interpreter."""
    return uv(program=[str(Path(python).with_name("uv"))])


def reads(*command: str) -> Callable[[Path], str | None]:
    """Ask a tool that is given one file and fails if it does not understand it."""

    def asks(folder: Path) -> str | None:
        (path,) = folder.glob("*.whl")
        with tempfile.TemporaryDirectory() as scratch:
            full = [part.format(wheel=path, scratch=scratch, name=path.name) for part in command]
            return path.name if run(*full)[0] else None

    return asks


DEP_LOGIC = """
import pathlib, sys
from dep_logic.tags import EnvSpec
ranks = {
    name: rank
    for name in (path.name for path in pathlib.Path(sys.argv[1]).glob("*.whl"))
    if (rank := EnvSpec.current().wheel_compatibility(name)) is not None
}
print(max(ranks, key=ranks.get, default=""))
"""


def dep_logic(python: str) -> Callable[[Path], str | None]:
    """Ask PDM's tag library which of the wheels it ranks first."""

    def asks(folder: Path) -> str | None:
        good, text = run(python, "-c", DEP_LOGIC, folder)
        return text.strip() or None if good else None

    return asks


def pex(python: str) -> Callable[[Path], str | None]:
    """Ask pex, which says by packing a wheel."""

    def asks(folder: Path) -> str | None:
        with tempfile.TemporaryDirectory() as scratch:
            packed = Path(scratch) / "foo.pex"
            options = ("--no-pypi", "--find-links", folder, "--disable-cache", "-o", packed)
            if not run(python, "-m", "pex", "foo", *options)[0]:
                return None
            with zipfile.ZipFile(packed) as archive:
                (found,) = {*re.findall(r"foo-1\.0-[^/]+\.whl", "\n".join(archive.namelist()))}
        return str(found)

    return asks


def installer(python: str) -> Callable[[Path], str | None]:
    """Ask a library that unpacks a wheel, by its command."""
    return reads(python, "-m", "installer", "--destdir", "{scratch}", "{wheel}")


def packaging(python: str) -> Callable[[Path], str | None]:
    """Ask a ``packaging`` whether it parses the name."""
    program = "import sys; from packaging.utils import *; parse_wheel_filename(sys.argv[1])"
    return reads(python, "-c", program, "{name}")


def present_tools() -> Iterator[Tool]:
    """The tools of this environment."""
    here = sys.executable
    newest = f"uv {version('uv')}"
    yield Tool(name=f"packaging {version('packaging')}", asks=packaging(here), installs=False)
    yield Tool(name=f"pip {version('pip')}", asks=pip(here), installs=True)
    yield Tool(name=newest, asks=uv(), installs=True)
    preview = ("--preview-features", "wheel-variants")
    yield Tool(name=f"{newest}, wheel-variants preview", asks=uv(*preview), installs=True)
    unpack = reads(here, "-m", "wheel", "unpack", "--dest", "{scratch}", "{wheel}")
    yield Tool(name=f"wheel {version('wheel')}", asks=unpack, installs=False)
    show = reads(here, "-m", "auditwheel", "show", "{wheel}")
    yield Tool(name=f"auditwheel {version('auditwheel')}", asks=show, installs=False)
    check = reads(here, "-m", "twine", "check", "{wheel}")
    yield Tool(name=f"twine {version('twine')}", asks=check, installs=False)


def old_tools(folder: Path) -> Iterator[Tool]:
    """The releases of ``OLD``, each in an environment of its own."""
    ask = {
        "dep-logic": dep_logic,
        "installer": installer,
        "packaging": packaging,
        "pex": pex,
        "pip": pip,
        "uv": installed_uv,
    }
    for requirement in OLD:
        environment = make_environment(folder / requirement, requirement)
        python = str(environment / "bin" / "python")
        name, release = requirement.split("==")
        installs = name not in {"installer", "packaging"}
        yield Tool(name=f"{name} {release}", asks=ask[name](python), installs=installs)


def measure(tool: Tool, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Encoding to what the tool does; for installers also what they take of a whole release.

    `names` are the `endings` that it is asked about; None: those of this interpreter.
    """
    names, row = names or endings(), {}
    words = ("takes", "skips") if tool.installs else ("reads", "fails")
    for encoding, ending in names.items():
        with tempfile.TemporaryDirectory() as name:
            write_wheel(Path(name), ending)
            row[encoding] = words[tool.asks(Path(name)) is None]
    if tool.installs:
        with tempfile.TemporaryDirectory() as name:
            offered = {write_wheel(Path(name), names[each]).name: each for each in PERMITTED}
            row["release"] = offered[tool.asks(Path(name)) or ""]
    return row


def main() -> None:
    """Measure and print, or record."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        old = old_tools(Path(name) / "old") if "--old" in sys.argv else iter(())
        found = {tool.name: measure(tool) for tool in [*old, *present_tools()]}
    if "--old" not in sys.argv:
        kept = {" ".join(requirement.split("==")) for requirement in OLD}
        found = {name: row for name, row in recorded.items() if name in kept} | found
    text = json.dumps(found, indent=1) + "\n"
    if "--write" in sys.argv:
        RECORDED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
