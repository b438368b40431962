"""What the caller of a repair may choose: closed sets and one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.tag import claims_runtime

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.filename import WheelTags


class Encoding(Enum):
    """How the new wheel's name says what it was linked against."""

    TAG = "tag"
    """Before the base ABI in the ABI field, ``cxxrt1_cp312``."""
    PLAIN = "plain"
    """Only the requirement says it; the name is an ordinary one."""
    VARIANT = "variant"
    """A PEP 825 variant label: planned as TAG, renamed by ``repair.encode``."""


class Platform(Enum):
    """What to do with the platform field."""

    KEEP = "keep"
    LOWEST = "lowest"
    """Only tags whose promise holds; the oldest ``manylinux_X_Y`` where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the caller wants; the defaults are those of ``cxxrt repair``."""

    encoding: Encoding | None = None
    """None: the wheel's own, TAG where its name speaks of a runtime ABI, else PLAIN."""
    platform: Platform = Platform.LOWEST
    cuda: int | None = None
    """Tag the wheel for this CUDA major although no object needs its libcudart."""
    wire: bool = True
    """Make each package call ``require()`` before its extension modules load."""
    runpath: bool = True
    """Let the loader find the runtime beside the wheel also where nothing called ``require()``."""
    sbom: bool = True
    """Note the requirement on the runtime in ``.dist-info/sboms``."""
    exclude: tuple[str, ...] = ()
    """Patterns of SONAMEs that another distribution provides; auditwheel's ``--exclude``."""
    ignore: frozenset[str] = frozenset()
    """Ids of rules that do not stand in the way, except where they break what the tag promises."""
    building: bool = False
    """The caller compiled the wheel and can compile it otherwise: an object with the old string
    ABI is refused, in a plain wheel, too, and although it is unknown whether such a string leaves
    the wheel (B-1)."""

    def plain(self, tags: WheelTags) -> bool:
        """Whether a wheel with these tags gets a plain name."""
        if self.encoding is not None:
            return self.encoding is Encoding.PLAIN
        return not any(map(claims_runtime, (*tags.abi, tags.label or "")))

    built_against: Mapping[str, str] = field(default_factory=dict)
    """Distribution to the release of it that the wheel was linked against, if that is known."""
