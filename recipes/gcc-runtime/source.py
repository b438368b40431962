"""Unpack the parts of GCC's source that make its run-time libraries, at Debian's state.

Runs in the build folder. In: ``source/``, Debian's unpacked ``gcc-<major>-source`` package (a
release tarball and ``git-updates.diff``, which brings it to the release branch's state that
Debian's own binaries have), and ``CXXRT_VERSION``. Out: ``src/gcc``. Uses the standard library and
``patch``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

FOLDERS = (
    "libstdc++-v3",
    "libgcc",
    "libatomic",
    "libgomp",
    "libquadmath",
    "libbacktrace",
    "libgfortran",
    "libiberty",
    "include",
    "config",
    "gcc/config",
    "gcc/ginclude",
)
# fmt: off
TOP_FILES = frozenset({
    "libtool-ldflags", "config-ml.in", "config.guess", "config.sub", "config.rpath", "compile",
    "depcomp", "install-sh", "ltmain.sh", "missing", "mkinstalldirs", "move-if-change",
    "multilib.am", "symlink-tree", "COPYING3", "COPYING.RUNTIME", "gcc/BASE-VER",
    "gcc/DATESTAMP", "gcc/DEV-PHASE", "gcc/gcov-io.cc", "gcc/mkconfig.sh",
})
# fmt: on
LEFT_OUT = re.compile(r"/(?:testsuite/[^/]+|doc/html)/")


def wanted(path: str) -> bool:
    """Whether a file of the tarball, named below its top folder, is needed."""
    if path in TOP_FILES or re.fullmatch(r"gcc/.+\.(?:h|def)|contrib/[^/]+\.sh", path):
        return True
    return path.startswith(tuple(f"{folder}/" for folder in FOLDERS)) and not LEFT_OUT.search(path)


def unpack(tarball: Path, destination: Path) -> None:
    """Extract the wanted regular files; GCC's sources need no links."""
    with tarfile.open(tarball, "r|xz") as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if not member.isreg() or ".." in path.split("/") or not wanted(path):
                continue
            file = destination / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with archive.extractfile(member) as content, file.open("wb") as out:
                shutil.copyfileobj(content, out)
            file.chmod(0o755 if member.mode & 0o100 else 0o644)


def library_hunks(diff: bytes) -> bytes:
    """The part of a diff that touches the libraries: no documentation, tests or change logs."""
    files = re.split(rb"(?m)^(?=--- .*\n\+\+\+ )", diff)
    return b"".join(file for file in files[1:] if _touches_library(file))


def _touches_library(file: bytes) -> bool:
    names = re.findall(rb"^(?:---|\+\+\+) [^/\s]+/src/(\S+)", file, re.MULTILINE)
    prefixes = tuple(f"{folder}/".encode() for folder in FOLDERS[:-2])
    return any(name.startswith(prefixes) or name == b"gcc/DATESTAMP" for name in names) and not any(
        part in names[-1] for part in (b"/testsuite/", b"/doc/", b"ChangeLog")
    )


def main(major: str) -> None:
    """Do it."""
    package = Path("source", "usr", "src", f"gcc-{major}")
    (tarball,) = package.glob("gcc-*.tar.xz")
    tree = Path("src", "gcc")
    unpack(tarball, tree)
    updates = library_hunks((package / "patches" / "git-updates.diff").read_bytes())
    subprocess.run(["patch", "-p2", "-s", "-f", "-d", tree], input=updates, check=True)
    shutil.rmtree("source")


if __name__ == "__main__":
    main(os.environ["CXXRT_VERSION"].partition(".")[0])
