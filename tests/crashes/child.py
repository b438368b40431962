"""Types a case's lines into an interpreter, and keeps what is mapped after each; stdlib only.

Protocol: ``python child.py FILE LINES``. After each statement of LINES that has not ended the
process, FILE is a JSON list of the mapped files, so that it is there whatever the next one does.
An exception ends it as usual: a traceback and status 1.
"""

import ast
import json
import sys


def mapped() -> "list[str]":
    """Files that the kernel says are mapped."""
    with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123 - before any import
        paths = [line.rstrip("\n").partition("/")[2] for line in maps]
    return sorted({f"/{path}" for path in paths if path})


def main() -> None:
    file, lines = sys.argv[1:]
    scope: dict[str, object] = {}
    for statement in ast.parse(lines).body:
        exec(compile(ast.Module([statement], []), "<case>", "exec"), scope)  # noqa: S102 - our own case
        with open(file, "w", encoding="utf-8") as report:  # noqa: PTH123 - few imports
            json.dump(mapped(), report)


main()
