"""A wheel's name and metadata against the rules G-1 to G-9 of the tag specification.

A broken rule is a value; only a name that is no wheel's name is an error. Never opens a wheel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion

from cxxrt_toolchain.abi.platforms import legacy_alias, parse_platform
from cxxrt_toolchain.abi.tag import AbiTag, RuntimeAbi, claims_runtime
from cxxrt_toolchain.abi.versions import parse_version
from cxxrt_toolchain.errors import InputError

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Epoch, Spec

_SET = r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*"
_ABIS = _SET.replace("_]", "_+]")  # so that cxxrt1+cp312 is a malformed runtime ABI (T-1)
# Sentence G-9: PEP 427, "Escaping and Unicode", and PEP 825. A build number begins with a digit
# and a Python tag never does, so each of the two forms with six parts can be read in one way only.
_NAME = re.compile(
    r"(?P<distribution>[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-(?P<version>[A-Za-z0-9._!+]+)"
    r"(?:-(?P<build>[0-9][A-Za-z0-9_.]*))?"
    rf"-(?P<python>(?![0-9]){_SET})-(?P<abi>{_ABIS})-(?P<platform>{_SET})"
    r"(?:-(?P<label>[0-9a-z_.]+))?\.whl"
)
_MAX_TAGS = 4096
"""A compressed set of a few hundred bytes can expand to millions of tags."""
_MAX_BYTES = 255
"""What a file system takes."""
_REQUIREMENT = re.compile(
    r"[ \t]*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?P<clauses>.*)", re.DOTALL
)
_NUMBER = r"(?:0|[1-9][0-9]*)"
_CLAUSE = re.compile(rf"[ \t]*(>=|<)[ \t]*({_NUMBER}(?:\.{_NUMBER})*)[ \t]*")
_NATIVE = re.compile(r"graalpy[0-9]+_(?P<python>[0-9]+)_native", re.ASCII)
_CPYTHON = re.compile(r"cp[0-9]+", re.ASCII)
_PYPY = re.compile(r"pypy(?P<python>[0-9]+)_pp[0-9]+", re.ASCII)


class BadWheelNameError(InputError):
    """A text is not the file name of a wheel, with or without a variant label."""


class TooManyTagsError(BadWheelNameError):
    """Rule G-8."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Violation:
    """One rule that a wheel breaks."""

    rule: str
    """Sentence of the specification: ``G-4``."""
    detail: str
    """What breaks it, with the offending part."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTags:
    """The fields of a wheel's file name; each compatibility field is a compressed set."""

    distribution: str
    """As spelt in the name."""
    version: str
    build: str
    """Empty where there is none."""
    python: tuple[str, ...]
    abi: tuple[str, ...]
    platform: tuple[str, ...]
    label: str | None
    """The variant label of PEP 825."""

    def __str__(self) -> str:
        sets = (".".join(field) for field in (self.python, self.abi, self.platform))
        parts = (self.distribution, self.version, self.build, *sets, self.label)
        return "-".join(part for part in parts if part) + ".whl"

    @property
    def expanded(self) -> tuple[str, ...]:
        """Every single tag of the compressed sets, sorted, each once."""
        return tuple(sorted(set(map("-".join, product(self.python, self.abi, self.platform)))))

    @property
    def other_pythons(self) -> tuple[str, ...]:
        """The Python tags of interpreters that the runtime's loader does not serve (S-10)."""
        return tuple(each for each in self.python if not each.startswith(("cp", "py")))

    @property
    def runtime(self) -> RuntimeAbi | None:
        """The runtime ABI of the ABI field or of our label; None for a plain wheel.

        Raises `BadTagError` where an ABI value or the label speaks of one and is malformed.
        """
        for abi in self.abi:
            if claims_runtime(abi):
                return AbiTag.parse(abi).runtime
        if self.label is not None and claims_runtime(self.label):
            return RuntimeAbi.parse(self.label)
        return None


def parse_wheel_name(filename: str) -> WheelTags:
    """Take a wheel's file name (no folder) apart; a variant label (PEP 825) is allowed.

    `packaging.utils.parse_wheel_filename` refuses labels and takes longer to import than a small
    wheel to read. The tests compare the two.

    Raises:
        BadWheelNameError: It is not a wheel's name.
        TooManyTagsError: It is longer than 255 bytes, or its tags expand to more than 4096.
    """
    if len(filename.encode("utf-8", "surrogateescape")) > _MAX_BYTES:
        raise TooManyTagsError(f"{filename}: the name is longer than {_MAX_BYTES} bytes.")
    match = _NAME.fullmatch(filename)
    if match is None or "__" in match["distribution"]:
        raise BadWheelNameError(
            f"{filename}: not the name of a wheel.",
            "It must read distribution-version(-build)-python-abi-platform(-label).whl.",
        )
    try:
        parse_version(match["version"])
    except InvalidVersion:
        raise BadWheelNameError(f"{filename}: {match['version']!r} is not a version.") from None
    python, abi, platform = (tuple(match[f].split(".")) for f in ("python", "abi", "platform"))
    if len(python) * len(abi) * len(platform) > _MAX_TAGS:
        raise TooManyTagsError(f"{filename}: its tags expand to more than {_MAX_TAGS}.")
    named = {key: match[key] for key in ("distribution", "version", "label")}
    return WheelTags(**named, build=match["build"] or "", python=python, abi=abi, platform=platform)


