"""A folder for the compiler's ``-B``: a linker that adds what only the link itself knows.

In: the configuration and the environment. Out: a folder of a few files that lives as long as the
build. A compiler looks for ``ld`` in the folders of ``-B`` first (GCC: "Directory Options"; Clang
does the same), so every link of the build passes here, whichever build tool asks for it.

Why a linker and not a flag: a version script in LDFLAGS would also strip the internal shared
libraries of a project of the symbols that its modules link to, and would clash with a script of
the project's own. Only at the link itself is it known what is being made. Everything that is not
a Python extension module, and every link that has a version script, keeps its exports. In a
build tree of distutils the link also knows where the runtime will lie, and adds the RUNPATH.

A project's own flags may ask for a static runtime; ``-static-libstdc++`` is common in setup.py. In
a shared object that is a second copy beside the shared one, which no builder of tagged wheels may
leave there (abi-tag-spec, B-1): it is linked dynamically, and the linker says so. A program keeps
its own; its process has one copy either way.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import MissingToolError

if TYPE_CHECKING:
    from cxxrt_toolchain.backend.config import BuildConfig

# PEP 3121/489: PyInit_*, PyInitU_* for names outside ASCII; PEP 793: PyModExport_*.
_EXPORTS = "{ global: PyInit_*; PyInitU_*; PyModExport_*; PyModExportU_*; local: *; };\n"

_LINKERS = ("ld", "ld.bfd", "ld.gold", "ld.lld", "ld.mold")
LINKED = "linked"
"""A file in the folder with the path of each shared object that was linked, one a line."""
_EXPORTS_FILE, _EDITS_FILE = "exports.map", "shared.sed"
_SCRIPT = """\
#!/bin/sh
# Written by cxxrt-toolchain for one build: extension modules export their init function only, and
# shared objects use the shared runtime, not a static one.
out= next= script=@SCRIPT@ shared= rpath= library= static= machine= module=
for arg; do
    case $next in
        out) out=$arg; next=; continue ;;
        machine) machine=$arg; next=; continue ;;
    esac
    case $arg in
        -o) next=out ;;
        -m) next=machine ;;
        -mllvm) ;;
        -m?*) machine=${arg#-m} ;;
        -o?*) out=${arg#-o} ;;
        --output=*) out=${arg#--output=} ;;
        -lstdc++|-lcudart|-lgomp) shared=1 ;;
        -Bstatic|-dn|-non_shared|-static|-lgcc_eh|-lcudart_static|-l:lib*.a|*/lib*.a) static=1 ;;
        -shared|--shared|-Bshareable) library=1 ;;
        -rpath*|--rpath*|-R?*|*new-dtags) rpath=1 ;;
        @*) # A response file: one argument a line, as GCC's driver writes it.
            static=1
            found=$(sed -n '/^-m$/{n;p;q;}' "${arg#@}")
            [ -z "$found" ] || machine=$found
            found=$(sed -n '/^-o$/{n;p;q;}' "${arg#@}")
            [ -z "$found" ] || out=$found
            ! grep -Eqx -e '--?shared|-Bshareable' "${arg#@}" || library=1
            ! grep -Eq '^--?(version-script|dynamic-list)' "${arg#@}" || script=1 ;;
        --version-script|--version-script=*|-version-script*|--dynamic-list*|-r|-pie) script=1 ;;
    esac
done
case $machine in
    ''|@MACHINE@) ;;
    *) # A link for another machine, by a compiler that found this folder in $COMPILER_PATH.
        other=$(unset COMPILER_PATH && "${COLLECT_GCC:-cc}" -print-prog-name=ld)
        exec "${other:-@LINKER@}" "$@" ;;
esac
if [ "$library$static" = 11 ]; then
    for arg; do
        case $arg in
            @*) cat "${arg#@}" && echo ;;
            *[!A-Za-z0-9_./,:=+-]*) printf '%s\\n' "$arg" | sed 's/[^A-Za-z0-9]/\\\\&/g' ;;
            *) printf '%s\\n' "$arg" ;;
        esac
    done >@ARGUMENTS@.$$
    after=$(sed -E -f @EDITS@ @ARGUMENTS@.$$)
    if [ "$after" != "$(cat @ARGUMENTS@.$$)" ]; then
        echo "cxxrt: ${out##*/} gets the shared runtime; its flags ask for a static one" >&2
        printf '%s\\n' "$after" >@ARGUMENTS@.$$
        ! grep -Eqx -e '-l(stdc\\+\\+|cudart)' @ARGUMENTS@.$$ || shared=1
        set -- @@ARGUMENTS@.$$
    fi
fi
case ${out##*/} in
    @KEPT@) ;;
    *.cpython-*.so|*.abi3.so|*.abi3t.so|*.pypy*.so|*.graalpy*.so) module=1 ;;
    *.so) # A module without its platform's suffix has an init function of its name.
        stem=${out##*/} stem=${stem%%.*}
        for arg; do
            case $arg in
                @*) grep -E '\\.(o|a|obj|lo)$' "${arg#@}" | tr '\n' '\0' |
                    xargs -0r grep -qs "PyInit_$stem" -- && module=1 ;;
                *.o|*.obj|*.lo|*.a) ! grep -qs "PyInit_$stem" -- "$arg" || module=1 ;;
            esac
        done ;;
