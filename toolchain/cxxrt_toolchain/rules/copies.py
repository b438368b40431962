"""Rules about copies of libstdc++, libgcc_s and libcudart: H1, H4, D20 and L102.

M2 is a mechanism of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import as_number
from cxxrt_toolchain.facts.families import LIBSTDCXX, RuntimeFamily, cuda_major
from cxxrt_toolchain.facts.libraries import (
    RUNTIME_DISTRIBUTION,
    Origin,
    PrivateLibstdcxx,
    RuntimeCopy,
    State,
)
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.remedies import BOTH, Scene, repaired, runtime_first
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, rule
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.bindings import LocaleTable


@rule("CXXRT-H1", "Bundled libstdc++ or libgcc_s", on=BOTH, aliases=("CXXRT-L101",))
def private_libstdcxx(scene: Scene) -> Iterator[Finding]:
    """A copy under another SONAME."""
    for each in scene.private_libstdcxx():
        if not each.linked_in:
            other = (repaired(scene, each.package),) if each.package else ()
            yield _private(scene, each, "brings a private copy of libstdc++", other)


@rule("CXXRT-H4", "Statically linked libstdc++, exported", on=BOTH, aliases=("CXXRT-L103",))
def static_libstdcxx(scene: Scene) -> Iterator[Finding]:
    """A copy that is linked into an object, with its plain locale facet ids exported."""
    for each in scene.private_libstdcxx():
        if each.linked_in:
            rebuilt = f"Rebuild {each.package or each.label} without -static-libstdc++"
            what = "contains a static libstdc++ and exports its symbols"
            yield _private(scene, each, what, (rebuilt,))


def _private(scene: Scene, found: PrivateLibstdcxx, what: str, other: tuple[str, ...]) -> Finding:
    first = found.other or "the shared libstdc++"
    severity = Severity.NOTE
    match found.state:
        case State.INERT:
            other_one = found.other or "the shared runtime"
            outlook = f"it is inert, because {other_one} is loaded first and is global"
        case State.ALONE:
            outlook = "no other libstdc++ is used here"
        case State.LIVE:
            severity, second = Severity.ERROR, "the copy that is used second"
            outlook = f"{first} is used too, and {second} prints empty numbers or crashes"
        case State.UNKNOWN:
            severity, unseen = Severity.WARNING, "without reading the process's memory"
            outlook = f"whether it or {first} is damaged cannot be seen {unseen}"
    acts = severity is not Severity.NOTE
    return Finding(
        f"{found.label} {what}, {found.paths[0]}; {outlook}",
        severity=severity,
        culprits=(found.package,) if found.package and acts else (),
        victims=found.users if found.state is State.LIVE else (),
        libraries=(*found.paths, *([found.other] if found.other else [])),
        evidence=found.evidence,
        remedies=(*runtime_first(scene), *other) if acts else (),
    )


@rule("CXXRT-D20", "The locale table of a libstdc++ is damaged", on=(ProcessView,))
def damaged_locale(view: ProcessView) -> Iterator[Finding]:
    """Two copies have numbered their facets, and two facets of one copy share a number (M2)."""
    tables = view.bindings.locales if view.bindings else ()
    private = [each for each in tables if _is_private(view, each) and each.is_own]
    for table in tables:
        if table.collisions:
            others = [each for each in tables if each is not table]
            yield _damaged(view, table, others, private)


def _is_private(view: ProcessView, table: LocaleTable) -> bool:
    """Whether it is a copy that other copies can damage, not one linked with -Bsymbolic."""
    library = view.by_path.get(table.path)
    if library is None or library.soname == LIBSTDCXX:
        return False
    return RuntimeFamily.LIBSTDCXX in (library.family, *library.static)


def _damaged(
    view: ProcessView, table: LocaleTable, others: list[LocaleTable], private: list[LocaleTable]
) -> Finding:
    packaged = {Origin.WHEEL, Origin.CONDA}
    guilty = [each.path for each in private] or [
        each.path for each in (table, *others) if view.by_path[each.path].origin in packaged
    ]
    culprits = names_of(view, guilty)
    library = view.by_path.get(table.path)
    victims = view.users(library) if library else ()
    # A copy that is linked in cannot be repaired.
    copies = [path for path in guilty if view.by_path[path].family is RuntimeFamily.LIBSTDCXX]
    files = names_of(view, copies)[:1]
    brings = listed([view.label(path) for path in guilty]) or "another library"
    return error(
        f"The locale table of {table.path} is damaged, because {brings} brings another "
        "libstdc++: numbers print as nothing, parse as 0, or crash",
        culprits=culprits,
        victims=tuple(name for name in victims if name not in culprits),
        libraries=(table.path, *(each.path for each in others)),
        evidence=(str(table), f"the same number twice: {', '.join(table.collisions)}"),
        remedies=(*runtime_first(view), *(repaired(view, name) for name in files)),
    )


@rule("CXXRT-L102", "Several copies of one runtime library", on=BOTH, aliases=("CXXRT-D5",))
def several_copies(scene: Scene) -> Iterator[Finding]:
    """Copies of libgcc_s or of one libcudart; in a process also of ``libstdc++.so.6``."""
    for name, copies in _by_library(scene).items():
        used = [each for each in copies if each.in_use is not False]
        for each in copies:
            if each.in_use is False and used and "libcudart" in name:
                yield _inert(scene, name, each, used[0])
        both = used if "libcudart" in name else copies
        if len(both) > 1:
            yield _several(scene, name, both)


def _by_library(scene: Scene) -> dict[str, list[RuntimeCopy]]:
    found: dict[str, list[RuntimeCopy]] = {}
    families = (RuntimeFamily.LIBSTDCXX, RuntimeFamily.LIBGCC, RuntimeFamily.LIBCUDART)
    for each in scene.copies(*families):
        if each.family is RuntimeFamily.LIBGCC:
            found.setdefault("libgcc_s.so.1", []).append(each)
        elif each.name == LIBSTDCXX:
            found.setdefault(LIBSTDCXX, []).append(each)
        elif each.family is RuntimeFamily.LIBCUDART and (major := _cuda_major(each.name)):
            found.setdefault(f"libcudart.so.{major}", []).append(each)
    return found


def _cuda_major(name: str) -> int:
    """The CUDA major of a copy's name, also of ``libcudart.faf08d9a.so.13``; 0 for none."""
    major = name.partition(".so.")[2].split(".")[0]
    return cuda_major(name) or (as_number(major) if major.isdecimal() else 0)


