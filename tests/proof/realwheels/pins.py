"""Pinned distributions: read the pins, add new ones, fetch the files through pip.

The pins are pip's own requirement lines with hashes, one file per Python version. Fetched files lie
in the cache under their SHA-256, so that a rerun fetches only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PINS = Path(__file__).parents[1] / "pins"
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+) --hash=sha256:(?P<sha256>[0-9a-f]{64})"
)
_GLIBC_MINORS = range(5, 37)
_BUILDS = ("1", "2010", "2014")
_BATCH = 12


class ProofError(Exception):
    """The proof cannot go on; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Pin:
    """One published file."""

    name: str
    """As its index writes it, in lower case."""
    version: str
    python: str
    """The Python version that it was chosen for: ``3.11``."""
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def line(self) -> str:
        """The requirement as pip reads it."""
        return f"{self} --hash=sha256:{self.sha256}"


def pins_file(python: str) -> Path:
    """Where the pins of one Python version are kept."""
    return PINS / f"py{python.replace('.', '')}.txt"


def load_pins(python: str) -> dict[str, Pin]:
    """All pins of one Python version by ``name==version``.

    Raises:
        ProofError: A line is not a pin, or a distribution is pinned twice.
    """
    found: dict[str, Pin] = {}
    path = pins_file(python)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        matched = _LINE.fullmatch(line)
        if matched is None:
            raise ProofError(f"{path.name}, line {number} is not 'name==version --hash=sha256:…'.")
        pin = Pin(python=python, **matched.groupdict())
        if str(pin) in found:
            raise ProofError(f"{path.name} has {pin} twice.")
        found[str(pin)] = pin
    return found


def target_options(python: str) -> list[str]:
    """What pip has to pretend to be, to choose wheels for another Python on this machine."""
    short = python.replace(".", "")
    suffix = "m" if python == "3.6" else ""
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in _GLIBC_MINORS]
    platforms += [f"manylinux{each}_x86_64" for each in _BUILDS]
    options = ["--python-version", python, "--implementation", "cp"]
    for abi in (f"cp{short}{suffix}", "abi3", "none"):
        options += ["--abi", abi]
    for each in (*platforms, "linux_x86_64"):
        options += ["--platform", each]
    return options


def resolve(python: str, requirements: Sequence[str], *, with_dependencies: bool) -> list[Pin]:
    """Ask pip which files it would install; nothing is installed.

    Raises:
        ProofError: pip finds no answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--target", folder, *target_options(python)]
        free = [
            "--no-deps",
            "--ignore-requires-python",
        ]  # it means the pip that runs, not the target
        command += ["--only-binary", ":all:"] if with_dependencies else free
        done = subprocess.run(
            [*command, *requirements], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ProofError(f"pip resolves nothing: {_last_error(done.stderr)}")
        document = json.loads(report.read_text(encoding="utf-8"))
    return [
        Pin(
            name=row["metadata"]["name"].lower().replace("_", "-"),
            version=row["metadata"]["version"],
            python=python,
            sha256=row["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for row in document["install"]
    ]


def add_pins(python: str, pins: Iterable[Pin]) -> None:
    """Write the pins file anew, with these pins among the others."""
    path = pins_file(python)
    known = load_pins(python) if path.is_file() else {}
    known.update({str(pin): pin for pin in pins})
    head = f"# Published files for CPython {python} on Linux x86_64; written by 'run.py pin'.\n"
    path.write_text(head + "".join(f"{pin.line}\n" for pin in sorted(known.values())), "utf-8")


class Wheelhouse:
    """Files by SHA-256, fetched through pip when they are missing.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "wheels"

    def get(self, pins: Sequence[Pin]) -> list[Path]:
        """The files of some pins of one Python version, in their order.

        Raises:
            ProofError: pip cannot get one of them, or what it gets has another hash.
        """
        missing = [pin for pin in pins if self._find(pin) is None]
        for start in range(0, len(missing), _BATCH):
            self._fetch(missing[start : start + _BATCH])
        found = [self._find(pin) for pin in pins]
        absent = [str(pin) for pin, path in zip(pins, found, strict=True) if path is None]
        if absent:
            raise ProofError(f"pip did not deliver {', '.join(absent)}.")
        return [path for path in found if path is not None]

    def _find(self, pin: Pin) -> Path | None:
        return next((self._folder / pin.sha256).glob("*"), None)

    def _fetch(self, pins: Sequence[Pin]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".incoming-") as folder:
            wanted = Path(folder, "wanted.txt")
            wanted.write_text("".join(f"{pin.line}\n" for pin in pins), "utf-8")
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
            command += ["--require-hashes", "--ignore-requires-python", "--dest", folder]
            command += target_options(pins[0].python)
            done = subprocess.run(
                [*command, "-r", str(wanted)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                names = ", ".join(map(str, pins))
                raise ProofError(f"pip cannot fetch {names}: {_last_error(done.stderr)}")
            wanted.unlink()
            for path in Path(folder).iterdir():
                self._keep(path)

    def _keep(self, path: Path) -> None:
        wheel = path if path.suffix == ".whl" else _pure_wheel(path)
        place = self._folder / _sha256(path)
        if not place.is_dir():
            fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
            shutil.move(wheel, fresh / wheel.name)
            fresh.rename(place)


def _pure_wheel(sdist: Path) -> Path:
    """Build the wheel of a pure Python project that publishes its source only."""
    out = sdist.parent / "built"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(out), str(sdist)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    built = list(out.glob("*-none-any.whl"))
    if done.returncode or len(built) != 1:
        raise ProofError(f"{sdist.name} is no pure Python project: {_last_error(done.stderr)}")
    return built[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return lines[0] if lines else text.strip()[-200:]
