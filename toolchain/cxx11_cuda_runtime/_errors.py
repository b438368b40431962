"""The errors of the loader: one class per message, each with the rule that explains it.

All but `HookError` are ``ImportError``, because a native package cannot be imported. A message has
what happened, the facts, and only the remedies that apply.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class RuntimeLoadError(ImportError):
    """What happened, with the facts; and what helps, best first."""

    rule = "CXXRT-L000"

    def __init__(self, message: str, remedies: Sequence[str] = ()) -> None:
        self.message = message
        self.remedies = tuple(remedies)
        super().__init__(
            f"{message}{_fixes(self.remedies)} [{self.rule}]", name="cxx11_cuda_runtime"
        )


class LibraryLoadError(RuntimeLoadError):
    """The dynamic linker refuses a library that the loader selected."""

    rule = "CXXRT-L001"


class LibstdcxxTooOldError(RuntimeLoadError):
    """The libstdc++ of this process lacks a symbol version that a package needs."""

    rule = "CXXRT-L002"
    culprit = ""
    """Who loaded the library, for a sentence."""


class CudartTooOldError(RuntimeLoadError):
    """The libcudart of this process is older than a package needs."""

    rule = "CXXRT-L003"


class CudartNotFoundError(RuntimeLoadError):
    """No libcudart of the needed major was found."""

    rule = "CXXRT-L004"


class SubinterpreterError(RuntimeLoadError):
    """This subinterpreter can neither load nor examine libraries."""

    rule = "CXXRT-L005"


class OpenmpNotFoundError(RuntimeLoadError):
    """No libgomp was found."""

    rule = "CXXRT-L006"


class UnbuiltError(RuntimeLoadError):
    """The package has no libraries: it is a source checkout."""

    rule = "CXXRT-L007"


class ProviderNotFoundError(RuntimeLoadError):
    """No place has a library that another distribution brings."""

    rule = "CXXRT-L011"


class ProviderMismatchError(RuntimeLoadError):
    """A library that another distribution brings lacks a function that a package needs."""

    rule = "CXXRT-L012"


class HookError(Exception):
    """The start-up hook cannot be written or removed; the message says what to do instead."""

    rule = "CXXRT-L010"

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} [{self.rule}]")


def _fixes(remedies: tuple[str, ...]) -> str:
    if not remedies:
        return ""
    if len(remedies) == 1:
        return f" Fix: {remedies[0]}."
    listed = "; ".join(f"({number}) {text}" for number, text in enumerate(remedies, 1))
    return f" Fix one of: {listed}."


def is_own_command() -> bool:
    """Whether this is ``python -m cxx11_cuda_runtime``, which says itself what is wrong."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return sys.argv[:1] == ["-m"] and b"m\0cxx11_cuda_runtime\0" in file.read()
    except OSError:
        return False