def _several(scene: Scene, name: str, copies: list[RuntimeCopy]) -> Finding:
    is_used_twice = "libcudart" in name and sum(each.in_use is True for each in copies) > 1
    serious = is_used_twice or name == LIBSTDCXX
    owners = dict.fromkeys(owner for each in copies for owner in each.owners)
    owners.pop(RUNTIME_DISTRIBUTION, None)
    # A second libgcc_s does no harm: no wheel needs a repair because of it.
    renamed = [each.owners[0] for each in copies if each.owners and each.name != name]
    bundles = [] if name == "libgcc_s.so.1" else renamed
    return Finding(
        severity=Severity.WARNING if serious else Severity.NOTE,
        message=f"{len(copies)} copies of {name} {scene.verb}: "
        f"{listed([described(scene, each) for each in copies])}; each has its own state",
        culprits=tuple(owners) if serious else (),
        libraries=tuple(each.path for each in copies),
        evidence=tuple(f"{each.path} is {each.name}" for each in copies[:6]),
        remedies=(
            *(runtime_first(scene) if serious else ()),
            *(repaired(scene, each) for each in bundles[:1]),
        ),
    )


def _inert(scene: Scene, name: str, copy: RuntimeCopy, first: RuntimeCopy) -> Finding:
    return note(
        f"{_owners(scene, copy)} brings a copy of {name}, {copy.path}; it is inert, "
        f"because {first.path} is loaded first and is global",
        libraries=(copy.path, first.path),
    )


def described(scene: Scene, copy: RuntimeCopy) -> str:
    """Name of a copy, and in parentheses the distributions that bring it, else its path."""
    return f"{copy.name} ({_owners(scene, copy)})"


def _owners(scene: Scene, copy: RuntimeCopy) -> str:
    names = [f"{name} {scene.version_of(name)}".strip() for name in copy.owners]
    return listed(names) or copy.path
