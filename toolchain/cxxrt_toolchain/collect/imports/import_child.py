"""Import the modules that the parent orders, one at a time; stands alone, Python 3.6 and later.

Protocol: the only argument is one JSON object::

    {"folder": "DIR", "question": "8c3f", "descriptor": 5733, "preload": ["/lib/libstdc++.so.6"],
     "flags": {"b": 8}, "own_registries": false}

``orders``, ``answers`` and ``faults`` are FIFOs in the folder. The first two are opened by name and
only between two imports, so that few modules can write into them or close them; where a module has
left no free descriptor, or another root folder, those are used that are kept above ``descriptor``.
An order and its answer are lines of JSON with the same question; an order names a module::

    > {"question": "41a0", "module": "pyarrow"}
    < {"question": "41a0", "outcome": "imported"}
    < {"question": "41a0", "outcome": "exception", "detail": "ImportError: ...", "where": "...",
       "missing": "pyarrow.lib", "causes": ["..."], "traceback": "..."}

The first answer, to the question of the argument, is ``{"outcome": "ready", "descriptor": 5733}``:
the number under which ``faults`` is open, above the usual limit of open files, so that few loops
over all descriptors meet it. Between an answer and the next order the process stands still and can
be looked at. When the orders end it exits at once, without running what the modules registered for
the end; after the module ``null`` it ends as programs do. ``preload`` is loaded RTLD_GLOBAL before
anything else; ``flags`` is added to the dlopen mode while that module is imported;
``own_registries`` hides from each module the registries of types that others have made. A crash
goes through faulthandler to ``faults``. Modules see ``sys.path`` as ``python -c`` has it, and no
standard input.
"""

import builtins
import ctypes
import faulthandler
import importlib
import json
import os
import resource
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Modules replace functions of os (eventlet), json and others; these are kept.
OPEN, READ, WRITE, CLOSE, END = os.open, os.read, os.write, os.close, os._exit
STAT, FSTAT, DUP2, SET_BLOCKING, GETPID = os.stat, os.fstat, os.dup2, os.set_blocking, os.getpid
DUMPS, LOADS, ENABLE = json.dumps, json.loads, faulthandler.enable
GET_LIMIT, SET_LIMIT = resource.getrlimit, resource.setrlimit
GET_FLAGS, SET_FLAGS = sys.getdlopenflags, sys.setdlopenflags
IMPORT, LINES = importlib.import_module, traceback.format_exception_only
LONGEST = 4000
"""Characters of a text in an answer."""
LOST = 70
"""Exit code of a process whose module has closed the way to us, by name and by number."""
KEPT = {}  # type: dict[str, tuple[int, tuple[int, int]]]
"""Name of a FIFO to the number under which it is open for all cases, and its identity."""


def main() -> None:
    """Import what the parent orders, one module at a time."""
    options = LOADS(sys.argv[1])
    folder = options["folder"]
    descriptor = report_crashes(folder, options["descriptor"])
    keep(folder, "orders", os.O_RDONLY, descriptor + 1)
    keep(folder, "answers", os.O_WRONLY, descriptor + 2)
    for name in ("LD_DEBUG", "LD_DEBUG_OUTPUT"):  # for this process, not for its children
        os.environ.pop(name, None)
    sys.argv = ["-c"]
    sys.path[0] = ""
    for path in options["preload"]:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)
    process = GETPID()
    say(folder, options["question"], {"outcome": "ready", "descriptor": descriptor})
    while True:
        order = listen(folder)
        module = order["module"]
        if module is None:
            return
        report_crashes(folder, descriptor)
        if options["own_registries"]:
            hide_registries()
        answer = attempt(module, options["flags"].get(module, 0))
        if GETPID() != process:  # a module has forked, and its child came here
            END(0)
        say(folder, order["question"], answer)


def report_crashes(folder: str, wanted: int) -> int:
    """Have crashes reported to ``faults``, unless they are: modules close what they do not know."""
    try:
        if identity(FSTAT(wanted)) == identity(STAT(folder + "/faults")):
            return wanted
    except OSError:
        pass
    try:
        number = keep(folder, "faults", os.O_WRONLY, wanted)
    except OSError:  # out of descriptors, or in another root: a crash will have no report
        return wanted
    ENABLE(file=number, all_threads=True)
    return number


