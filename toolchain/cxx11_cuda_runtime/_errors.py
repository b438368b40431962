"""Every error of the loader: one class per message, each with the rule that explains it.

All are ``ImportError``: they say that a native package cannot be imported here. A message is what
happened, the facts, and only those remedies that apply.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class RuntimeLoadError(ImportError):
    """Base of the tree.

    Args:
        message: What happened, with its facts.
        remedies: What its reader can do about it; empty where nothing can be advised.
    """

    rule = "CXXRT-L000"

    def __init__(self, message: str, remedies: Sequence[str] = ()) -> None:
        self.message = message
        self.remedies = tuple(remedies)
        super().__init__(
            f"{message}{_fixes(self.remedies)} [{self.rule}]", name="cxx11_cuda_runtime"
        )


class LibraryLoadError(RuntimeLoadError):
    """The dynamic linker refuses a library that we chose."""

    rule = "CXXRT-L001"


class LibstdcxxTooOldError(RuntimeLoadError):
    """The libstdc++ of this process lacks a symbol version that a package needs."""

    rule = "CXXRT-L002"
    culprit = ""
    """Who loaded it, in words."""


class CudartTooOldError(RuntimeLoadError):
    """The libcudart of this process is of an older release than a package needs."""

    rule = "CXXRT-L003"


class CudartNotFoundError(RuntimeLoadError):
    """No libcudart of the needed major is to be had."""

    rule = "CXXRT-L004"


class SubinterpreterError(RuntimeLoadError):
    """In this subinterpreter nothing can be loaded or asked."""

    rule = "CXXRT-L005"


class OpenmpNotFoundError(RuntimeLoadError):
    """No libgomp is to be had."""

    rule = "CXXRT-L006"


class UnbuiltError(RuntimeLoadError):
    """This is a source checkout of the package: there are no libraries in it."""

    rule = "CXXRT-L007"


def _fixes(remedies: tuple[str, ...]) -> str:
    if not remedies:
        return ""
    if len(remedies) == 1:
        return f" Fix: {remedies[0]}."
    listed = "; ".join(f"({number}) {text}" for number, text in enumerate(remedies, 1))
    return f" Fix one of: {listed}."
