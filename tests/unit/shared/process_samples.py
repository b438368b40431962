"""Views of processes written by hand: what the rules are tried on."""

from __future__ import annotations

from typing import Any

from cxxrt_toolchain.facts.bindings import FACETS, Bindings, Bound, LocaleTable
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.installed import Distribution, Environment
from cxxrt_toolchain.facts.libraries import Library, Origin, Package
from cxxrt_toolchain.facts.process import ProcessView
from cxxrt_toolchain.host.interpreter import Interpreter

SITE = "/env/lib/python3.12/site-packages"
SYSTEM = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"
PRIVATE = f"{SITE}/maker.libs/libstdc++-maker.so.6"
MAKER = f"{SITE}/maker/core.so"
VICTIM = f"{SITE}/victim/core.so"
HEALTHY = (4, 5, 6, 29, 16, 15)
DAMAGED = (4, 5, 6, 5, 4, 3)
UNUSED = (4, 5, 6, 0, 0, 0)


def library(path: str, **more: Any) -> Library:  # noqa: ANN401 - fields of a library
    """One of a wheel, unless its path says otherwise."""
    package = None
    if path.startswith(SITE):
        package = path[len(SITE) + 1 :].split("/", maxsplit=1)[0].removesuffix(".libs")
    given = {
        "path": path,
        "soname": path.rpartition("/")[2],
        "origin": Origin.WHEEL if package else Origin.SYSTEM,
        "package": package,
        "family": None,
    }
    return Library(**(given | more))


def stdcxx(path: str = SYSTEM, version: str = "GLIBCXX_3.4.30", **more: Any) -> Library:  # noqa: ANN401 - fields
    """A copy of libstdc++; under the common SONAME unless it is another's."""
    soname = "libstdc++.so.6" if "maker" not in path else path.rpartition("/")[2]
    given = {"soname": soname, "family": RuntimeFamily.LIBSTDCXX, "version": version}
    return library(path, **(given | more))


def table(path: str, numbers: tuple[int, ...], bound_to: str | None = None) -> LocaleTable:
    """The numbers of a copy."""
    rows = tuple(zip(FACETS, numbers, strict=True))
    return LocaleTable(path=path, numbers=rows, bound_to=bound_to or path)


def bound(name: str, sizes: tuple[int, int] | None = None, **more: bool) -> Bound:
    """A symbol that is bound elsewhere."""
    unique, layout, data = (more.get(key, False) for key in ("unique", "layout", "data"))
    return Bound(name, unique, sizes, layout, data)


def view(*libraries: Library, **more: Any) -> ProcessView:  # noqa: ANN401 - fields of a view
    """A process with these libraries, in load order, whose memory was read."""
    names = dict.fromkeys(each.package for each in libraries if each.package)
    given: dict[str, Any] = {
        "libraries": libraries,
        "needed": {},
        "packages": tuple(
            Package(name=name, version="1.0", objects=1, location=SITE) for name in names
        ),
        "ordered": True,
        "bindings": Bindings(),
    }
    return ProcessView(**(given | more))


def environment(*distributions: Distribution) -> Environment:
    """What is installed."""
    interpreter = Interpreter(
        executable="/env/bin/python",
        program="/usr/bin/python3.12",
        python="3.12.1",
        glibc="2.36",
        prefix="/env",
        base_prefix="/usr",
        path=(SITE,),
    )
    return Environment(interpreter=interpreter, distributions=distributions)


def distribution(name: str, *files: str, tags: tuple[str, ...] = ()) -> Distribution:
    """One installed distribution; files relative to site-packages."""
    return Distribution(
        name=name,
        version="1.0",
        location=SITE,
        requires=(),
        tags=tags,
        files=tuple(f"{SITE}/{file}" for file in files),
    )
