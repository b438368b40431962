"""Make a link-only sysroot for an old glibc out of the ``ziglang`` wheel.

Runs in the build folder. In: ``CXXRT_ARCH``, ``CXXRT_GLIBC``, ``sysroot-input/ziglang`` (the
unpacked wheel) and ``toolchain`` (for ``as`` and ``strip``). Out: ``sysroot/usr/include``
(glibc's and the kernel's headers, for exactly that glibc) and ``sysroot/usr/lib`` (stub libraries
with the right symbol versions, start files, ``libc_nonshared.a``). Standard library only.

Zig carries glibc's symbol lists and headers of one recent release; on the command line it passes
``-D__GLIBC_MINOR__=NN`` and its headers adapt, with the exceptions repaired below. Each repair
fails loudly where the text that it changes is not there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ZIG = Path("sysroot-input", "ziglang").absolute()
SYSROOT = Path("sysroot")
INCLUDE = SYSROOT / "usr" / "include"
LIB = SYSROOT / "usr" / "lib"
CPU = {"x86_64": "x86", "aarch64": "aarch64"}
LOADER = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
DEVELOPMENT_LINKS = {
    "libm.so": "libm.so.6",
    "libpthread.so": "libpthread.so.0",
    "libdl.so": "libdl.so.2",
    "librt.so": "librt.so.1",
    "libutil.so": "libutil.so.1",
}


def replace_once(header: str, pattern: str, replacement: str) -> None:
    """Edit a header, which must hold the pattern.

    Raises:
        SystemExit: It does not: another release of zig, whose headers nobody has looked at.
    """
    file = INCLUDE / header
    text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.MULTILINE)
    if not count:
        sys.exit(f"sysroot: {header} of this ziglang does not hold {pattern!r}")
    file.write_text(text)


def copy_headers(arch: str) -> None:
    """Lay zig's header folders over each other; a later one wins, as in its search order."""
    cpu = CPU[arch]
    for name in (
        "any-linux-any",
        f"{cpu}-linux-any",
        "generic-glibc",
        f"{arch}-linux-gnu",
        f"{cpu}-linux-gnu",  # the name differs between releases of zig
    ):
        folder = ZIG / "lib" / "libc" / "include" / name
        if folder.is_dir():
            shutil.copytree(folder, INCLUDE, dirs_exist_ok=True)


def pin_version(minor: int) -> None:
    """Say in the headers themselves which glibc they are."""
    version = f"#define\t__GLIBC__\t2\n#define\t__GLIBC_MINOR__\t{minor}"
    replace_once("features.h", r"^#define\s+__GLIBC__\s+2$", version)
    # __GLIBC_MINOR__ is used above its definition, too.
    replace_once(
        "features.h", r"^#define\s+_FEATURES_H\s+1$", f"#define\t_FEATURES_H\t1\n{version}"
    )


def remove_headers_newer_than(minor: int) -> None:
    """Remove headers that are an ``#error`` in an older glibc: ``__has_include`` must say no."""
    for file in sorted(INCLUDE.rglob("*.h")):
        text = file.read_text(encoding="latin-1")
        since = re.search(r'#\s*error "\S+ did not exist before glibc 2\.(\d+)"', text)
        if since and int(since[1]) > minor:
            file.unlink()
            print("removed", file.relative_to(INCLUDE))


def repair_headers(minor: int) -> None:
    """Withdraw what zig's headers declare without asking for the version, and GCC acts on."""
    if minor < 35:  # noqa: PLR2004 - libgcc's unwinder would use _dl_find_object
        replace_once(
            "bits/dl_find_object.h",
            r"^(\s*#\s*define\s+DLFO_STRUCT_HAS_EH_DBASE\b.*)$",
            r"/* glibc < 2.35: \1 */",
        )
    if minor < 36:  # noqa: PLR2004 - libstdc++'s configure believes a declaration of mbrtoc8
        replace_once(
            "uchar.h",
            r"^#if __GLIBC_USE \((?:ISOC23|ISOC2X)\) \|\| defined __cpp_char8_t$",
            "#if 0 /* glibc < 2.36 */",
        )


