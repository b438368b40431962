"""Wheels and source distributions through pip, with its own index and proxy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.host.interpreter import module_command
from cxxrt_toolchain.runtime.sources.fetch import wrong_hash
from cxxrt_toolchain.temporary import scratch_folder

if TYPE_CHECKING:
    from cxxrt_toolchain.runtime.progress import Progress
    from cxxrt_toolchain.runtime.recipe import Input

_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Connection refused|"
    r"Network is unreachable|Temporary failure in name resolution"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipClient:
    """Runs ``pip download`` with an interpreter."""

    python: str = sys.executable

    def download(self, item: Input, part: Path, progress: Progress) -> None:
        """Write a wheel, or a source distribution, to ``part``.

        `MissingToolError`: pip is missing, finds no such file, or has no network; `InputError`:
        it has another hash. pip asks a source distribution for its metadata, which runs its code,
        after it has compared the hash.
        """
        with scratch_folder(part.parent) as folder:
            pin = folder / "pin.txt"
            pin.write_text(f"{item.package}=={item.version} --hash=sha256:{item.sha256}\n")
            done = subprocess.run(
                self._command(item, pin, folder),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "TMPDIR": str(folder)},
                capture_output=True,
                text=True,
                check=False,
            )
            files = list(folder.glob("*.tar.gz" if item.is_tarball else "*.whl"))
            if done.returncode or len(files) != 1:
                raise _failure(item, done.stdout + done.stderr)
            size = files[0].stat().st_size / 1e6
            progress.note(f"fetched {files[0].name} ({size:.1f} MB)")
            files[0].replace(part)

    def _command(self, item: Input, pin: Path, folder: Path) -> list[str]:
        options = ["--no-deps", "--require-hashes", "--retries", "2"]
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        platform = ["--only-binary", ":all:", "--platform", item.architecture]
        if item.is_tarball:
            platform = ["--no-binary", item.package]
        start = module_command(self.python, "pip")
        return [
            *start,
            "download",
            *options,
            *quiet,
            *platform,
            "--dest",
            str(folder),
            "-r",
            str(pin),
        ]


def _failure(item: Input, output: str) -> Exception:
    if got := re.search(r"(?m)^\s*Got\s+([0-9a-f]{64})", output):
        return wrong_hash(item, got[1])
    if "No module named pip" in output:
        return MissingToolError(
            f"{item} is fetched with pip, which {sys.executable} lacks.",
            "Install it: python3 -m ensurepip, or apt-get install python3-venv and a new "
            "environment.",
        )
    if _NO_NETWORK.search(output):
        return MissingToolError(
            f"{item} cannot be fetched: pip reaches no package index.",
            "Is there a network, and is pip configured with the index and proxy to use?",
        )
    lines = [line for line in output.splitlines() if line.startswith("ERROR:")]
    errors = " ".join(lines[:2]) or output.strip()[-300:]
    return MissingToolError(
        f"{item} cannot be fetched. pip says: {errors}",
        "The configured package index does not offer this file.",
    )
