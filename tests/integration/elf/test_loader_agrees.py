"""Whatever the machine's loader opens, the reader reads, and finds the same symbols.

Objects of every linker that is installed, as they are and changed by patchelf, with segments that
end elsewhere: inside a table, at the end of a page and behind it, with and without memory that the
loader clears. A small program opens each in a child process. About 8 s.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.elf.image import PAGE, PT_DYNAMIC, PT_LOAD, ElfImage
from cxxrt_toolchain.elf.patcher import ElfEdit, Patchelf
from cxxrt_toolchain.elf.reader import ElfError, SparseElf, read_elf, read_elf_groups
from cxxrt_toolchain.elf.sections import read_sections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.compile,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="install gcc"),
]

_NAMES = [f"demo_{number}" for number in range(20)]
_SOURCE = "\n".join(
    [
        "#include <math.h>",
        *(f"int {name}(void) {{ return 1; }}" for name in _NAMES),
        "double wave(double x) { return sin(x); }",
        "int table[100] = {1}; int cleared[5000]; int *pointer = &table[3];",
    ]
)
_OPENER = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char path[4096];
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    while (fgets(path, sizeof path, stdin)) {
        int status = 0;
        path[strcspn(path, "\n")] = 0;
        fflush(stdout);
        if (!fork()) {
            alarm(10);
            void *library = dlopen(path, RTLD_NOW);
            if (!library) _exit(1);
            for (int i = 1; i < argc; i++)
                if (dlsym(library, argv[i])) printf("%s ", argv[i]);
            fflush(stdout);
            _exit(0);
        }
        wait(&status);
        printf("%d\n", status);
        fflush(stdout);
    }
}
"""
_ALLOCATED, _NOBITS = 2, 8


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """Takes a path a line; answers the names that it found in it and an exit status."""
    folder = tmp_path_factory.mktemp("opener")
    _compile(folder, _OPENER, folder / "opener")
    pipe = subprocess.PIPE
    command = [str(folder / "opener"), *_NAMES, "wave", "table", "cleared", "pointer"]
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as child:
        yield child
        assert child.stdin
        child.stdin.close()


def _compile(folder: Path, source: str, target: Path, *flags: str) -> bool:
    (folder / "source.c").write_text(source)
    command = ["gcc", "-O1", *flags, "-o", str(target), str(folder / "source.c"), "-lm", "-ldl"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _opened(child: subprocess.Popen[str], path: Path) -> set[str] | None:
    assert child.stdin
    assert child.stdout
    child.stdin.write(f"{path}\n")
    child.stdin.flush()
    *names, status = child.stdout.readline().split()
    return set(names) if status == "0" else None


@pytest.mark.parametrize(
    "style", ["", "-Wl,-z,noseparate-code", "-Wl,--hash-style=sysv", "patchelf"]
)
@pytest.mark.parametrize("linker", ["bfd", "gold", "lld", "mold"])
def test_what_the_loader_opens_is_read(
    linker: str, style: str, tmp_path: Path, opener: subprocess.Popen[str]
) -> None:
    path = tmp_path / "demo.so"
    flags = (f"-fuse-ld={linker}", "-shared", "-fPIC", *([style] if style.startswith("-") else []))
    if not _compile(tmp_path, _SOURCE, path, *flags):
        pytest.skip(f"install {linker}, or it does not know {style}")
    content = path.read_bytes()
    if style == "patchelf":
        edit = ElfEdit(search_path="$ORIGIN/" + "x" * 60)
        content = Patchelf().apply(content, edit, "demo.so")
    opened = 0
    for changed, what in _variants(content):
        path.write_bytes(changed)
        names = _opened(opener, path)
        if names is None:
            continue
        opened += 1
        try:
            read_elf(io.BytesIO(changed), "demo.so", symbols=True)
            list(read_elf_groups(io.BytesIO(changed), "demo.so")[1])
            exports = SparseElf(io.BytesIO(changed), "demo.so").exports(
                [*_NAMES, "wave", "table", "cleared", "pointer"]
            )
        except ElfError as error:
            pytest.fail(f"{what}: the loader opens it; {error}")
        assert exports == names, what
        path.unlink()  # the child has the pages of this very file
    assert opened


def _variants(content: bytes) -> Iterator[tuple[bytes, str]]:
    """The object with another end of one segment, and what was done."""
    image = ElfImage(io.BytesIO(content), "demo.so")
    sections = [
        each.offset + each.size
        for each in read_sections(image)
        # A hash table whose last chain has no end is read by nobody but the loader, in part.
        if each.flags & _ALLOCATED and each.type != _NOBITS and each.name != b".gnu.hash"
    ]
    for number, segment in enumerate(image.segments):
        if segment.type not in (PT_LOAD, PT_DYNAMIC):
            continue
        last = segment.offset + segment.file_size
        page = -(-last // PAGE) * PAGE
        ends = {last - 1, last + 100, page, page + 1, len(content), len(content) + PAGE}
        ends.update(end - cut for end in sections if end <= page for cut in (0, 4))
        for size in sorted(end - segment.offset for end in ends if end > segment.offset):
            for memory in {size, max(size, segment.memory_size)}:
                at = image.header.segment_table + 56 * number + 32
                fields = struct.pack("<QQ", size, memory)
                changed = content[:at] + fields + content[at + len(fields) :]
                yield changed, f"segment {number}: {size:#x} bytes in the file, {memory:#x} in all"