def make_stubs(arch: str, glibc: str) -> dict[str, Path]:
    """Link an empty program with zig; its cache then holds every stub and start file."""
    work = Path("zig").absolute()
    work.mkdir()
    source = work / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": str(work / "global"),
        "ZIG_LOCAL_CACHE_DIR": str(work / "local"),
    }
    target = f"{arch}-linux-gnu.{glibc}"
    command = [ZIG / "zig", "cc", "-target", target, "-fno-sanitize=undefined", "-O1"]
    subprocess.run([*command, source, "-o", work / "empty"], env=environment, check=True)
    wanted = re.compile(
        r"lib(?:c|m|pthread|dl|rt|util|resolv)\.so\.\d+|libld\.so\.2|S?crt1\.o|libc_nonshared\.a"
    )
    return {p.name: p for p in (work / "global").rglob("*") if wanted.fullmatch(p.name)}


def install_stubs(found: dict[str, Path], arch: str, minor: int) -> None:
    """Put the stubs where a linker looks for the real files."""
    needed = {"libc.so.6", "libm.so.6", "libld.so.2", "crt1.o", "libc_nonshared.a"}
    if minor < 34:  # noqa: PLR2004 - from 2.34 on they are parts of libc.so.6
        needed |= {"libpthread.so.0", "libdl.so.2", "librt.so.1"}
    if missing := needed - found.keys():
        sys.exit(f"sysroot: this ziglang made no {', '.join(sorted(missing))}")
    LIB.mkdir(parents=True)
    for name, file in found.items():
        shutil.copy(file, LIB / (LOADER[arch] if name == "libld.so.2" else name))
    group = f"GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( {LOADER[arch]} ) )"
    (LIB / "libc.so").write_text(f"/* GNU ld script */\n{group}\n")
    for link, name in DEVELOPMENT_LINKS.items():
        if name in found:
            (LIB / link).symlink_to(name)
        else:
            (LIB / link).with_suffix(".a").write_text("!<arch>\n")
    for name in ("Scrt1.o", "gcrt1.o"):
        if name not in found:
            shutil.copy(LIB / "crt1.o", LIB / name)


def finish_objects(arch: str) -> None:
    """Add start files that zig no longer has; drop debug sections, which hold its cache's paths."""

    def tool(name: str, *arguments: str | Path, text: str = "") -> str:
        command = [f"toolchain/usr/bin/{arch}-linux-gnu-{name}", *arguments]
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    # GCC on these targets uses .init_array only, so crti.o and crtn.o can be empty.
    tool("as", "-o", LIB / "crti.o", "-", text='.section .note.GNU-stack,"",%progbits\n')
    shutil.copy(LIB / "crti.o", LIB / "crtn.o")
    # The archive's members are named by their paths in zig's cache, which strip cannot write:
    # strip the objects there, and make the archive anew.
    archive = LIB / "libc_nonshared.a"
    members = sorted(tool("ar", "t", archive).splitlines())
    archive.unlink()
    tool("strip", "-g", *members, *sorted(LIB.glob("*crt1.o")))
    tool("ar", "rcsD", archive, *members)


def main(arch: str, glibc: str) -> None:
    """Do it."""
    minor = int(glibc.partition(".")[2])
    copy_headers(arch)
    pin_version(minor)
    remove_headers_newer_than(minor)
    repair_headers(minor)
    install_stubs(make_stubs(arch, glibc), arch, minor)
    finish_objects(arch)
    shutil.rmtree("zig")
    shutil.rmtree("sysroot-input")
    print("sysroot for glibc", glibc, *sorted(path.name for path in LIB.iterdir()))


if __name__ == "__main__":
    main(os.environ["CXXRT_ARCH"], os.environ["CXXRT_GLIBC"])
