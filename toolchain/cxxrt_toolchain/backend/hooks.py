"""What the hooks do: configuration, link settings, the wrapped backend, then the repair's plan.

An error in this process leaves as one paragraph and an exit status, because frontends print the
traceback of anything else that a hook raises. The wrapped backend writes its own errors.
"""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.backend.config import ANY_RUNTIME, read_config, settings_for_wrapped
from cxxrt_toolchain.backend.wrapped import WrappedBackend
from cxxrt_toolchain.errors import explained
from cxxrt_toolchain.wording import NEWLINE, printable

_Settings = dict[str, Any] | None


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the wrapped backend runs in its own process
        code, text = explained(error)
        with suppress(OSError):  # a full disk: the exit code says it
            # SystemExit with a text would always end with status 1.
            sys.stderr.write(f"cxxrt: {printable(text, keep=NEWLINE)}\n")
        raise SystemExit(code) from None


@_reported()
def build_wheel(wheel_directory: str, settings: _Settings) -> str:
    """Build the project's wheel into a folder; returns its file name."""
    if not is_served():
        return _unchanged("build_wheel", wheel_directory, settings)
    from cxxrt_toolchain.backend.finish import finish_wheel
    from cxxrt_toolchain.temporary import scratch_folder

    with scratch_folder() as scratch:
        backend = _backend(settings)
        plain = _build_linked(backend, "build_wheel", scratch, settings)
        return finish_wheel(plain, Path(wheel_directory), backend.config).name


@_reported()
def build_editable(wheel_directory: str, settings: _Settings) -> str:
    """Build the project's editable wheel into a folder; returns its file name."""
    if not is_served():
        return _unchanged("build_editable", wheel_directory, settings)
    from cxxrt_toolchain.backend.editable import finish_editable
    from cxxrt_toolchain.backend.linker import LINKED
    from cxxrt_toolchain.backend.provided import linked_needs
    from cxxrt_toolchain.temporary import scratch_folder

    with scratch_folder() as scratch:
        backend = _backend(settings)
        plain = _build_linked(backend, "build_editable", scratch, settings)
        linked = linked_needs(scratch / "linker" / LINKED, Path.cwd())
        wire = backend.config.wiring
        return finish_editable(plain, Path(wheel_directory), linked, wire=wire).name


@_reported()
def build_sdist(sdist_directory: str, settings: _Settings) -> str:
    """Let the wrapped backend write its sdist; returns its file name."""
    given = settings_for_wrapped(settings)
    return str(_backend(settings).call("build_sdist", sdist_directory, given))


@_reported()
def requirements(hook: str, settings: _Settings, *, link: bool) -> list[str]:
    """What a ``get_requires_for_*`` hook says, and the runtime, if something will be linked."""
    wrapped = _backend(settings).call(hook, settings_for_wrapped(settings))
    return [*wrapped, *([ANY_RUNTIME] if link and is_served() else [])]


def is_served() -> bool:
    """Whether a runtime serves this: CPython on Linux with glibc, on two architectures."""
    cpython = sys.implementation.name == "cpython"
    try:
        glibc = cpython and sys.platform == "linux" and os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):  # musl does not know the name
        return False
    architectures = {arch for epoch in load_spec().epochs for arch in epoch.architectures}
    return bool(glibc) and platform.machine() in architectures


def _unchanged(hook: str, wheel_directory: str, settings: _Settings) -> str:
    """The wrapped backend's wheel: other platforms have a C++ runtime of their own.

    With what the project declares: the runtime has a wheel without libraries for them, so that all
    wheels of a version require the same (B-7). No marker tells musl.
    """
    backend = _backend(settings)
    made = str(backend.call(hook, wheel_directory, settings_for_wrapped(settings)))
    sys.stderr.write(f"cxxrt: no shared runtime for this platform: {printable(made)} as built.\n")
    return made


def _backend(settings: _Settings) -> WrappedBackend:
    # PEP 517: a hook runs with the project as its working directory.
    project = Path.cwd()
    return WrappedBackend(project=project, config=read_config(project, settings, os.environ))


def _build_linked(backend: WrappedBackend, hook: str, scratch: Path, settings: _Settings) -> Path:
    """Build with the link settings; returns the plain wheel."""
    from cxxrt_toolchain.backend.setting import link_settings

    linker, wheels = scratch / "linker", scratch / "wheels"
    linker.mkdir()
    wheels.mkdir()
    variables = link_settings(backend.config, linker, os.environ)
    arguments = (os.fspath(wheels), settings_for_wrapped(settings))
    return wheels / str(backend.call(hook, *arguments, variables=variables))
