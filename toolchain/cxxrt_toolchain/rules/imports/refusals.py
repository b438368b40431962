"""An object that the loader cannot load: what it lacks, and what leads to it.

For `loader_messages`, which reads what the loader says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.facts.families import RuntimeFamily, cuda_major, family_of_name
from cxxrt_toolchain.facts.imports.trials import TRIED_ROOM, Change
from cxxrt_toolchain.rules.remedies import (
    Remedy,
    cudart_first,
    loaded_by_path,
    more_static_tls,
    repaired_wheel,
    runtime_first,
)
from cxxrt_toolchain.rules.rule import Finding, error

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.installed import Distribution, Environment
    from cxxrt_toolchain.facts.process import ProcessView

"""The first glibc with ``glibc.rtld.optional_static_tls``."""


class Failure(NamedTuple):
    """A message of the loader, and where it was raised."""

    match: re.Match[str]
    by: str
    """The object that cannot be loaded; empty if the message does not name it."""
    view: ProcessView
    environment: Environment

    @property
    def user(self) -> Distribution | None:
        """The distribution of the object."""
        return self.environment.owner(self.by) if self.by else None

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, as culprit or victim."""
        return (self.user.name,) if self.user else ()

    @property
    def label(self) -> str:
        """Its name and version, else the path of the object."""
        return f"{self.user.name} {self.user.version}" if self.user else self.by


def absent(failure: Failure) -> Finding:
    """A library was not found: D12, P1 or L004. It may be installed all the same."""
    library, by, names = failure.match["library"], failure.by, failure.names
    family = family_of_name(library)
    served = family is not None and family is not RuntimeFamily.LIBCUDART
    who = f"{failure.label} needs {library}, which" if by else f"{library}"
    places = failure.environment.files_named(library)
    owner = failure.environment.owner(places[0]) if places else None
    where = "was not found"
    if owner is not None:
        where = f"{owner.name} {owner.version} has, and the loader was not led to it"
    return error(
        f"{who} {where}",
        library=library,
        rule="CXXRT-D12" if served else "CXXRT-P1" if family is None else "CXXRT-L004",
        culprits=names if family is None or owner is not None else (),
        victims=names if family is not None and owner is None else (),
        libraries=(*([by] if by else []), *places[:1]),
        evidence=(
            f"{library}: cannot open shared object file",
            *(f"{each} is there" for each in places[:2]),
        ),
        remedies=_led_to(failure, library, places) or _bring(failure, library, served=served),
    )


def _led_to(failure: Failure, library: str, places: Sequence[str]) -> tuple[str, ...]:
    """The library is installed: its user needs a way to it."""
    user = failure.user
    if not places:
        return ()
    if major := cuda_major(library):
        repair = (repaired_wheel(user.name, user.version),) if user else ()
        return (*cudart_first(failure.view, major, installed=places[0]), *repair)
    module = failure.environment.module_above(places[0])
    before = Remedy(f"import {module} before {user.name if user else 'it'}", Change.OWNER)
    return (*([before] if module else []), loaded_by_path(places[0]))


def _bring(failure: Failure, library: str, *, served: bool) -> tuple[str, ...]:
    if served:
        return runtime_first(failure.view)
    if major := cuda_major(library):
        return tuple(map(str, cudart_first(failure.view, major, installed="")))
    search = f"Debian, Ubuntu: apt-file search {library}; Fedora: dnf provides '*/{library}'"
    return (f"install the Python or system package that contains it ({search})",)


def no_room(failure: Failure) -> Finding:
    """H13: objects that were loaded before have used up the reserve."""
    holders = [path for path in failure.view.static_tls if failure.view.package_of(path)]
    more = more_static_tls(failure.environment.interpreter.glibc, failure.by, TRIED_ROOM)
    what = "found no room for its static TLS block"
    first = Remedy("import it first", Change.ORDER)
    found = refused("CXXRT-H13", failure, what, (*more, first))
    return replace(
        found,
        libraries=(failure.by, *holders[:4]),
        evidence=tuple(f"{path} holds static TLS" for path in holders[:4]),
    )


def refused(rule: str, failure: Failure, what: str, remedies: tuple[str, ...] = ()) -> Finding:
    """The finding of a refusal that needs no more words."""
    return error(
        f"{failure.label} {what}",
        rule=rule,
        culprits=failure.names,
        libraries=(failure.by,),
        remedies=remedies,
    )
