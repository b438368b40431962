"""Runs one state of the loader in a process of its own; standard library only, Python 3.9 and up.

Protocol: ``python child.py STEPS`` where STEPS is a JSON list of ``[operation, argument…]``. On
stdout comes one JSON object: ``results`` (one per step), ``mapped`` (runtime libraries in
/proc/self/maps, each file once), ``modules`` (what was imported when the package had been) and
``required`` (what ``require`` imported).
A step that raises gives ``{"error": class name, "message": text, …}`` and the next one follows.
"""
# What is imported when is what the tests look at, and pathlib would be seen:
# ruff: noqa: PLC0415, PTH100, PTH105, PTH108, PTH119, PTH123

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUNTIME_NAMES = ("libstdc++", "libgcc_s", "libgomp", "libcudart")
modules: "list[str]" = []
required: "list[str]" = []


def mapped(names: "str | tuple[str, ...]" = RUNTIME_NAMES) -> "list[str]":
    """Files that are mapped, by what the kernel says, of runtime libraries or of these names."""
    paths = []
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if path and os.path.basename(path).startswith(names):
                paths.append("/" + path)
    return sorted(set(paths))


def do_import() -> str:
    before = set(sys.modules)
    import cxx11_cuda_runtime

    modules.extend(sorted(set(sys.modules) - before))
    return cxx11_cuda_runtime._how


def do_preimport(name: str) -> None:
    __import__(name)


def do_mapped(name: str) -> "list[str]":
    return mapped(name)


def do_path(*folders: str) -> None:
    sys.path[:0] = folders


def do_dlopen(path: str, mode: str = "local") -> None:
    import ctypes

    ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL if mode == "global" else ctypes.RTLD_LOCAL)


def do_probe(path: str) -> "dict[str, object]":
    import ctypes

    library = ctypes.CDLL(path)
    text = ctypes.create_string_buffer(32)
    library.probe_number(text, len(text))
    return {
        "number": text.value.decode(),
        "parse": library.probe_parse(),
        "regex": library.probe_regex(),
    }


def do_throw(thrower: str, catcher: str) -> object:
    import ctypes

    return ctypes.CDLL(catcher).probe_catch(ctypes.CDLL(thrower).probe_throw)


def do_require(**needs: "Any") -> str:  # noqa: ANN401 - as the JSON has them
    import cxx11_cuda_runtime

    before = set(sys.modules)
    cxx11_cuda_runtime.require(**needs)
    required.extend(sorted(set(sys.modules) - before))
    return "ok"


def do_loaded() -> "list[list[str]]":
    import cxx11_cuda_runtime

    return [
        [each.soname, each.path, each.found_via, each.version]
        for each in cxx11_cuda_runtime.loaded()
    ]


def do_findings() -> "list[list[str]]":
    import cxx11_cuda_runtime

    diagnosis = cxx11_cuda_runtime.diagnose()
    return [[each.rule, each.severity, each.subject, each.message] for each in diagnosis.findings]


def do_copies() -> "list[str]":
    """Every loaded libstdc++, as the diagnosis lists it."""
    import cxx11_cuda_runtime

    objects = cxx11_cuda_runtime.diagnose().facts.objects
    return [each.path for each in objects if each.soname == "libstdc++.so.6"]


def do_global(symbol: str) -> bool:
    """Whether a symbol is in the global scope."""
    import ctypes

    return hasattr(ctypes.CDLL(None), symbol)


def do_cuda_version(path: str) -> int:
    import ctypes

    number = ctypes.c_int()
    ctypes.CDLL(path).cudaRuntimeGetVersion(ctypes.byref(number))
    return number.value


def do_replace(path: str, by: str) -> None:
    """Replace a file by another, as an upgrade does."""
    import shutil

    shutil.copy(by, path + ".new")
    os.replace(path + ".new", path)


def do_remove(path: str) -> None:
    os.unlink(path)


def do_fork(steps: "list[list[object]]") -> object:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(run(steps)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        reply = json.loads(stream.read())
    os.waitpid(child, 0)
    return reply


def do_spawn(steps: "list[list[object]]") -> object:
    import subprocess

    command = [sys.executable, *sys.argv[:1], json.dumps([["path", *sys.path[:1]], *steps])]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["results"][1:]


def do_threads(count: int, **needs: object) -> "list[object]":
    """Import and require from many threads at once."""
    import threading

    barrier = threading.Barrier(count)
    replies = []

    def work() -> None:
        barrier.wait()
        replies.append(step("import", []))
        replies.append(step("require", [needs]))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def do_subinterpreter(steps: "list[list[object]]") -> object:
    """Run steps in a fresh subinterpreter: isolated where this Python knows how."""
    try:
        import _interpreters as interpreters  # type: ignore[import-not-found]  # 3.13
    except ImportError:
        import _xxsubinterpreters as interpreters  # type: ignore[import-not-found]  # to 3.12
    reader, writer = os.pipe()
    code = (
        "import os, sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "__name__ = 'child'\n"
        f"exec(compile(open({os.path.abspath(__file__)!r}).read(), 'child.py', 'exec'))\n"
        f"os.write({writer}, json.dumps(run({steps!r})).encode())\n"
    )
    identity = interpreters.create()
    failure = interpreters.run_string(identity, code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        reply = stream.read()
    interpreters.destroy(identity)
    return json.loads(reply) if reply else repr(failure)


def step(name: str, arguments: "list[object]") -> object:
    try:
        if arguments and isinstance(arguments[-1], dict):
            return globals()["do_" + name](*arguments[:-1], **arguments[-1])
        return globals()["do_" + name](*arguments)
    except (ImportError, OSError, ValueError, RuntimeWarning) as error:
        return {
            "error": type(error).__name__,
            "message": str(error),
            "rule": getattr(error, "rule", ""),
            "remedies": list(getattr(error, "remedies", ())),
        }


def run(steps: "list[list[object]]") -> "list[object]":
    return [step(str(name), arguments) for name, *arguments in steps]


if __name__ == "__main__":
    results = run(json.loads(sys.argv[1]))
    said = {"results": results, "mapped": mapped(), "modules": modules, "required": required}
    print(json.dumps(said))