def keep(folder: str, name: str, mode: int, wanted: int) -> int:
    """Open a FIFO under a number if that can be done; the number that it has."""
    found = opened(folder, name, mode)
    limits = GET_LIMIT(resource.RLIMIT_NOFILE)
    try:
        SET_LIMIT(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        DUP2(found, wanted, inheritable=False)
    except (OSError, ValueError):
        wanted = found
    else:
        CLOSE(found)
    finally:
        SET_LIMIT(resource.RLIMIT_NOFILE, limits)
    KEPT[name] = wanted, identity(FSTAT(wanted))
    return wanted


def opened(folder: str, name: str, mode: int) -> int:
    """A FIFO that the parent has open."""
    found = OPEN(folder + "/" + name, mode | os.O_NONBLOCK)  # fails, not waits, without the parent
    SET_BLOCKING(found, True)  # noqa: FBT003 - its signature
    return found


def identity(status: "os.stat_result") -> "tuple[int, int]":
    """What tells a file from others."""
    return status.st_dev, status.st_ino


def reached(folder: str, name: str, mode: int) -> int:
    """A FIFO by its name; the kept one where a module has made that impossible."""
    try:
        return opened(folder, name, mode)
    except BaseException:  # noqa: BLE001 - audit hooks raise what they like
        number, known = KEPT[name]
        try:
            if identity(FSTAT(number)) == known:
                return number
        except OSError:
            pass
        END(LOST)


def listen(folder: str) -> "dict[str, Any]":
    """The next order; ends the process if there is none."""
    line = b""
    try:
        orders = reached(folder, "orders", os.O_RDONLY)
        while not line.endswith(b"\n"):
            piece = READ(orders, 1 << 16)
            if not piece:
                END(0)
            line += piece
        leave(orders)
    except OSError:  # the parent has gone
        END(0)
    return dict(LOADS(line.decode()))


def leave(number: int) -> None:
    """Close a FIFO, unless it is a kept one."""
    if all(number != kept for kept, _ in KEPT.values()):
        CLOSE(number)


def say(folder: str, question: str, answer: "dict[str, object]") -> None:
    """Write an answer as a line of its own."""
    answer["question"] = question
    text = f"\n{DUMPS(answer)}\n".encode()
    try:
        answers = reached(folder, "answers", os.O_WRONLY)
        while text:
            text = text[WRITE(answers, text) :]
        leave(answers)
    except OSError:
        END(LOST)


def attempt(module: str, flags: int) -> "dict[str, object]":
    """The answer for one module; any exception is one."""
    before = GET_FLAGS()
    if flags:
        SET_FLAGS(before | flags)
    try:
        IMPORT(module)
    except BaseException as error:  # noqa: BLE001 - a module may even call sys.exit
        return failure(error)
    finally:
        if flags:
            SET_FLAGS(before)
    return {"outcome": "imported"}


def hide_registries() -> None:
    """Take pybind11's and nanobind's registries of types away; who has one keeps a pointer to it.

    They lie in the interpreter's dictionary, before Python 3.8 and in old releases in `builtins`.
    """
    places = [vars(builtins)]
    if hasattr(ctypes.pythonapi, "PyInterpreterState_GetDict"):
        name = "PyInterpreterState_Get" if sys.version_info >= (3, 9) else "_PyInterpreterState_Get"
        interpreter = getattr(ctypes.pythonapi, name)
        interpreter.restype = ctypes.c_void_p
        borrowed = ctypes.pythonapi.PyInterpreterState_GetDict
        borrowed.restype, borrowed.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        places.append(ctypes.cast(borrowed(interpreter()), ctypes.py_object).value)
    for place in places:
        keys = [each for each in place if str(each).startswith(REGISTRIES)]
        HIDDEN.extend([place.pop(key) for key in keys])


REGISTRIES = ("__pybind11_internals_", "__nb_internals_")
HIDDEN = []  # type: list[object]


def failure(error: BaseException) -> "dict[str, object]":
    """The answer for an exception: what was raised, and where."""
    try:
        every = traceback.extract_tb(error.__traceback__)
        ours = (__file__, importlib.__file__)
        frames = [e for e in every if e.filename not in ours and e.filename[:7] != "<frozen"]
        missing = getattr(error, "name", None) if isinstance(error, ImportError) else None
        return {
            "outcome": "exception",
            "detail": text_of(error),
            "where": f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "",
            "missing": str(missing)[:LONGEST] if missing else "",
            "causes": [text_of(each) for each in causes_of(error)],
            "traceback": traceback.format_exc()[-2 * LONGEST :],
        }
    except BaseException:  # noqa: BLE001 - attributes of an exception may be anything
        return {"outcome": "exception", "detail": plain_text_of(error)}


def text_of(error: BaseException) -> str:
    """The text of an exception as Python ends a traceback with it."""
    text = "".join(LINES(type(error), error)).strip()
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + " ... " + text[-LONGEST // 2 :]


def plain_text_of(error: BaseException) -> str:
    """The same where the module `traceback` cannot do it, or what it needs was replaced."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"[:LONGEST]
    except BaseException:  # noqa: BLE001 - as above
        return name


MOST_CAUSES = 20


def causes_of(error: BaseException) -> "list[BaseException]":
    """The exceptions that it was raised from, or while handling, nearest first."""
    found = []  # type: list[BaseException]
    while len(found) < MOST_CAUSES:
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if not isinstance(cause, BaseException) or any(cause is each for each in found):
            break
        found.append(cause)
        error = cause
    return found


if __name__ == "__main__":
    main()
