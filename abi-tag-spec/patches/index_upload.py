"""What an index does with a runtime ABI: the check of an upload (X-1), and how a file is shown.

In: the file name of a wheel. Nothing but the standard library, so that the code of an index can
take it unchanged: `refusal` belongs where the index judges platform tags, `shown` where it makes
words of tags. Names that are no wheel's (G-9) are for the index's own parser.
"""

from __future__ import annotations

import re

EPOCHS = {1: ((2, 17), {"aarch64", "x86_64"})}
"""Published epochs: the glibc floor and the architectures (``tags.json``)."""

_BASE = r"(?!cu|cxxrt)[a-z][a-z0-9]*(?:_(?!cxxrt)[a-z0-9]+)*"
_TAG = re.compile(rf"cxxrt(?P<epoch>[1-9][0-9]*)(?:_cu(?P<cuda>[1-9][0-9]+))?_(?P<base>{_BASE})")
_ALIASES = {"manylinux1": "2_5", "manylinux2010": "2_12", "manylinux2014": "2_17"}
_PLATFORM = re.compile(r"manylinux_([0-9]+)_([0-9]+)_([a-z0-9_]+)")


def refusal(filename: str) -> str | None:
    """Why a wheel is refused for its runtime ABI; None where it is not, or has none."""
    abis, platforms, label = _fields(filename)
    naming = [abi for abi in abis if _names_runtime(abi)]
    if not naming:
        return None
    tags = [tag for tag in map(_TAG.fullmatch, naming) if tag]
    if len(tags) < len(naming):
        return "An ABI tag is malformed: the runtime ABI comes first, as in cxxrt1_cp312."
    runtimes = {(tag["epoch"], tag["cuda"]) for tag in tags}
    if len(naming) < len(abis) or len(runtimes) > 1:
        return "All ABI tags of a wheel have the same runtime ABI, or none has one."
    if label:
        return "A wheel has a runtime ABI in its tag or a variant label, not both."
    (epoch, _), *_ = runtimes
    bad = [each for each in platforms if not _is_allowed(each, platforms, int(epoch))]
    return f"Platform tag {bad[0]!r} cannot carry the runtime ABI cxxrt{epoch}." if bad else None


def shown(filename: str) -> list[str]:
    """Words for the runtime ABI of a wheel; empty for a plain one."""
    for tag in filter(None, map(_TAG.fullmatch, _fields(filename)[0])):
        cuda = [f"CUDA {tag['cuda']}"] if tag["cuda"] else []
        return [f"Shared C++ runtime {tag['epoch']}", *cuda]
    return []


def base_abi(abi: str) -> str:
    """The ABI tag without a runtime ABI: what the words for Python versions are made from."""
    tag = _TAG.fullmatch(abi)
    return tag["base"] if tag else abi


def _fields(filename: str) -> tuple[list[str], list[str], str]:
    parts = filename[: -len(".whl")].split("-")
    _, _, python, abi, platform, *label = parts
    if python[:1].isdigit():  # a build tag
        abi, platform, *label = platform, *label
    return abi.split("."), platform.split("."), "".join(label)


def _names_runtime(abi: str) -> bool:
    return any(part.startswith("cxxrt") for part in re.split("[_+]", abi.lower()))


def _is_allowed(platform: str, platforms: list[str], epoch: int) -> bool:
    alias, _, arch = platform.partition("_")
    if alias in _ALIASES:
        perennial = f"manylinux_{_ALIASES[alias]}_{arch}"
        return perennial in platforms and _is_allowed(perennial, platforms, epoch)
    match = _PLATFORM.fullmatch(platform)
    if match is None or epoch not in EPOCHS:  # an index need not know every epoch
        return match is not None
    floor, architectures = EPOCHS[epoch]
    return (int(match[1]), int(match[2])) >= floor and match[3] in architectures