def violations(
    name: WheelTags,
    spec: Spec,
    *,
    tag_lines: Iterable[str] | None = None,
    requires_dist: Iterable[str] | None = None,
    variant: bool = False,
) -> tuple[Violation, ...]:
    """Every rule that a wheel of this name breaks, sorted; none for a plain wheel.

    Args:
        name: The parsed file name.
        spec: Gives the epochs and the name of the runtime's distribution.
        tag_lines: The values of ``Tag:`` in ``WHEEL``; None: not looked at.
        requires_dist: The values of ``Requires-Dist``; None: not looked at.
        variant: The wheel has a ``variant.json``.

    Raises:
        BadTagError: The ABI field or the label holds a malformed runtime ABI.
    """
    if name.runtime is None:
        return ()
    found = [*_platform(name, spec), *_python(name), *_one_runtime(name)]
    tagged = any(map(claims_runtime, name.abi))
    if tagged and name.label is not None:
        detail = f"runtime ABI tag and variant label {name.label} in one name"
        found.append(Violation(rule="G-5", detail=detail))
    if tagged and variant:
        found.append(Violation(rule="G-5", detail="a tagged wheel has a variant.json"))
    if tag_lines is not None and set(tag_lines) != set(name.expanded):
        detail = "the Tag lines of WHEEL are not the tags of the name"
        found.append(Violation(rule="G-6", detail=detail))
    if requires_dist is not None:
        found += _requirement(name.runtime, spec, requires_dist)
    return tuple(sorted(set(found)))


def _platform(name: WheelTags, spec: Spec) -> Iterable[Violation]:
    """Rule G-2."""
    epoch = spec.epoch(name.runtime.epoch) if name.runtime else None
    if len(name.platform) > 1 and any(value.startswith("linux_") for value in name.platform):
        yield Violation(rule="G-2", detail="linux_<arch> is for local builds and stands alone")
    for value in name.platform:
        if reason := _bad_platform(value, name.platform, epoch):
            yield Violation(rule="G-2", detail=f"platform {value}: {reason}")


def _bad_platform(value: str, fields: tuple[str, ...], epoch: Epoch | None) -> str | None:
    platform = parse_platform(value)
    if platform is None:
        return "only manylinux and, for local builds, linux_<arch> can carry a runtime ABI"
    if value == legacy_alias(platform) and platform.tag not in fields:
        return "a legacy alias needs its perennial tag beside it"
    if epoch is None:
        return None
    if platform.arch not in epoch.architectures:
        return f"epoch {epoch.number} has no architecture {platform.arch}"
    if platform.glibc is not None and platform.glibc < epoch.glibc_floor:
        return f"below the glibc {'.'.join(map(str, epoch.glibc_floor))} of epoch {epoch.number}"
    return None


def _python(name: WheelTags) -> Iterable[Violation]:
    """Rule G-3."""
    for abi in filter(claims_runtime, name.abi):
        base = AbiTag.parse(abi).base
        for python in name.python:
            if not _belongs(python, base):
                yield Violation(rule="G-3", detail=f"Python {python} does not go with ABI {base}")


def _belongs(python: str, base: str) -> bool:
    if base in ("abi3", "abi3t"):  # PEP 384, PEP 803: the oldest CPython that loads it
        return re.fullmatch(r"cp3[0-9]+", python, re.ASCII) is not None
    if match := _CPYTHON.match(base):
        return python == match[0]
    if match := _PYPY.fullmatch(base):
        return python == f"pp{match['python']}"
    if match := _NATIVE.fullmatch(base):
        return python == f"graalpy{match['python']}"
    return True  # "none", and interpreters whose ABI does not name their Python tag


def _one_runtime(name: WheelTags) -> Iterable[Violation]:
    """Rule G-4."""
    claiming, every = [abi for abi in name.abi if claims_runtime(abi)], ".".join(name.abi)
    if claiming and len(claiming) < len(name.abi):
        yield Violation(rule="G-4", detail=f"ABI set {every} mixes plain and tagged members")
    if len({AbiTag.parse(abi).runtime for abi in claiming}) > 1:
        yield Violation(rule="G-4", detail=f"ABI set {every} has different runtime ABIs")


def is_requirement(line: str, runtime: RuntimeAbi, spec: Spec) -> bool:
    """Whether a ``Requires-Dist`` is one on the runtime of that epoch, in the form of G-7a."""
    return not any(_requirement(runtime, spec, [line]))


def _requirement(runtime: RuntimeAbi, spec: Spec, lines: Iterable[str]) -> Iterable[Violation]:
    """Rules G-7 and G-7a."""
    from packaging.utils import canonicalize_name

    wanted = f"{spec.distribution}>={runtime.epoch}.<minor>,<{runtime.epoch + 1}"
    ours = []
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None or canonicalize_name(match["name"]) != spec.distribution:
            continue
        if _is_wanted(match["clauses"], runtime.epoch):
            return
        ours.append(f"{line!r} is {'conditional' if ';' in line else 'another one'}")
    detail = "; ".join(ours) or f"no requirement on {spec.distribution}"
    yield Violation(rule="G-7", detail=f"{detail}; needs {wanted}")


def _is_wanted(text: str, epoch: int) -> bool:
    text = text.strip(" \t")
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    clauses = [_CLAUSE.fullmatch(each) for each in text.split(",")]
    bounds = {clause[1]: clause[2] for clause in clauses if clause}
    if len(clauses) != len(bounds) or set(bounds) != {">=", "<"}:
        return False
    lower, upper = bounds[">="].split("."), bounds["<"].split(".")
    return (
        lower[0] == str(epoch)
        and len(lower) in (len(("N", "m")), len(("N", "m", "r")))
        and upper[0] == str(epoch + 1)
        and set(upper[1:]) <= {"0"}
    )
