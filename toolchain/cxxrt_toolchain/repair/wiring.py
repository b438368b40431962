"""Where a wheel calls ``require()``, so that the runtime is resident before its binaries load.

In: which members use the runtime, which members there are, and the requirement. Out: edits. Pure:
the sources of ``__init__.py`` files come through a function, nothing is read or written here.

The decision, layout by layout. What is added is always a file that a person can open, next to
what it serves; nothing is hooked into the import system and no interpreter starts slower:

* A package: ``_cxxrt_init.py`` beside ``__init__.py``, and one import of it as the first
  statement that the language allows there. The outermost package on the way to the binary is the
  one, because importing anything inside it runs its ``__init__.py`` first.
* PEP 420 and ``pkgutil`` namespaces have no ``__init__.py`` that is ours alone, so the first
  regular package below them is taken.
* A single extension module without a package (``foo.cpython-312-x86_64-linux-gnu.so``) gets a
  package of its own name as a forwarder. PEP 420 fixes that a package wins over a module of the
  same name in one directory; the forwarder calls ``require()``, loads the module beside it and
  puts it in its own place in ``sys.modules``, so that importers get the very same module as
  before. Renaming the module instead would need another ``PyInit_`` symbol.
* A library that ``ctypes`` loads: in a package, its ``__init__.py`` does; without one,
  the modules beside it import ``_cxxrt_init_<library>`` first.
* What cannot be reached that way (a package whose ``__init__`` is itself compiled) is named in
  ``Wiring.unwired``. Such a module still finds the runtime through its RUNPATH, but nothing
  checks what the process loaded before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.repair.edits import AddFile, ImportFirst
from cxxrt_toolchain.repair.forwarder import forwarder_source, init_source

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.symbols import SymbolTables
    from cxxrt_toolchain.abi.tag import RuntimeAbi
    from cxxrt_toolchain.facts.needs.runtime import RuntimeNeeds

INIT_MODULE = "_cxxrt_init"
"""The module that calls ``require()``; as the loader's specification names it (6.1)."""

_EXTENSION = re.compile(
    r"(?P<module>(?!lib)[A-Za-z_]\w*)\.so"
    r"|(?P<tagged>[A-Za-z_]\w*)\.(?:abi3t?|cpython-[\w-]+|pypy[\w-]+|graalpy[\w-]+)\.so"
)
"""File names that CPython, PyPy and GraalPy import; ``libx.so`` without a tag is a library."""
_DATA = re.compile(r"[^/]+\.data/(?:purelib|platlib)/")
_SHARED_INIT = re.compile(rb"\b(?:extend_path|declare_namespace)\s*\(")
"""``pkgutil`` and ``pkg_resources`` namespaces: the file must be the same in every distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeNeed:
    """What a wheel needs of the runtime, computed from its symbols."""

    who: str
    """The distribution, for the messages of the loader."""
    requirement: str
    """As ``Requires-Dist`` has it: ``cxx11-cuda-runtime>=1.9,<2``."""
    glibcxx: str | None = None
    """The highest ``GLIBCXX_`` version needed, ``3.4.26``; None: no libstdc++."""
    cudart: str | None = None
    """``12``, or ``12.9`` where a symbol asks for a minor; None: no libcudart."""
    openmp: bool = False
    libraries: tuple[dict[str, object], ...] = ()
    """Rows of libraries that other distributions bring, as the loader takes them."""

    def call(self) -> str:
        """The call of the loader that says so."""
        rows = [(key, getattr(self, key)) for key in ("glibcxx", "cudart")]
        given = [f'{key}="{value}"' for key, value in rows if value is not None]
        given += ["openmp=True"] if self.openmp else []
        who = f"who={json.dumps(self.who)}"
        if not self.libraries:
            return f"require({', '.join([*given, who])})"
        listed = "".join(f"        {row!r},\n" for row in self.libraries)
        lines = [*given, f"libraries=(\n{listed}    )", who]
        return "require(\n" + "".join(f"    {line},\n" for line in lines) + ")"

    def as_json(self, runtime_abi: str) -> str:
        """The text of ``<dist-info>/cxxrt.json``; every encoding of the wheel carries it."""
        keys = ("requirement", "glibcxx", "cudart", "openmp", "libraries")
        needs = {key: getattr(self, key) for key in keys}
        return json.dumps({"schema": 1, "runtime_abi": runtime_abi, **needs}, indent=2) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The edits that wire a wheel, and what they do not reach."""

    edits: tuple[AddFile | ImportFirst, ...]
    unwired: tuple[str, ...]
    """Users of the runtime that no import of this wheel comes before; sorted."""


def cuda_release(tables: SymbolTables, major: int, symbols: Sequence[str]) -> str:
    """The first CUDA release that has all symbols; the bare major where its first one does."""
    table = tables.cudart[major]
    release = max((table.first_seen[symbol] for symbol in symbols), default=table.releases[0])
    return str(major) if release <= table.releases[0] else str(release)


def needed_of_runtime(
    who: str, needs: RuntimeNeeds, runtime: RuntimeAbi, tables: SymbolTables
) -> RuntimeNeed:
    """What a distribution asks the runtime for; `NoRuntimeError` and `NoProviderError`."""
    releases = [cuda_release(tables, major, symbols) for major, symbols in needs.cudart]
    requirement = needs.requirement(tables, epoch=runtime.epoch)
    return RuntimeNeed(
        who=who,
        requirement=requirement or f"{load_spec().distribution}>={runtime.epoch}.0",
        glibcxx=needs.glibcxx,
        cudart=releases[-1] if releases else None,
        openmp=needs.openmp,
        libraries=tuple(need.baked for need in needs.providers),
    )


