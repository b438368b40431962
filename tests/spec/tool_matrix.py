"""Offer wheels named in every candidate way to unmodified tools, and record what each tool does.

In: the pip, uv and packaging of this environment. Out: ``tool_matrix.json``, from which the
tables of PEP-DRAFT.rst are made. Nothing is installed and nothing is fetched: each tool is asked
for its plan against a local folder. ``python tests/spec/tool_matrix.py [--write]``
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

RECORDED = Path(__file__).with_suffix(".json")
LABEL = "cxxrt1_cu12"
VARIANT = {
    "$schema": "https://variants-schema.wheelnext.dev/peps/850/v0.2.0.json",
    "default-priorities": {"namespace": ["cxxrt"]},
    "providers": {
        "cxxrt": {
            "static-properties": {"abi": ["1"], "cuda": ["13", "12"]},
            "feature-order": ["abi", "cuda"],
        }
    },
    "variants": {LABEL: {"cxxrt": {"abi": ["1"], "cuda": ["12"]}}},
}
METADATA = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"


def endings() -> dict[str, str]:
    """Encoding to the end of its file name, for this interpreter and platform."""
    best = next(tag for tag in sys_tags() if tag.platform.startswith("manylinux_2_17_"))
    python, platform = best.interpreter, best.platform
    return {
        "plain": f"{python}-{python}-{platform}",
        "suffix": f"{python}-{python}_{LABEL}-{platform}",
        "suffix on abi3": f"{python}-abi3_{LABEL}-{platform}",
        "suffix with +": f"{python}-{python}+{LABEL}-{platform}",
        "mixed set": f"{python}-{python}.{python}_{LABEL}-{platform}",
        "platform": f"{python}-{python}-cxxrt_1_cu12_{platform.removeprefix('manylinux_')}",
        "variant": f"{python}-{python}-{platform}-{LABEL}",
    }


def write_wheel(folder: Path, ending: str) -> Path:
    """Write a wheel without code that carries the given tags."""
    path = folder / f"foo-1.0-{ending}.whl"
    python, abi, platform = ending.split("-")[:3]
    lines = [f"Tag: {python}-{each}-{platform}\n" for each in abi.split(".")]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("foo.py", "")
        archive.writestr("foo-1.0.dist-info/METADATA", METADATA)
        archive.writestr(
            "foo-1.0.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: false\n{''.join(lines)}",
        )
        archive.writestr("foo-1.0.dist-info/RECORD", "")
        if path.stem.endswith(f"-{LABEL}"):
            archive.writestr("foo-1.0.dist-info/variant.json", json.dumps(VARIANT))
            (folder / "foo-1.0-variants.json").write_text(json.dumps(VARIANT), encoding="utf-8")
    return path


def parses(ending: str) -> str:
    """Whether ``packaging`` takes the name."""
    try:
        parse_wheel_filename(f"foo-1.0-{ending}.whl")
    except InvalidWheelFilename:
        return "invalid name"
    return "parses"


def plan(command: list[str], folder: Path) -> str | None:
    """The wheel that a tool's dry run would take from the folder; None if it takes none."""
    done = subprocess.run(
        [*command, "--verbose", "--dry-run", "--no-index", "--find-links", str(folder), "foo"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1"},
    )
    chosen = re.findall(
        r"(?:Processing|Selecting: foo==1\.0 ).*?(foo-1\.0-[^/\s)]+\.whl)",
        done.stdout + done.stderr,
    )
    return chosen[-1] if done.returncode == 0 else None


def tools() -> dict[str, list[str]]:
    """Name to command, up to the options that all of them share."""
    uv = ["uv", "pip", "install", "--python", sys.executable, "--no-cache"]
    return {
        f"pip {version('pip')}": [sys.executable, "-m", "pip", "install", "--ignore-installed"],
        f"uv {version('uv')}": uv,
        f"uv {version('uv')}, wheel-variants preview": [
            *uv,
            "--preview-features",
            "wheel-variants",
        ],
    }


def measure() -> dict[str, object]:
    """Ask every tool about every encoding, each wheel alone in its folder."""
    rows: dict[str, dict[str, str]] = {}
    for encoding, ending in endings().items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_wheel(folder, ending)
            rows[encoding] = {f"packaging {version('packaging')}": parses(ending)} | {
                tool: "installs" if plan(command, folder) else "skips"
                for tool, command in tools().items()
            }
    return {"rows": rows, "release": _release()}


def _release() -> dict[str, str]:
    """Which build of one release each tool takes if it has all that this proposal permits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        offered = {
            write_wheel(folder, ending).name: encoding
            for encoding, ending in endings().items()
            if encoding in ("plain", "suffix", "suffix on abi3", "variant")
        }
        return {tool: offered[plan(command, folder) or ""] for tool, command in tools().items()}


if __name__ == "__main__":
    text = json.dumps(measure(), indent=1) + "\n"
    if "--write" in sys.argv[1:]:
        RECORDED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
