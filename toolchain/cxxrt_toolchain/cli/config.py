"""``cxxrt config``: the runtime of this environment, for builds that are not Python's.

Prints flags on one line, as pkg-config does, or one folder per line; without an option everything,
with names.
"""

import argparse
import os
import shlex

from cxxrt_toolchain.host.runtime_folder import STRING_ABI, RuntimeFolder, find_runtime

_NOTES = """\
Examples:
  g++ $(cxxrt config --cflags) main.cc $(cxxrt config --ldflags)
  cmake -DCMAKE_PREFIX_PATH="$(cxxrt config --cmakedir)" .
  PKG_CONFIG_PATH="$(cxxrt config --pkgconfigdir)" pkg-config --libs cxxrt-stdcxx
"""
_FLAGS = {
    "cflags": "what a C++ compiler needs",
    "ldflags": "what the link needs: where the runtime is, at build and at run time",
}
_FOLDERS = {
    "cmakedir": "for CMAKE_PREFIX_PATH",
    "pkgconfigdir": "for PKG_CONFIG_PATH",
    "includedir": "headers of the runtime; empty in epoch 1: the compiler has its own",
    "libdir": "the shared libraries and their linker scripts",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog, parser.formatter_class = _NOTES, argparse.RawDescriptionHelpFormatter
    for name, text in {**_FLAGS, **_FOLDERS}.items():
        parser.add_argument(f"--{name}", action="append_const", dest="facts", const=name, help=text)
    parser.add_argument(
        "--cuda", metavar="MAJOR", type=int, help="link against this libcudart, for --ldflags"
    )


def run(args: argparse.Namespace) -> int:
    """Print the requested facts."""
    runtime = find_runtime()
    values = _values(runtime, args.cuda)
    if not args.facts:
        for name, value in {"version": runtime.manifest.version, **values}.items():
            print(f"{name}: {value}")
        return 0
    flags = [values[name] for name in args.facts if name in _FLAGS]
    if flags:
        print(" ".join(flags))
    for name in args.facts:
        if name in _FOLDERS:
            print(values[name])
    return 0


def _values(runtime: RuntimeFolder, cuda: int | None) -> dict[str, str]:
    folders = [os.fspath(folder) for folder in runtime.link_folders(cuda)]
    # The finished program has no wheel beside it: without RUNPATH it would find the host's.
    rpath = f"-Wl,-rpath,{os.fspath(runtime.libraries)}"
    ldflags = [*(f"-L{folder}" for folder in folders), rpath, *(["-lcudart"] if cuda else [])]
    return {
        "cflags": STRING_ABI,
        "ldflags": shlex.join(ldflags),
        "cmakedir": os.fspath(runtime.cmake),
        "pkgconfigdir": os.fspath(runtime.pkgconfig),
        "includedir": os.fspath(runtime.root / "include"),
        "libdir": os.fspath(runtime.libraries),
    }
