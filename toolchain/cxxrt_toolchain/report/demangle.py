"""C++ names as people read them: mangled names in a text are replaced by their declarations.

By ``__cxa_demangle`` of libstdc++ or libc++abi. A name stays mangled without these libraries, if it
is invalid, or if the declaration could be too long to read.
"""

import re
from collections.abc import Callable
from functools import cache, partial

_MANGLED = re.compile(r"(?<![\w/.$])_Z[\w$]+(?:\.[\w$]+)*(?=\.?(?:[\s,;:)@'\"`]|$))", re.ASCII)
_NAME = re.compile(r"_Z[\w$.]+", re.ASCII)
_LIBRARIES = ("libstdc++.so.6", "libc++abi.so.1")
_LONGEST = 1024
"""Characters of a mangled name, and of a declaration. The demanglers recurse once for each
character; releases before GCC 9 have no limit of their own."""
_REFERENCE = re.compile("[ST][0-9A-Z]*_")
_MOST_REFERENCES = 18
"""Each reference repeats an earlier part: tuples of tuples double with every two. libstdc++ makes
2 MB of 32 references in 260 characters, 16 kB of 18."""


def readable(text: str) -> str:
    """The text with its mangled names demangled."""
    return _MANGLED.sub(lambda match: demangle(match[0]), text)


def demangle(name: str) -> str:
    """The declaration that a name stands for, else the name."""
    function = _demangler()
    if function is None or not _NAME.fullmatch(name) or not is_small(name):
        return name
    found = function(name)
    return found if found and len(found) <= _LONGEST else name


def is_small(name: str) -> bool:
    """Whether demangling a name takes little time and memory."""
    return len(name) <= _LONGEST and len(_REFERENCE.findall(name)) <= _MOST_REFERENCES


@cache
def _demangler() -> Callable[[str], str] | None:
    import ctypes

    for library in _LIBRARIES:
        try:
            function = ctypes.CDLL(library)["__cxa_demangle"]
        except (OSError, AttributeError):
            continue
        function.argtypes = [ctypes.c_char_p, *[ctypes.c_void_p] * 3]
        function.restype = ctypes.c_void_p
        free = ctypes.CDLL(None).free
        free.argtypes = [ctypes.c_void_p]
        return partial(_call, function, free, ctypes.string_at)
    return None


def _call(
    function: Callable[..., int | None],
    free: Callable[[int], object],
    string_at: Callable[[int], bytes],
    name: str,
) -> str:
    """The declaration; empty for an invalid name."""
    address = function(name.encode("ascii"), None, None, None)
    if not address:
        return ""
    try:
        return string_at(address).decode("ascii", "replace")
    finally:
        free(address)
