"""What the loader takes from the machine: its cache, its preloads, its words for search paths."""

import os
import re
import subprocess
from functools import cache

from cxxrt_toolchain.elf.image import ElfError, ElfImage
from cxxrt_toolchain.facts.libraries import SYSTEM
from cxxrt_toolchain.plain_files import open_plain, read_plain

CACHE_FILE = "/etc/ld.so.cache"
PRELOAD_FILE = "/etc/ld.so.preload"
_PT_INTERP = 3
_TIMEOUT = 10.0
_SAID = re.compile(r"^dl_(dst_lib|platform|hwcaps_subdirs(?:_active)?)=\"?([^\"\n]*)", re.MULTILINE)


def file_content(path: str) -> bytes:
    """The content of one of the loader's files; empty if it cannot be read."""
    try:
        return read_plain(path)
    except OSError:
        return b""


def preload_entries(content: bytes) -> tuple[str, ...]:
    """The entries of the preload file: between blanks and colons, without comments."""
    return tuple(re.sub(r"#.*", "", os.fsdecode(content)).replace(":", " ").split())


@cache
def loader_words(program: str) -> dict[str, str]:
    """What ``$LIB`` and ``$PLATFORM`` stand for in search paths of a program's objects.

    Also under ``hwcaps``: the names of the folders in ``glibc-hwcaps`` that are searched, with
    colons between them. Asked of the program's loader, which tells since glibc 2.33; empty if it
    does not, or is not the system's.
    """
    loader = _loader_of(program)
    if not loader.startswith(SYSTEM):
        return {}
    try:
        done = subprocess.run(
            [loader, "--list-diagnostics"],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    said = dict(_SAID.findall(os.fsdecode(done.stdout)))
    if done.returncode or "dst_lib" not in said:
        return {}
    active = int(said.get("hwcaps_subdirs_active", "0"), 16)
    levels = said.get("hwcaps_subdirs", "").split(":")
    levels = [each for number, each in enumerate(levels) if active >> number & 1]
    return {"LIB": said["dst_lib"], "PLATFORM": said["platform"], "hwcaps": ":".join(levels)}


def _loader_of(program: str) -> str:
    try:
        with open_plain(program) as stream:
            image = ElfImage(stream, program)
            place = image.last(_PT_INTERP)
            name = image.read(place.offset, place.file_size, "its loader's name") if place else b""
    except (OSError, ElfError):
        return ""
    return os.fsdecode(name.rstrip(b"\0"))
