"""Rules about what an extension module needs and does not get: P1, L004, P7, parts of D3 and D10.

They rest on a simulation of the loader (`facts.loading`): the module in a process that has imported
nothing else. Of a library that only code opens (`Loads.by_name`) nobody knows what that code opens
before. What that could cure is a warning where it can open nothing of the package without it, and
is not said of plug-ins beside others that open, such as those of MKL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.facts.families import RuntimeFamily, cuda_major, family_of_name
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.facts.loading import GRAFTED
from cxxrt_toolchain.facts.process import names_of
from cxxrt_toolchain.rules.remedies import (
    cudart_first,
    loaded_by_path,
    reinstall,
    repaired,
    upgrade,
    without,
)
from cxxrt_toolchain.rules.rule import Finding, error, note, rule, warning
from cxxrt_toolchain.wording import counted, listed, shortened

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.loading import Absent, Unserved

_VERSIONED = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
"""What D1 judges."""


@rule("CXXRT-P1", "Needs a library from outside that nobody promises", on=(EnvironmentFacts,))
def not_found(env: EnvironmentFacts) -> Iterator[Finding]:
    """A needed library that the loader does not find; runtimes are a matter of D12 and L004."""
    nowhere: dict[str, list[Absent]] = {}
    for each in env.loads.absent:
        if each.name in _VERSIONED or family_of_name(each.name) is RuntimeFamily.LIBCUDART:
            continue
        if each.found:
            yield from _out_of_reach(env, each)
        elif owner := _source(env, each):
            yield _lost(env, each, owner)
        else:
            nowhere.setdefault(env.package_of(each.consumer) or "", []).append(each)
    for name, rows in sorted(nowhere.items()):
        yield _nowhere(env, name, rows)


@rule("CXXRT-L004", "No libcudart of the needed major", on=(EnvironmentFacts,))
def no_cudart(env: EnvironmentFacts) -> Iterator[Finding]:
    """A libcudart that the loader does not find, installed or not."""
    for each in env.loads.absent:
        if family_of_name(each.name) is RuntimeFamily.LIBCUDART:
            if each.found:
                yield from _out_of_reach(env, each)
            else:
                yield _nowhere(env, env.package_of(each.consumer) or "", [each])


def _out_of_reach(env: EnvironmentFacts, absent: Absent) -> Iterator[Finding]:
    """The library is installed, and no search path leads to it."""
    whole, by_code = _whole(env, absent.modules), env.loads.by_code(absent.modules)
    if by_code and not whole:
        return
    user, names = env.by_path[absent.consumer], names_of(env, (absent.consumer,))
    path = user.facts.rpath if user.facts.runpath is None else user.facts.runpath
    where = f"its search path {path} does not lead there" if path else "it has no search path"
    makes = error if whole and not by_code else warning
    yield makes(
        f"{env.label(absent.consumer)} needs {absent.name}, which the loader does not find: "
        f"{env.label(absent.found[0])} has it in {absent.found[0].rpartition('/')[0]}, and {where}",
        culprits=names,
        victims=names_of(env, absent.modules),
        libraries=(absent.consumer, *absent.found[:3]),
        evidence=_failing(env, absent.modules),
        remedies=_led_to(env, absent, names),
    )


def _led_to(env: EnvironmentFacts, absent: Absent, packages: tuple[str, ...]) -> tuple[str, ...]:
    """What leads the loader to an installed library that it does not find."""
    place = absent.found[0]
    by_variable = f"Start Python with LD_LIBRARY_PATH={place.rpartition('/')[0]}"
    if major := cuda_major(absent.name):
        repair = [repaired(env, each) for each in packages[:1]]
        commands = cudart_first(env, major, installed=place)
        return tuple(dict.fromkeys((*commands, *repair, by_variable)))
    return (by_variable, loaded_by_path(place))


def _source(env: EnvironmentFacts, absent: Absent) -> str:
    """The distribution that should have installed a file; empty if that may be another."""
    owners = map(env.environment.owner, env.environment.files_named(absent.name))
    own = env.package_of(absent.consumer) if GRAFTED.search(absent.name) else None
    return next((owner.name for owner in owners if owner), own or "")


def _lost(env: EnvironmentFacts, absent: Absent, owner: str) -> Finding:
    return error(
        f"{env.label(absent.consumer)} needs {absent.name}, a file of {owner} that is gone",
        culprits=(owner,),
        victims=names_of(env, absent.modules),
        libraries=(absent.consumer,),
        evidence=_failing(env, absent.modules),
        remedies=(reinstall(owner, env.version_of(owner)),),
    )


def _nowhere(env: EnvironmentFacts, name: str, rows: list[Absent]) -> Finding:
    """A note if other modules of the package work: the rest may be optional."""
    names = list(dict.fromkeys(each.name for each in rows))
    modules = tuple(dict.fromkeys(path for each in rows for path in each.modules))
    label = env.label(rows[0].consumer)
    lack = f"{listed(names)}, which {'is' if len(names) == 1 else 'are'} not installed"
    by_code = env.loads.by_code(modules)
    if _whole(env, modules) and not by_code:
        return error(
            f"{label} needs {lack}",
            culprits=(name,) if name else (),
            victims=names_of(env, modules),
            libraries=tuple(dict.fromkeys(each.consumer for each in rows))[:5],
            evidence=_failing(env, modules),
            remedies=tuple(bring(each) for each in names[:2]),
        )
    count = len(modules)
    if by_code:
        what = f"{counted(count, 'library', 'libraries')} of {label} cannot be opened"
    else:
        what = f"{counted(count, 'extension module')} of {label} cannot be imported"
    return note(
        f"{what} without {lack}",
        libraries=modules[:5],
        evidence=shortened([f"{each.consumer} needs {each.name}" for each in rows]),
        remedies=tuple(bring(each) for each in names[:1]),
    )


def bring(library: str) -> str:
    """What installs a library of the machine."""
    if library.startswith("libcuda.so"):
        return "Install the NVIDIA driver"
    return (
        "Install the Python or system package that contains it (Debian, Ubuntu: apt-file search "
        f"{library}; Fedora: dnf provides '*/{library}')"
    )


@rule("CXXRT-P7", "Undefined symbol that nothing defines", on=(EnvironmentFacts,))
def undefined(env: EnvironmentFacts) -> Iterator[Finding]:
    """Symbols that no library of the scope defines, whatever was to define them."""
    spelled = {each.consumer for each in env.strings}
    for each in env.loads.unserved:
        cudart = family_of_name(each.provider) is RuntimeFamily.LIBCUDART
        if each.symbols and not each.variable and not cudart and each.consumer not in spelled:
            yield _unserved(env, each)


def lacks_version(env: EnvironmentFacts) -> Iterator[Finding]:
    """A library that the loader finds lacks a version; runtimes are a matter of D1."""
    for each in env.loads.unserved:
        if each.versions and not each.variable and not _judged_by_d1(env, each):
            yield _unserved(env, each)


def _judged_by_d1(env: EnvironmentFacts, found: Unserved) -> bool:
    name = env.by_path[found.provider].name
    own = (found.consumer, name) in env.own or env.package_of(found.consumer) is None
    return name in _VERSIONED and not own


def _unserved(env: EnvironmentFacts, found: Unserved) -> Finding:
    consumer, names = env.label(found.consumer), names_of(env, (found.consumer,))
    lacking = [*found.versions, *found.symbols]
    more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    what = f"{lacking[0]}{more}"
    provider = env.package_of(found.provider) if found.provider else None
    file = found.provider.rpartition("/")[2]
    if lacking[0].startswith(("Py", "_Py")) and not found.provider:
        lack = f"Python {env.python} does not define"
    elif found.provider:
        whose = f" of {env.label(found.provider)}" if provider else f" ({found.provider})"
        lack = f"{file}{whose if provider not in names else ''} does not define"
    else:
        lack = "no library that it needs defines"
    elsewhere = [env.label(path) for path in found.exporters]
    also = f"; {listed(dict.fromkeys(elsewhere))} has it, and nothing leads there"
    whole = _whole(env, found.modules)
    makes = error if whole or provider not in (None, *names) else warning
    if env.loads.by_code(found.modules):
        proven = found.by_python or provider or found.versions
        makes = warning if whole and proven else note
    others = [each for each in (provider,) if each and each not in names]
    return makes(
        f"{consumer} needs {what}, which {lack}" + (also if elsewhere else ""),
        culprits=(*names, *others),
        victims=names_of(env, found.modules),
        libraries=(found.consumer, *filter(None, (found.provider,)), *found.exporters[:3]),
        evidence=(
            *shortened([_lacks(found, each) for each in lacking], 4),
            *_failing(env, found.modules)[:3],
            *_required(env, names, others),
        ),
        remedies=_fitting(env, names, others, found),
    )


def _lacks(found: Unserved, name: str) -> str:
    if found.provider:
        return f"{found.provider} defines no {name}"
    return f"nothing that it needs defines {name}"


def _required(env: EnvironmentFacts, names: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    """What the metadata of packages asks of others."""
    for name in names:
        distribution = env.environment.named(name)
        for line in distribution.requires if distribution else ():
            if any(normalized(line).startswith(normalized(other)) for other in others):
                yield f"{name} requires {line}"


def _fitting(
    env: EnvironmentFacts, names: tuple[str, ...], others: list[str], found: Unserved
) -> tuple[str, ...]:
    if others:
        other = f"another release of {others[0]} than {env.version_of(others[0])}"
        return (
            f"Install releases of {listed([*names, *others])} that were built for each other: "
            + " or ".join([*map(upgrade, names), other]),
        )
    if found.provider:
        return (f"Install another release of {names[0] if names else found.consumer}",)
    again = f"Install another release of {listed(names) or found.consumer}, or build it again"
    return (*([loaded_by_path(found.exporters[0])] if found.exporters else []), again)


def shadowed(env: EnvironmentFacts) -> Iterator[Finding]:
    """The library that a variable puts first lacks what a package needs of the other one."""
    for each in env.loads.unserved:
        if each.variable:
            lacking = [*each.versions, *each.symbols]
            preload, _ = env.loads.preloaded.get(each.provider, ("", ""))
            folder = preload or each.provider.rpartition("/")[0]
            by = f" ({preload} needs it)" if preload not in ("", each.provider) else ""
            yield error(
                f"{each.variable} puts {each.provider}{by} before {each.instead}, which "
                f"{env.label(each.consumer)} needs: it lacks {listed(lacking, 2)}",
                victims=names_of(env, (each.consumer, *each.modules)),
                libraries=(each.provider, each.instead, each.consumer),
                evidence=(
                    *shortened([f"only {each.instead} defines {name}" for name in lacking], 4),
                    *_failing(env, each.modules)[:3],
                ),
                remedies=(without(each.variable, folder),),
            )


def _failing(env: EnvironmentFacts, paths: Iterable[str]) -> tuple[str, ...]:
    ends = {True: "cannot be opened", False: "cannot be imported"}
    return tuple(shortened([f"{path} {ends[path in env.loads.by_name]}" for path in paths]))


def _whole(env: EnvironmentFacts, modules: Iterable[str]) -> bool:
    """Whether all extension modules of a package are among some modules.

    Or of libraries that code opens, whether it can open no others of the package.
    """
    if env.loads.by_code(modules):
        return not env.loads.spare.issuperset(modules)
    given = set(modules) - env.loads.by_name
    owners = {env.package_of(path) for path in given}
    every: dict[str | None, list[str]] = {}
    for each in env.loads.opened:
        every.setdefault(env.package_of(each.module), []).append(each.module)
    return any(given.issuperset(every.get(owner, ("",))) for owner in owners)