def wire(
    users: Iterable[str],
    natives: Iterable[str],
    members: Collection[str],
    read: Callable[[str], bytes],
    need: RuntimeNeed,
) -> Wiring:
    """Place the calls of ``require()``.

    Args:
        users: Members that need a library of the runtime.
        natives: All native members; where a user lies in no importable place (``foo.libs/``), it
            is loaded by one of these, so their packages are wired instead.
        members: The names of the new wheel's members.
        read: Gives the content of a ``.py`` or ``.pyi`` member.
        need: What to require.
    """
    tree = {_DATA.sub("", member): member for member in members if _importable_root(member)}
    place = _Placer(tree=tree, read=read, need=need)
    unwired: list[str] = []
    edits: dict[str, AddFile | ImportFirst] = {}
    for user in sorted(users):
        found = place.edits_for(user)
        if found is None:
            others = [place.edits_for(n) for n in sorted(natives) if n != user and _in_tree(n)]
            found = [] if _in_tree(user) else [e for edit in others if edit for e in edit]
        if not found:
            unwired.append(user)
        edits.update({edit.member: edit for edit in found})
    return Wiring(edits=tuple(edits[m] for m in sorted(edits)), unwired=tuple(unwired))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placer:
    tree: dict[str, str]
    """Path as installed -> member."""
    read: Callable[[str], bytes]
    need: RuntimeNeed

    def edits_for(self, user: str) -> list[AddFile | ImportFirst] | None:
        """The edits before one binary; None where it lies in no place that is imported."""
        if not _in_tree(user):
            return None
        root = user[: len(user) - len(_DATA.sub("", user))]
        *folders, filename = _DATA.sub("", user).split("/")
        for depth in range(1, len(folders) + 1):
            package = "/".join(folders[:depth])
            if self._is_compiled_package(package):
                return []
            init = self.tree.get(f"{package}/__init__.py")
            if init and not _SHARED_INIT.search(self.read(init)):
                return self._package(init)
        prefix = "".join(f"{folder}/" for folder in folders)
        match = _EXTENSION.fullmatch(filename)
        if match:
            return self._forwarder(root, prefix + (match["module"] or match["tagged"]))
        return self._beside_library(root, prefix, filename)

    def _is_compiled_package(self, package: str) -> bool:
        start = f"{package}/__init__."
        names = [path for path in self.tree if path.startswith(start)]
        return any(name.endswith((".so", ".pyc")) for name in names) and (
            f"{start}py" not in names or any(name.endswith(".so") for name in names)
        )

    def _package(self, init: str) -> list[AddFile | ImportFirst]:
        module = f"{init.rsplit('/', 1)[0]}/{INIT_MODULE}.py"
        return [self._init(module), ImportFirst(member=init, module=INIT_MODULE)]

    def _init(self, member: str) -> AddFile:
        return AddFile(
            member=member,
            content=init_source(self.need.call(), self.need.who, self.need.requirement),
            reason="requires the shared runtime before any binary loads",
        )

    def _forwarder(self, root: str, module: str) -> list[AddFile | ImportFirst]:
        inside = [path for path in self.tree if path.startswith(f"{module}/")]
        if not all(path.endswith((".pyi", "/py.typed")) for path in inside):
            return []  # a folder of stubs alone is no package to the interpreter
        init, content = f"{root}{module}/__init__.py", forwarder_source(module)
        reason = f"runs before the extension module {module.rsplit('/', 1)[-1]} that it loads"
        edits: list[AddFile | ImportFirst] = [
            self._init(f"{root}{module}/{INIT_MODULE}.py"),
            AddFile(member=init, content=content, reason=reason),
        ]
        stub = self.tree.get(f"{module}.pyi")
        if stub and f"{module}/__init__.pyi" not in inside:
            # Type checkers, too, prefer the package: without this they would see the forwarder.
            try:
                text = self.read(stub).decode()
            except UnicodeDecodeError as error:
                raise InputError(f"{stub} is not UTF-8: {error}.") from error
            name = f"{root}{module}/__init__.pyi"
            edits.append(AddFile(member=name, content=text, reason=f"the types of {stub}"))
        return edits

    def _beside_library(self, root: str, prefix: str, library: str) -> list[AddFile | ImportFirst]:
        beside = [p for p in self.tree if re.fullmatch(re.escape(prefix) + r"[^/]+\.py", p)]
        if not beside:
            return []
        # Files of other distributions may lie in the same folder: named after the library.
        stem = re.sub(r"[^0-9A-Za-z]+", "_", library.partition(".so")[0])
        module = f"{INIT_MODULE}_{stem}"
        firsts = [ImportFirst(member=self.tree[path], module=module) for path in beside]
        return [self._init(f"{root}{prefix}{module}.py"), *firsts]


def _importable_root(member: str) -> bool:
    top = member.split("/", 1)[0]
    return not top.endswith(".dist-info") and (
        not top.endswith(".data") or _DATA.match(member) is not None
    )


def _in_tree(member: str) -> bool:
    folders = _DATA.sub("", member).split("/")[:-1]
    return _importable_root(member) and all(folder.isidentifier() for folder in folders)
