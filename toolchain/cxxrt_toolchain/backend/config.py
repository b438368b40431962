"""``[tool.cxxrt]``, ``-C`` settings and environment variables to one `BuildConfig`.

Unknown keys and impossible values are errors that begin with the key's path. Later columns win:

    key                 [tool.cxxrt]       environment               frontend
    build-backend       text               -                         -
    backend-path        list of text       -                         -
    cuda                12, 13             CXXRT_BUILD_CUDA          -C cxxrt.cuda=12
    encoding            plain, tag, ...    CXXRT_ENCODING            -C cxxrt.encoding=tag
    platform            lowest, keep       CXXRT_PLATFORM            -C cxxrt.platform=keep
    hide-vague-linkage  true, false        CXXRT_HIDE_VAGUE_LINKAGE  -C cxxrt.hide-vague-linkage=no
    keep-exports        list of modules    -                         -
    wiring              true, false        CXXRT_WIRING              -C cxxrt.wiring=no
    ignore              list of rules      -                         -

(``CXXRT_CUDA`` is another variable: it tells an installer what the machine can run.) What the
binaries need of the runtime, OpenMP included, is computed from their symbols and has no key.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from cxxrt_toolchain.abi.versions import applies, parse_requirement
from cxxrt_toolchain.errors import ConfigError, UsageError
from cxxrt_toolchain.repair.options import Encoding, Platform
from cxxrt_toolchain.rules.selection import NOT_IGNORABLE, ONLY_OF_THE_TAG, read_selection
from cxxrt_toolchain.strict import Value

THIS_BACKEND = "cxxrt_toolchain.backend"
RUNTIME = "cxx11-cuda-runtime"
ANY_RUNTIME = f"{RUNTIME}>=1,<2"
"""Any runtime of the epoch can be linked against; a wheel's own bound is computed from it."""
_PREFIX = "cxxrt."
_ENVIRONMENT = {
    "cuda": "CXXRT_BUILD_CUDA",
    "encoding": "CXXRT_ENCODING",
    "platform": "CXXRT_PLATFORM",
    "hide-vague-linkage": "CXXRT_HIDE_VAGUE_LINKAGE",
    "wiring": "CXXRT_WIRING",
}
_BACKENDS = {
    "flit-core": "flit_core.buildapi",
    "hatchling": "hatchling.build",
    "maturin": "maturin",
    "meson-python": "mesonpy",
    "pdm-backend": "pdm.backend",
    "poetry-core": "poetry.core.masonry.api",
    "scikit-build-core": "scikit_build_core.build",
    "setuptools": "setuptools.build_meta",
    "sip": "sipbuild.api",
}
"""Distribution -> what its documentation says to write as ``build-backend``."""
_WORDS = {"1": True, "true": True, "yes": True, "on": True}
_WORDS |= {"0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """What the project and the person who builds it decided."""

    build_backend: str = "setuptools.build_meta"
    """The wrapped backend, as PEP 517 spells backends; else what ``requires`` brings."""
    backend_path: tuple[str, ...] = ()
    """In-tree folders of the wrapped backend, relative to the project."""
    cuda: int | None = None
    """The CUDA major to link against; None: no CUDA runtime."""
    encoding: Encoding = Encoding.PLAIN
    platform: Platform = Platform.LOWEST
    """Whether the platform field becomes the oldest manylinux that the binaries allow."""
    hide_vague_linkage: bool = True
    """Extension modules export their initialisation function and nothing else."""
    keep_exports: tuple[str, ...] = ()
    """Extension modules that the rule above spares."""
    wiring: bool = True
    """Packages call ``require()`` before their binaries load."""
    ignore: frozenset[str] = frozenset()
    """Ids of rules that do not keep a wheel from being written."""
    runtime_declared: bool = True
    """No static ``[project] dependencies`` lacks the runtime. It has no key."""


def read_config(
    project: Path, settings: Mapping[str, Any] | None, environment: Mapping[str, str]
) -> BuildConfig:
    """Read a project's configuration; `ConfigError` begins with the key that is wrong.

    `project` is the folder of pyproject.toml, `settings` are the frontend's ``config_settings``,
    and `environment` is ``os.environ``.
    """
    return parse_config(_document(project), settings, environment)


def has_table(project: Path) -> bool:
    """Whether a project has a ``[tool.cxxrt]`` table; `ConfigError` where it has no TOML."""
    tool = _document(project).get("tool", {})
    return isinstance(tool, dict) and "cxxrt" in tool


def _document(project: Path) -> dict[str, Any]:
    """The project's pyproject.toml; empty where there is none."""
    path = project / "pyproject.toml"
    return Value.load_toml(path, path.name).table() if path.exists() else {}


def parse_config(
    document: Mapping[str, Any], settings: Mapping[str, Any] | None, environment: Mapping[str, str]
) -> BuildConfig:
    """The pure part of `read_config`; `document` is the parsed pyproject.toml."""
    values = _values(Value(document).get("tool", {}).get("cxxrt", {}), _KEYS)
    for key, variable in _ENVIRONMENT.items():
        if environment.get(variable):
            values[key] = _KEYS[key](Value(environment[variable], f"${variable}"))
    given = (settings or {}).items()
    ours = {key.removeprefix(_PREFIX): value for key, value in given if key.startswith(_PREFIX)}
    values |= _values(Value(ours, "-C cxxrt"), {key: _KEYS[key] for key in _ENVIRONMENT})
    if "build-backend" not in values:
        values["build-backend"] = _required_backend(document)
    fields = {key.replace("-", "_"): value for key, value in values.items()}
    config = BuildConfig(**fields, runtime_declared=_declares_runtime(document))
    _check_combinations(config)
    return config


def settings_for_wrapped(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The frontend's settings without ours: many backends refuse what they do not know."""
    if settings is None:
        return None
    return {key: value for key, value in settings.items() if not key.startswith(_PREFIX)}


def _required_backend(document: Mapping[str, Any]) -> str:
    """The backend that the project's ``[build-system] requires`` brings, if it is a known one.

    A project changes one line: `build-backend` becomes ours, `requires` still has the wrapped one.
    """
    system = document.get("build-system", {})
    requires = system.get("requires", []) if isinstance(system, dict) else []
    # Of another type, it is the wrapped backend's or the frontend's to refuse.
    names = _names(requires) if isinstance(requires, list) else set()
    found = sorted(backend for name, backend in _BACKENDS.items() if name in names)
    if len(found) > 1:
        raise ConfigError(
            "tool.cxxrt.build-backend is missing, and build-system.requires brings several: "
            f"{', '.join(found)}.",
            "Name the one that builds the wheel.",
        )
    return found[0] if found else BuildConfig().build_backend


def _declares_runtime(document: Mapping[str, Any]) -> bool:
    """Whether tools that read the dependencies without building the project see the runtime."""
    project = document.get("project")
    if not isinstance(project, dict):
        return True
    dynamic, listed = project.get("dynamic", []), project.get("dependencies", [])
    if not isinstance(dynamic, list) or not isinstance(listed, list):
        return True  # the wrapped backend says what is wrong with it
    return "dependencies" in dynamic or any(map(names_runtime, listed))


def names_runtime(line: object) -> bool:
    """Whether a requirement is one on the runtime and holds in this environment."""
    try:
        found = parse_requirement(str(line))
    except InvalidRequirement:
        return False  # the wrapped backend says what is wrong with it
    return canonicalize_name(found.name) == RUNTIME and applies(found, {})


def _names(requirements: Iterable[object]) -> set[str]:
    """The names of requirements, which the wrapped backend has yet to check."""
    # Up to the first character that no name has (PEP 508), and normalized (PEP 503).
    split = [re.split(r"[^A-Za-z0-9._-]", str(each).strip(), maxsplit=1) for each in requirements]
    return {re.sub(r"[-_.]+", "-", found[0]).lower() for found in split}


def _values(table: Value, known: Mapping[str, Callable[[Value], Any]]) -> dict[str, Any]:
    """The values of the known keys that a table has."""
    found = {key: table.get(key) for key in known}
    table.close()
    return {key: known[key](value) for key, value in found.items() if value is not None}


def _check_combinations(config: BuildConfig) -> None:
    if config.encoding is not Encoding.PLAIN and (kept := config.ignore & ONLY_OF_THE_TAG):
        raise ConfigError(f"tool.cxxrt.ignore: {', '.join(sorted(kept))} {NOT_IGNORABLE}")
    if config.build_backend.split(":")[0] == THIS_BACKEND:
        raise ConfigError(
            "tool.cxxrt.build-backend is this backend itself.",
            'Name the backend that compiles the project, for example "setuptools.build_meta".',
        )
    if config.keep_exports and not config.hide_vague_linkage:
        raise ConfigError(
            "tool.cxxrt.keep-exports has no effect while hide-vague-linkage is false.",
            "Remove one of the two.",
        )


def _rules(value: Value) -> frozenset[str]:
    from cxxrt_toolchain.rules.every import CATALOGUE

    try:
        return read_selection((), value.texts(), CATALOGUE, plain=True).ignored
    except UsageError as error:
        raise ConfigError(f"{value.path}: {error.message}", error.advice) from error


def _flag(value: Value) -> bool:
    found = _WORDS.get(str(value.value).lower())
    if found is None or not isinstance(value.value, (bool, str)):
        value.fail("true or false")
    return found


def _cuda(value: Value) -> int | None:
    text = str(value.value).lower()
    if value.value != 0 and text == "none":
        return None
    if isinstance(value.value, bool) or not (text.isascii() and text.isdecimal()):
        value.fail("a CUDA major such as 12, without a minor version, or none")
    return int(text)


_KEYS: dict[str, Callable[[Value], Any]] = {
    "build-backend": Value.text,
    "backend-path": Value.texts,
    "cuda": _cuda,
    "encoding": lambda value: value.choice(Encoding),
    "platform": lambda value: value.choice(Platform),
    "hide-vague-linkage": _flag,
    "keep-exports": Value.texts,
    "wiring": _flag,
    "ignore": _rules,
}
