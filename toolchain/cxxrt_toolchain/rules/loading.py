"""Rules about what the loader refuses or loads twice: H12, H13 and H18."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.facts.loading import (
    static_tls_left,
    static_tls_room,
    takes_static_tls,
    tunables,
)
from cxxrt_toolchain.facts.process import ProcessView, names_of
from cxxrt_toolchain.rules.remedies import BOTH, Scene, more_static_tls, repaired, upgrade
from cxxrt_toolchain.rules.rule import Finding, Severity, error, note, rule, warning
from cxxrt_toolchain.wording import counted, listed, shortened

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.objects import ObjectFacts

_REFUSES = (2, 41)
"""glibc whose dlopen makes no stack executable (NEWS for 2.41). It is executable from the start if
the program or a preloaded library asks for it, or with the tunable ``glibc.rtld.execstack=2``."""
_FROM_THE_START = 2
_EXECUTABLE = (
    "Start Python with GLIBC_TUNABLES=glibc.rtld.execstack=2 (glibc 2.42, and 2.41 with its "
    "updates), or with LD_PRELOAD={}"
)
_SPARE = 512


@rule("CXXRT-H12", "Executable stack", on=BOTH)
def executable_stack(scene: Scene) -> Iterator[Finding]:
    """An error where this glibc refuses the library, else a note; one for each package."""
    refused = _refuses(scene)
    asking: dict[str, list[str]] = {}
    for each in scene.packaged():
        if each.facts.executable_stack and each.facts.kind == "dyn":
            asking.setdefault(scene.package_of(each.path) or "", []).append(each.path)
    for name, paths in sorted(asking.items()):
        modules = scene.modules_with(paths)
        severity = Severity.NOTE
        if refused:
            severity = Severity.ERROR if modules else Severity.WARNING
        file = paths[0].rpartition("/")[2]
        yield Finding(
            severity=severity,
            message=f"{scene.label(paths[0])} asks for an executable stack ({file}), which "
            + (f"glibc {scene.glibc} refuses" if refused else "glibc 2.41 and later refuse"),
            culprits=(name,) if refused and name else (),
            victims=names_of(scene, modules) if refused else (),
            libraries=tuple(paths[:5]),
            evidence=shortened([f"PT_GNU_STACK of {path} is executable" for path in paths]),
            remedies=(repaired(scene, name), _EXECUTABLE.format(paths[0]))
            if refused and name
            else (),
        )


def _refuses(scene: Scene) -> bool:
    if version_tuple(scene.glibc or "0") < _REFUSES or isinstance(scene, ProcessView):
        return False
    if any(scene.by_path[path].facts.executable_stack for path in scene.loads.started):
        return False
    set_here = tunables(dict(scene.variables).get("GLIBC_TUNABLES", ""))
    return set_here.get("execstack") != _FROM_THE_START


@rule("CXXRT-H13", "Static TLS", on=BOTH)
def static_tls(scene: Scene) -> Iterator[Finding]:
    """An error for a package that finds no room alone, a warning for packages that do together.

    A note of a library that only code opens (an allocator is meant for ``LD_PRELOAD``), and of a
    process, if little of the reserve is left.
    """
    variable = dict(scene.variables).get("GLIBC_TUNABLES", "")
    if isinstance(scene, ProcessView):
        room = static_tls_room((), variable)
        yield from _room(scene, [*scene.packaged()], room, room // 4, note)
        return
    room = static_tls_room((scene.by_path[path] for path in scene.loads.started), variable)
    together: dict[str, ObjectFacts] = {}
    for each in scene.loads.opened:
        mapped = [scene.by_path[path] for path in each.edges]
        by_code = scene.loads.by_code([each.module])
        if static_tls_left(room, mapped) < 0:
            yield from _room(scene, mapped, room, 0, note if by_code else error)
        elif not by_code:
            together |= {found.facts.soname or found.path: found for found in mapped}
    yield from _room(scene, [*together.values()], room, 0, warning)


def _room(
    scene: Scene, objects: list[ObjectFacts], room: int, least: int, make: Callable[..., Finding]
) -> Iterator[Finding]:
    """A finding if fewer than some bytes are left of a room."""
    left = static_tls_left(room, objects)
    if left >= least:
        return
    takers = sorted(filter(takes_static_tls, objects), key=lambda each: -each.facts.thread_local[0])
    owners = list(dict.fromkeys(scene.label(each.path) for each in takers))
    names = names_of(scene, (each.path for each in takers))
    acts = make is not note
    size = 512 + -(-(_SPARE - left) // 512) * 512
    yield make(
        f"{listed(owners)} {'takes' if len(owners) == 1 else 'take'} {room - left} bytes of static "
        f"TLS, of which a process has {room} for libraries that are opened after its start"
        + ("" if make is not warning else ": imported together, the last one fails"),
        culprits=names if make is error else (),
        victims=names if acts else (),
        libraries=tuple(each.path for each in takers[:6]),
        evidence=shortened([f"{each.path} takes {each.facts.thread_local[0]}" for each in takers]),
        remedies=more_static_tls(scene.glibc, takers[0].path, size) if acts else (),
    )


@rule("CXXRT-H18", "One library under several names", on=BOTH)
def twins(scene: Scene) -> Iterator[Finding]:
    """One finding for each package: a warning if a process has opened a file by its path.

    Files that objects need, each by its own name, share exported symbols: those of the first one.
    """
    for owner, groups in scene.twins().items():
        opened = [each for each in groups if each.opened]
        acts, shown = bool(opened), opened or groups
        names = [path.rpartition("/")[2] for path in shown[0].paths]
        names = names if len(set(names)) == len(names) else list(shown[0].paths)
        more = f" (and {counted(len(shown) - 1, 'library', 'libraries')} more)"
        copies = (
            f"the process has opened {shown[0].opened[0]}, too, with variables of its own"
            if acts
            else "a process that opens several of these files has several copies of its variables"
        )
        yield Finding(
            severity=Severity.WARNING if acts else Severity.NOTE,
            message=f"{scene.label(shown[0].paths[0])} has {shown[0].soname} as {listed(names)}"
            f"{more if len(shown) > 1 else ''}: {copies}",
            culprits=(owner,) if acts else (),
            libraries=tuple(path for each in shown for path in each.paths)[:8],
            evidence=shortened([f"{each.soname}: {', '.join(each.paths)}" for each in shown]),
            remedies=(f"{upgrade(owner)}; if it stays so, replace the copies by links to one file",)
            if acts
            else (),
        )
