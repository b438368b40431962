"""Say where the interpreter that runs this file imports from; stands alone, Python 3.4 and later.

Protocol: no input; the last line of standard output is one JSON object::

    {"python": "3.6.15", "glibc": "2.36", "path": ["DIR", …], "prefix": "DIR",
     "base_prefix": "DIR", "program": "…/python3.6"}

``glibc`` is null with another C library; ``program`` is the ELF file that runs. Nothing is
imported from the environment; what its start files (``*.pth``, ``sitecustomize``) import, they
import here as they do in every start.
"""

import json
import os
import sys

# Annotations are strings where an older Python could not evaluate them.


def main() -> None:
    """Write the answer."""
    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 - pathlib costs 10 ms
    answer = {
        "python": ".".join(str(each) for each in sys.version_info[:3]),
        "glibc": glibc(),
        "path": [os.path.abspath(each) for each in sys.path if os.path.realpath(each) != here],  # noqa: PTH100 - as above
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "program": os.path.realpath("/proc/self/exe"),
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def glibc() -> "str | None":
    """The version of the C library, if it is glibc."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):  # another libc, another system
        return None
    return version if name == "glibc" else None


if __name__ == "__main__":
    main()