esac
[ "$library$module$script" != 11 ] || set -- "$@" --version-script=@EXPORTS@
case $shared$out in
    1build/lib.*/*|1*/build/lib.*/*)
        # distutils' build tree has the wheel's layout, so the way to the runtime is known here
        # and the finished wheel need not be patched, and packed, again.
        place=${out##*build/lib.} place=${place#*/} up=
        while [ "$place" != "${place#*/}" ]; do place=${place#*/} up=../$up; done
        [ -n "$rpath" ] || set -- "$@" --enable-new-dtags
        set -- "$@" -rpath "\\$ORIGIN/${up}cxx11_cuda_runtime/lib" ;;
esac
[ -z "$library" ] || case $out in /*) echo "$out" ;; *) echo "$PWD/$out" ;; esac >>@LINKED@
exec @LINKER@ "$@"
"""


def write_linker(folder: Path, config: BuildConfig, environment: Mapping[str, str]) -> None:
    """Write the linker into an empty folder that stays until the build ends.

    Raises `MissingToolError` without a compiler.
    """
    compiler = find_compiler(environment)
    (folder / _EXPORTS_FILE).write_text(_EXPORTS, encoding="ascii")
    edits = shared_runtime_edits(cuda=config.cuda is not None)
    (folder / _EDITS_FILE).write_text(edits, encoding="ascii")
    emulation = _emulation(compiler, environment)
    for name in _LINKERS:
        real = _default_linker(compiler, environment) if name == "ld" else None
        real = real or shutil.which(name, path=environment.get("PATH"))
        if real is not None:
            script = linker_script(real, folder, config, emulation)
            (folder / name).write_text(script, encoding="utf-8")
            (folder / name).chmod(0o755)


def linker_script(linker: str, folder: Path, config: BuildConfig, emulation: str = "*") -> str:
    """The text of one linker.

    Args:
        linker: The real one, absolute.
        folder: Where the script and what it reads will lie.
        config: The project's. A link knows only the last part of a module's name.
        emulation: What ``-m`` says in a link for the compiler's machine, as a pattern of the shell.
    """
    names = [name.rsplit(".", 1)[-1] for name in config.keep_exports]
    kept = "|".join(f"{shlex.quote(name)}.*" for name in names) or "''"
    values = {
        "@SCRIPT@": "" if config.hide_vague_linkage else "1",
        "@KEPT@": kept,
        "@EXPORTS@": shlex.quote(str(folder / _EXPORTS_FILE)),
        "@EDITS@": shlex.quote(str(folder / _EDITS_FILE)),
        "@ARGUMENTS@": shlex.quote(str(folder / "arguments")),
        "@LINKED@": shlex.quote(str(folder / LINKED)),
        "@LINKER@": shlex.quote(linker),
        "@MACHINE@": emulation,
    }
    return re.sub("|".join(values), lambda match: values[match[0]], _SCRIPT)


def shared_runtime_edits(*, cuda: bool) -> str:
    """A program for sed: a linker's arguments, one a line, made to link no runtime statically.

    ``--push-state`` (GNU ld 2.25, gold, lld, mold) keeps how the project's other libraries are
    linked. With `cuda`, libcudart is of the shared runtime, too.
    """
    static, shared = "Bstatic|dn|non_shared|static", "Bdynamic|dy|call_shared|-pop-state"
    edits = [
        f"/^-({static})$/,/^-({shared})$/ {_instead('-lstdc[+][+]', '-lstdc++')}",
        _instead(_archive("stdc[+][+]"), "-lstdc++"),
        _instead(f"-lgcc_eh|{_archive('gcc_eh')}", "--as-needed", "-lgcc_s"),
        "s/^(-plugin-opt=-pass-through=-lgcc_)eh$/\\1s/",
    ]
    if cuda:
        edits.append(_instead(f"-lcudart_static|{_archive('cudart_static')}", "-lcudart"))
    return "".join(f"{edit}\n" for edit in edits)


def _archive(name: str) -> str:
    return rf"(-l:|.*/)lib{name}\.a"


def _instead(pattern: str, *arguments: str) -> str:
    lines = r"\n".join(("--push-state", "-Bdynamic", *arguments, "--pop-state"))
    return f"s#^({pattern})$#{lines}#"


def find_compiler(environment: Mapping[str, str]) -> list[str]:
    """The C++ compiler's command, as the build tools find it; else `MissingToolError`."""
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
    name = _ask(compiler, "-print-prog-name=ld", environment) or "ld"
    return shutil.which(name, path=environment.get("PATH"))


def _emulation(compiler: list[str], environment: Mapping[str, str]) -> str:
    """What the linker's ``-m`` is for the machine that the compiler compiles for."""
    machine = _ask(compiler, "-dumpmachine", environment).partition("-")[0]
    return {"x86_64": "elf_x86_64", "aarch64": "aarch64linux"}.get(machine, "*")


def _ask(compiler: list[str], option: str, environment: Mapping[str, str]) -> str:
    answer = subprocess.run(
        [*compiler, option], capture_output=True, text=True, env=dict(environment), check=False
    )
    return answer.stdout.strip()
