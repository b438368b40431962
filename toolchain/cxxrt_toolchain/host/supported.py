"""Which runtime ABI tags an environment supports, best first: pure.

Sections 6 and 7 of the tag specification. Nothing here looks at the machine; ``host.probe`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.spec import Epoch, Spec
from cxxrt_toolchain.abi.tag import RuntimeAbi
from cxxrt_toolchain.abi.versions import as_number, release_pair
from cxxrt_toolchain.host.expansion import expand

if TYPE_CHECKING:
    from packaging.tags import Tag

    from cxxrt_toolchain.abi.manifest import RuntimeManifest

FIRST_PRIVATE = 1000
"""From this epoch on only an installed runtime counts (E-6)."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Veto:
    """One runtime ABI that the environment's ``_cxxrt`` module refuses (S-5)."""

    epoch: int
    cuda: int
    """0 for the tag without CUDA."""
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What an environment says about itself; the specification says the rest."""

    driver: int | None = None
    """The CUDA major that the driver runs; None: none, or unknown (O-5)."""
    installed: tuple[Epoch, ...] = ()
    """Epochs that an installed runtime wheel declares (S-2)."""
    vetoes: frozenset[Veto] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportedRuntime:
    """A runtime ABI that the environment supports, and where its tags stand."""

    runtime: RuntimeAbi
    behind: bool
    """After the installer's own tags of the same ABI, not before them."""
    glibc_floor: tuple[int, int]
    architectures: tuple[str, ...]


def supported_runtimes(host: Host, spec: Spec) -> tuple[SupportedRuntime, ...]:
    """The supported runtime ABIs, best first (O-2, O-3)."""
    known = {epoch.number: epoch for epoch in spec.epochs if epoch.number < FIRST_PRIVATE}
    for epoch in host.installed:
        known[epoch.number] = _merged(known.get(epoch.number, epoch), epoch)
    before: list[SupportedRuntime] = []
    behind: list[SupportedRuntime] = []
    for number in sorted(known, reverse=True):
        epoch = known[number]
        majors = sorted(epoch.cuda_majors)
        runnable = [major for major in majors if host.driver is not None and major <= host.driver]
        preferred = [*reversed(runnable), None]
        before += [_supported(epoch, major, host, behind=False) for major in preferred]
        rest = [major for major in majors if major not in runnable]
        behind += [_supported(epoch, major, host, behind=True) for major in rest]
    return tuple(each for each in (*before, *behind) if each.architectures)


def supported_tags(base: Iterable[Tag], host: Host, spec: Spec) -> list[Tag]:
    """The installer's list, best first, unchanged, with the supported runtime tags in place."""
    return expand(base, expansion_rows(supported_runtimes(host, spec)))


def expansion_rows(
    found: Iterable[SupportedRuntime],
) -> list[tuple[str, bool, tuple[int, int], frozenset[str]]]:
    """The runtime ABIs as the plain values that ``host.expansion`` takes."""
    return [
        (str(each.runtime), each.behind, each.glibc_floor, frozenset(each.architectures))
        for each in found
    ]


def declared_epoch(manifest: RuntimeManifest) -> Epoch:
    """The epoch that an installed runtime wheel declares, as far as its manifest tells."""
    return Epoch(
        number=manifest.epoch,
        glibc_floor=release_pair(manifest.glibc_floor),
        architectures=(manifest.arch,),
        cuda_majors=tuple(as_number(cuda) for cuda, _ in manifest.cudart),
    )


def _merged(known: Epoch, declared: Epoch) -> Epoch:
    """An epoch with what an installed runtime adds to it (S-2)."""
    return replace(
        known,
        architectures=tuple(sorted({*known.architectures, *declared.architectures})),
        cuda_majors=tuple(sorted({*known.cuda_majors, *declared.cuda_majors})),
    )


def _supported(epoch: Epoch, cuda: int | None, host: Host, *, behind: bool) -> SupportedRuntime:
    return SupportedRuntime(
        runtime=RuntimeAbi(epoch=epoch.number, cuda=cuda),
        behind=behind,
        glibc_floor=epoch.glibc_floor,
        architectures=tuple(
            arch
            for arch in epoch.architectures
            if Veto(epoch=epoch.number, cuda=cuda or 0, architecture=arch) not in host.vetoes
        ),
    )
