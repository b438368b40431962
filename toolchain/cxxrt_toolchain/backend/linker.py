"""A folder for the compiler's ``-B``: a linker that adds what only the link itself knows.

In: the configuration and the environment. Out: a folder of a few files that lives as long as the
build. A compiler looks for ``ld`` in the folders of ``-B`` first (GCC: "Directory Options"; Clang
does the same), so every link of the build passes here, whichever build tool asks for it.

Why a linker and not a flag: a version script in LDFLAGS would also strip the internal shared
libraries of a project of the symbols that its modules link to, and would clash with a script of
the project's own. Only at the link itself is it known what is being made. Everything that is not
a Python extension module, and every link that has a version script, keeps its exports. In a
build tree of distutils the link also knows where the runtime will lie, and adds the RUNPATH.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cxxrt_toolchain.backend.config import BuildConfig

# PEP 3121/489: PyInit_*, PyInitU_* for names outside ASCII; PEP 793: PyModExport_*.
_EXPORTS = "{ global: PyInit_*; PyInitU_*; PyModExport_*; PyModExportU_*; local: *; };\n"

_LINKERS = ("ld", "ld.bfd", "ld.gold", "ld.lld", "ld.mold")
_SCRIPT = """\
#!/bin/sh
# Written by cxxrt-toolchain for one build: extension modules export their init function only.
out= next= script=@SCRIPT@ shared= rpath=
for arg; do
    if [ -n "$next" ]; then out=$arg; next=; continue; fi
    case $arg in
        -o) next=1 ;;
        -o?*) out=${arg#-o} ;;
        --output=*) out=${arg#--output=} ;;
        -lstdc++|-lcudart|-lgomp) shared=1 ;;
        -rpath*|--rpath*|-R?*|*new-dtags) rpath=1 ;;
        @*) # A response file: one argument a line, as GCC's driver writes it.
            found=$(sed -n '/^-o$/{n;p;q;}' "${arg#@}")
            [ -z "$found" ] || out=$found
            ! grep -Eq '^--?(version-script|dynamic-list)' "${arg#@}" || script=1 ;;
        --version-script|--version-script=*|-version-script*|--dynamic-list*|-r|-pie) script=1 ;;
    esac
done
case ${out##*/} in
    @KEPT@) ;;
    *.cpython-*.so|*.abi3.so|*.abi3t.so|*.pypy*.so|*.graalpy*.so)
        [ -n "$script" ] || set -- "$@" --version-script=@EXPORTS@ ;;
esac
case $shared$out in
    1build/lib.*/*|1*/build/lib.*/*)
        # distutils' build tree has the wheel's layout, so the way to the runtime is known here
        # and the finished wheel need not be patched, and packed, again.
        place=${out##*build/lib.} place=${place#*/} up=
        while [ "$place" != "${place#*/}" ]; do place=${place#*/} up=../$up; done
        [ -n "$rpath" ] || set -- "$@" --enable-new-dtags
        set -- "$@" -rpath "\\$ORIGIN/${up}cxx11_cuda_runtime/lib" ;;
esac
exec @LINKER@ "$@"
"""


def write_linker(folder: Path, config: BuildConfig, environment: Mapping[str, str]) -> None:
    """Fill the folder.

    Args:
        folder: Empty; stays until the build ends.
        config: What to hide, and what not.
        environment: Decides on the compiler and the linkers.

    Raises:
        MissingToolError: There is no compiler.
    """
    compiler = find_compiler(environment)
    exports = folder / "exports.map"
    exports.write_text(_EXPORTS, encoding="ascii")
    for name in _LINKERS:
        real = _default_linker(compiler, environment) if name == "ld" else None
        real = real or shutil.which(name, path=environment.get("PATH"))
        if real is not None:
            script = linker_script(
                real, str(exports) if config.hide_vague_linkage else None, config.keep_exports
            )
            (folder / name).write_text(script, encoding="utf-8")
            (folder / name).chmod(0o755)


def linker_script(linker: str, exports: str | None, keep: Sequence[str]) -> str:
    """The text of one linker.

    Args:
        linker: The real one, absolute.
        exports: The version script for extension modules; None: they export what they want.
        keep: Names of extension modules that are left alone; a link knows only the last part.
    """
    names = [name.rsplit(".", 1)[-1] for name in keep]
    kept = "|".join(f"{shlex.quote(name)}.*" for name in names) or "''"
    values = {
        "@SCRIPT@": "" if exports else "1",
        "@KEPT@": kept,
        "@EXPORTS@": shlex.quote(exports or ""),
        "@LINKER@": shlex.quote(linker),
    }
    return re.sub("|".join(values), lambda match: values[match[0]], _SCRIPT)


def find_compiler(environment: Mapping[str, str]) -> list[str]:
    """The C++ compiler's command, as the build tools find it.

    Raises:
        MissingToolError: There is none.
    """
    wanted = shlex.split(environment.get("CXX", ""))
    candidates = [wanted] if wanted else [["g++"], ["c++"], ["clang++"]]
    for command in candidates:
        # The variable may hold a launcher first: "ccache g++".
        if all(shutil.which(p, path=environment.get("PATH")) for p in _programs(command)):
            return command
    looked = f"$CXX ({' '.join(wanted)})" if wanted else "g++, c++ and clang++ on PATH"
    raise MissingToolError(
        f"no C++ compiler: looked for {looked}.",
        "Install one (Debian, Ubuntu: apt-get install g++; Fedora, manylinux: dnf install "
        "gcc-c++) or set CXX.",
    )


def _programs(command: list[str]) -> list[str]:
    return [command[0], *(w for w in command[1:2] if not w.startswith("-"))]


def _default_linker(compiler: list[str], environment: Mapping[str, str]) -> str | None:
    command = [*compiler, "-print-prog-name=ld"]
    answer = subprocess.run(
        command, capture_output=True, text=True, env=dict(environment), check=False
    )
    name = answer.stdout.strip() or "ld"
    return shutil.which(name, path=environment.get("PATH"))
