"""The machine-readable specification as Python values: `Spec` with its epochs, and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.abi.data import policy_names, read_data
from cxxrt_toolchain.abi.platforms import private_anywhere
from cxxrt_toolchain.abi.policy import NamePatterns, Policy, WatchedSymbols
from cxxrt_toolchain.abi.versions import release_pair, version_tuple
from cxxrt_toolchain.errors import InputError

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.tag import RuntimeAbi


class UnknownEpochError(InputError):
    """The specification at hand does not define the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeLibrary:
    """A library that the runtime of an epoch provides under its well-known SONAME."""

    soname: str
    architectures: tuple[str, ...]
    """Where it exists; libquadmath is x86_64 only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One incompatible generation of the runtime ABI."""

    number: int
    glibc_floor: tuple[int, int]
    """The oldest glibc, and so the oldest perennial manylinux tag, that the epoch allows."""
    architectures: tuple[str, ...]
    """As platform tags spell them, sorted."""
    cuda_majors: tuple[int, ...]
    """Allowed in ``_cu<major>``, ascending."""
    libraries: tuple[RuntimeLibrary, ...] = ()
    """Sorted by SONAME; empty for an epoch that is known only from an installed runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaRuntime:
    """A CUDA major that some epoch allows."""

    major: int
    library: str
    """SONAME."""
    driver: tuple[int, ...]
    """The first Linux driver release that runs every minor of this major (CUDA Toolkit release
    notes, "CUDA Minor Version Compatibility")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFeatures:
    """The names of the PEP 825 properties (M-2), the namespaces in order of weight (M-5)."""

    namespace: str
    feature: str
    """Its values are the epochs."""
    cuda_namespace: str
    cuda_feature: str
    """Its values are CUDA releases that the driver runs."""
    cuda_provider: Mapping[str, Any]
    """What ``providers`` of a ``variant.json`` says of the second namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The vocabulary of ``tags.json``."""

    version: str
    distribution: str
    """Normalized name of the distribution that provides the runtime."""
    epochs: tuple[Epoch, ...]
    """By number, ascending."""
    cuda: tuple[CudaRuntime, ...]
    """By major, ascending."""
    variant: VariantFeatures

    def epoch(self, number: int) -> Epoch | None:
        """The epoch of that number, None where this specification does not know it."""
        return next((epoch for epoch in self.epochs if epoch.number == number), None)


def load_spec() -> Spec:
    """The specification that this toolchain was released with."""
    return spec_from_document(read_data("tags.json"))


def load_policy(runtime: RuntimeAbi) -> Policy:
    """What a wheel with this runtime ABI may need from outside.

    Raises `UnknownEpochError` without a policy of that name, `InputError` for an unusable one.
    """
    name = f"policies/{runtime}.json"
    known = policy_names()
    if str(runtime) not in known:
        raise UnknownEpochError(
            f"no policy for {runtime}.", f"This specification has: {', '.join(known)}."
        )
    policy = Policy.from_document(read_data(name))
    if policy.runtime != runtime:
        raise InputError(f"{name} is the policy of {policy.name}.")
    return policy


@cache
def watched_symbols() -> WatchedSymbols:
    """What a reader of ELF files has to look for, so that any policy can be applied later."""
    policies = [Policy.from_document(read_data(f"policies/{name}.json")) for name in policy_names()]
    symbols = {symbol for policy in policies for _, names in policy.blacklist for symbol in names}
    patterns = {pattern for policy in policies for pattern in policy.forbidden_definitions}
    return WatchedSymbols(
        needs=private_anywhere() | symbols, definitions=NamePatterns(sorted(patterns))
    )


def spec_from_document(document: Mapping[str, Any]) -> Spec:
    """Read a document that conforms to ``schemas/tags.schema.json``."""
    variant = document["variant"]
    cuda_property = variant["cuda"]
    epochs = {int(number): row for number, row in document["epochs"].items()}
    cuda = {int(major): row for major, row in document["cuda"].items()}
    return Spec(
        version=document["version"],
        distribution=document["distribution"],
        epochs=tuple(epoch_from_document(number, epochs[number]) for number in sorted(epochs)),
        cuda=tuple(
            CudaRuntime(major=major, library=row["library"], driver=version_tuple(row["driver"]))
            for major, row in sorted(cuda.items())
        ),
        variant=VariantFeatures(
            namespace=variant["namespace"],
            feature=variant["feature"],
            cuda_namespace=cuda_property["namespace"],
            cuda_feature=cuda_property["feature"],
            cuda_provider={key: cuda_property[key] for key in ("requires", "plugin-api")},
        ),
    )


def epoch_from_document(number: int, row: Mapping[str, Any]) -> Epoch:
    """Read one epoch of ``tags.json`` or of a conformance vector's environment."""
    return Epoch(
        number=number,
        glibc_floor=release_pair(row["glibc_floor"]),
        architectures=tuple(sorted(row["architectures"])),
        cuda_majors=tuple(sorted(row["cuda_majors"])),
        libraries=tuple(
            RuntimeLibrary(soname=soname, architectures=tuple(sorted(architectures)))
            for soname, architectures in sorted(row.get("libraries", {}).items())
        ),
    )
