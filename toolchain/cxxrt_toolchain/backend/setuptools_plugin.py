"""For projects that stay on ``setuptools.build_meta``: the same, from a setuptools entry point.

setuptools calls `finalize` for every distribution that it builds in an environment with this
toolchain. Without a ``[tool.cxxrt]`` table, or inside a build by ``cxxrt_toolchain.backend``, it
returns at once. Else four of the project's commands become subclasses of themselves:
``build_ext`` links with our settings, ``bdist_wheel`` and ``editable_wheel`` hand their wheel to
the code behind the backend's hooks, and ``egg_info`` declares the runtime already in the metadata
that frontends ask setuptools to prepare; the wheel then has the bound computed from its symbols.

One thing only the backend can do: the project must itself list ``cxx11-cuda-runtime`` in the
``requires`` of ``[build-system]``, because a plugin cannot add to what the frontend installs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.errors import explained
from cxxrt_toolchain.wording import NEWLINE, printable

if TYPE_CHECKING:
    from cxxrt_toolchain.backend.config import BuildConfig

    _Command = type[Any]


def finalize(distribution: Any) -> None:  # noqa: ANN401 - setuptools' types are not installed
    """Adapt the commands of a ``setuptools.Distribution``, if its project asks for it.

    The entry point group is ``setuptools.finalize_distribution_options``.
    """
    with _as_setuptools_error():
        config = _config()
        if config is None:
            return
        from cxxrt_toolchain.backend.hooks import is_served

        adapters = _ADAPTERS if is_served() else {"egg_info": _declaring}
    original: Callable[[str], _Command] = distribution.get_command_class
    adapted: dict[str, _Command] = {}

    def get_command_class(name: str) -> _Command:
        # The class is looked up late: `cmdclass` of pyproject.toml is read after this hook ran.
        if name not in adapted and name in adapters:
            adapted[name] = adapters[name](original(name), config)
        return adapted.get(name) or original(name)

    distribution.get_command_class = get_command_class


def _config() -> BuildConfig | None:
    """The configuration of a project that asks for us; None for all others."""
    from cxxrt_toolchain.backend.wrapped import ACTIVE

    project = Path.cwd()
    if os.environ.get(ACTIVE) == os.fspath(project) or not _mentions_us(project):
        return None
    # Every setuptools build of the environment comes by here, and most end above.
    from cxxrt_toolchain.backend.config import has_table, read_config

    return read_config(project, None, os.environ) if has_table(project) else None


def _mentions_us(project: Path) -> bool:
    """Whether it is worth reading as TOML: the word may stand in a comment."""
    try:
        return b"cxxrt" in (project / "pyproject.toml").read_bytes()
    except FileNotFoundError:
        return False


def _linking(command: _Command, config: BuildConfig) -> _Command:
    def run(self: Any) -> None:  # noqa: ANN401 - as above
        self.force = True  # what lies in the build tree may have been linked in another way
        with _link_variables(config):
            command.run(self)

    return type("build_ext", (command,), {"run": run})


def _declaring(command: _Command, _config: BuildConfig) -> _Command:
    """On every platform: all wheels of a version require the same (B-7)."""
    from cxxrt_toolchain.backend.config import ANY_RUNTIME, names_runtime

    def run(self: Any) -> None:  # noqa: ANN401 - as above
        distribution = self.distribution
        with _as_setuptools_error():
            if not any(map(names_runtime, distribution.install_requires)):
                distribution.install_requires = [*distribution.install_requires, ANY_RUNTIME]
            distribution.metadata.install_requires = distribution.install_requires
        command.run(self)

    return type("egg_info", (command,), {"run": run})


def _finishing_wheel(command: _Command, config: BuildConfig) -> _Command:
    def run(self: Any) -> None:  # noqa: ANN401 - as above
        command.run(self)
        built = Path(self.distribution.dist_files[-1][-1])
        from cxxrt_toolchain.backend.finish import finish_wheel

        _finish(built, lambda plain: finish_wheel(plain, built.parent, config))

    return type("bdist_wheel", (command,), {"run": run})


def _finishing_editable(command: _Command, config: BuildConfig) -> _Command:
    def run(self: Any) -> None:  # noqa: ANN401 - as above
        folder = Path(self.dist_dir)
        before = set(folder.glob("*.whl"))
        from cxxrt_toolchain.backend.editable import finish_editable
        from cxxrt_toolchain.backend.linker import LINKED
        from cxxrt_toolchain.backend.provided import linked_needs

        with _link_variables(config) as linker:
            command.run(self)
            with _as_setuptools_error():
                linked = linked_needs(linker / LINKED, Path.cwd())
        for built in set(folder.glob("*.whl")) - before:
            _finish(built, lambda plain: finish_editable(plain, folder, linked, wire=config.wiring))

    return type("editable_wheel", (command,), {"run": run})


_ADAPTERS = {
    "bdist_wheel": _finishing_wheel,
    "build_ext": _linking,
    "editable_wheel": _finishing_editable,
    "egg_info": _declaring,
}


def _finish(built: Path, finish: Callable[[Path], Path]) -> None:
    """Replace a wheel by its finished form, which may have another name."""
    from cxxrt_toolchain.temporary import scratch_folder

    with _as_setuptools_error(), scratch_folder() as folder:
        plain = folder / built.name
        plain.write_bytes(built.read_bytes())
        built.unlink()
        finish(plain)


@contextmanager
def _link_variables(config: BuildConfig) -> Iterator[Path]:
    from cxxrt_toolchain.backend.setting import link_settings
    from cxxrt_toolchain.temporary import scratch_folder

    saved = dict(os.environ)
    with scratch_folder() as folder:
        with _as_setuptools_error():
            changes = link_settings(config, folder, saved)
        os.environ.update(changes)
        try:
            yield Path(folder)
        finally:
            for name in changes:
                os.environ.pop(name, None)
            os.environ.update({name: saved[name] for name in changes if name in saved})


@contextmanager
def _as_setuptools_error() -> Iterator[None]:
    """End setup.py in one paragraph, as setuptools itself does with its own errors."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - only code of ours runs in here
        raise SystemExit(f"error: cxxrt: {printable(explained(error)[1], keep=NEWLINE)}") from None
