"""Import the modules that the parent orders, one at a time; stands alone, Python 3.6 and later.

Protocol: the only argument is one JSON object::

    {"orders": 3, "answers": 4, "faults": 5, "preload": ["/lib/libstdc++.so.6"], "flags": {"b": 8}}

``orders`` and ``answers`` are inherited pipes, lines of JSON. An order is the name of a module::

    > "pyarrow"
    < {"outcome": "imported"}
    < {"outcome": "exception", "detail": "ImportError: ...", "where": "...", "traceback": "..."}

The first answer is ``{"outcome": "ready"}``; between an answer and the next order the process
stands still and can be looked at. When the orders end it exits at once, without running what the
modules registered for the end; after the order ``null`` it ends as programs do. ``preload`` is
loaded RTLD_GLOBAL before anything else; ``flags`` is added to the dlopen mode while that module is
imported. A crash goes through faulthandler to ``faults``. Modules see ``sys.path`` as ``python -c``
has it, and no standard input.
"""

import ctypes
import faulthandler
import importlib
import json
import os
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def main() -> None:
    """Import what the parent orders, one module at a time."""
    options = json.loads(sys.argv[1])
    faulthandler.enable(file=options["faults"], all_threads=True)
    for name in ("LD_DEBUG", "LD_DEBUG_OUTPUT"):  # for this process, not for its children
        os.environ.pop(name, None)
    sys.argv = ["-c"]
    sys.path[0] = ""
    answers = os.fdopen(options["answers"], "w")
    for path in options["preload"]:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)
    say(answers, {"outcome": "ready"})
    with os.fdopen(options["orders"]) as orders:
        for line in orders:
            module = json.loads(line)
            if module is None:
                return
            say(answers, attempt(module, options["flags"].get(module, 0)))
    os._exit(0)


def attempt(module: str, flags: int) -> "dict[str, object]":
    """The answer for one module; any exception is one."""
    before = sys.getdlopenflags()
    if flags:
        sys.setdlopenflags(before | flags)
    try:
        importlib.import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a module may even call sys.exit
        return failure(error)
    finally:
        if flags:
            sys.setdlopenflags(before)
    return {"outcome": "imported"}


def failure(error: BaseException) -> "dict[str, object]":
    """The answer for an exception: what was raised, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    text = _text(error)
    return {
        "outcome": "exception",
        "detail": text[-4000:],
        "where": f"{last.filename}:{last.lineno}" if last else "",
        "missing": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "causes": [_text(each) for each in _causes(error)],
        "traceback": traceback.format_exc()[-8000:],
    }


def _text(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(type(error), error)).strip()


MOST_CAUSES = 20


def _causes(error: BaseException) -> "list[BaseException]":
    """The exceptions that it was raised from, or while handling, nearest first."""
    found = []  # type: list[BaseException]
    while len(found) < MOST_CAUSES:
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or cause in found:
            break
        found.append(cause)
        error = cause
    return found


def say(answers: "TextIO", answer: "dict[str, object]") -> None:
    """Write one answer as a line."""
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
