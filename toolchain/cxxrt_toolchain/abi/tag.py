"""The runtime ABI and the ABI tag that carries it: parse, format, order.

Grammar: section 3.4 of the tag specification (sentences T-…). `abi.spec` knows which epochs exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cxxrt_toolchain.abi.versions import MOST_DIGITS, as_number
from cxxrt_toolchain.errors import InputError

_EPOCH_AND_CUDA = r"cxxrt(?P<epoch>[1-9][0-9]*)(?:_cu(?P<cuda>[1-9][0-9]+))?"
# A base that began with "cu" or a digit could be taken for a part of the runtime ABI before it.
_BASE = r"(?!cu|cxxrt)[a-z][a-z0-9]*(?:_(?!cxxrt)[a-z0-9]+)*"
_RUNTIME_ABI = re.compile(_EPOCH_AND_CUDA, re.ASCII)
_BASE_ABI = re.compile(_BASE, re.ASCII)
_ABI_TAG = re.compile(rf"{_EPOCH_AND_CUDA}_(?P<base>{_BASE})", re.ASCII)
_OF_THE_RUNTIME = re.compile(r"cxxrt.*|cu[0-9]*", re.ASCII | re.IGNORECASE)

_NO_CUDA = 0
"""Sorts the tag without CUDA before every tag with it; no CUDA major is 0."""
_LONGEST = MOST_DIGITS
"""Characters of a tag (T-8), so that all its numbers are exact."""
_SMALLEST_CUDA_MAJOR = 10
"""The grammar asks for two digits, so that ``cu1`` and ``cu12`` cannot be confused."""


class BadTagError(InputError):
    """A text, or a combination of parts, is no runtime ABI tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeAbi:
    """What a binary was linked against: ``cxxrt1`` or ``cxxrt1_cu12``.

    The same text begins the ABI tag and is the variant label of PEP 825. Raises
    `BadTagError` for parts that the grammar cannot express.
    """

    epoch: int
    """The incompatible generation, from 1."""
    cuda: int | None = None
    """The major of libcudart's SONAME; None: uses no CUDA runtime (rule G-1)."""

    def __post_init__(self) -> None:
        if self.epoch < 1:
            raise BadTagError(f"epoch {self.epoch}: epochs are counted from 1.")
        if self.cuda is not None and self.cuda < _SMALLEST_CUDA_MAJOR:
            raise BadTagError(f"CUDA major {self.cuda}: a CUDA major has at least two digits.")

    @classmethod
    def parse(cls, text: str) -> RuntimeAbi:
        """Read ``cxxrt<epoch>[_cu<major>]``; `BadTagError` for anything else."""
        match = _RUNTIME_ABI.fullmatch(text)
        if match is None or len(text) > _LONGEST:
            raise BadTagError(f"{text!r} is no runtime ABI.", f"{_FORM}: cxxrt1, cxxrt1_cu12.")
        return _from_match(match)

    def __str__(self) -> str:
        return f"cxxrt{self.epoch}" + (f"_cu{self.cuda}" if self.cuda else "")

    def __lt__(self, other: RuntimeAbi) -> bool:
        return _runtime_key(self) < _runtime_key(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbiTag:
    """A runtime ABI and the Python ABI behind it: ``cxxrt1_cu12_cp312``.

    ``<`` is by base, epoch and CUDA major, for stable listings; which tag an installer prefers
    depends on the machine (`host.supported`). Raises `BadTagError` for a base that cannot follow
    a runtime ABI.
    """

    base: str
    """The Python ABI as the interpreter has it: ``cp312``, ``abi3``, ``none``."""
    runtime: RuntimeAbi

    def __post_init__(self) -> None:
        if _BASE_ABI.fullmatch(self.base) is None:
            raise BadTagError(
                f"{self.base!r} is no base ABI.",
                "It is lower-case letters and digits, joined by single underscores; it begins with "
                "a letter, not with 'cu', and no part of it begins with 'cxxrt'.",
            )
        if len(str(self)) > _LONGEST:
            raise BadTagError(f"{self}: a tag has at most {_LONGEST} characters.")

    @classmethod
    def parse(cls, text: str) -> AbiTag:
        """Read one member of a wheel's ABI field; `BadTagError` for anything but a tag."""
        match = _ABI_TAG.fullmatch(text)
        if match is None or len(text) > _LONGEST:
            raise BadTagError(f"{text!r} is no runtime ABI tag.", _TAG_FORM)
        return cls(base=match["base"], runtime=_from_match(match))

    def __str__(self) -> str:
        return f"{self.runtime}_{self.base}"

    def __lt__(self, other: AbiTag) -> bool:
        return (self.base, _runtime_key(self.runtime)) < (other.base, _runtime_key(other.runtime))


_FORM = "The form is cxxrt<epoch>[_cu<CUDA major>]"
_TAG_FORM = (
    f"{_FORM}_<base ABI>, the runtime ABI first: cxxrt1_cp312, cxxrt1_cu12_cp312, cxxrt1_abi3."
)


def claims_runtime(abi: str) -> bool:
    """Whether an ABI value speaks of a runtime ABI at all, well formed or not."""
    return any(segment.startswith("cxxrt") for segment in abi.lower().replace("+", "_").split("_"))


def without_runtime(abi: str) -> str:
    """The base ABI of an ABI value, also of one whose runtime ABI is malformed.

    Raises `BadTagError` where nothing is left that could be a base ABI.
    """
    if not claims_runtime(abi):
        return abi
    segments = re.split("[_+]", abi)
    base = "_".join(each for each in segments if not _OF_THE_RUNTIME.fullmatch(each))
    if _BASE_ABI.fullmatch(base) is None:
        raise BadTagError(f"{abi!r} names no base ABI.", _TAG_FORM)
    return base


def _from_match(match: re.Match[str]) -> RuntimeAbi:
    cuda = match["cuda"]
    return RuntimeAbi(epoch=as_number(match["epoch"]), cuda=as_number(cuda) if cuda else None)


def _runtime_key(runtime: RuntimeAbi) -> tuple[int, int]:
    return runtime.epoch, runtime.cuda or _NO_CUDA
