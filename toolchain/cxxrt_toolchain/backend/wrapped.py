"""Call the wrapped backend's hooks, each in a process of its own.

The process is pyproject-hooks': an in-process call would save its start (some 40 ms) and cost more
than that. The settings are variables, which distutils, CMake helpers and others read at import; set
before the interpreter starts, they are seen by all of them and leak into nothing. Backends change
``sys.argv``, ``sys.path`` and the working directory, and setuptools replaces ``distutils``: in our
process that would reach the audit that follows. And a backend that dies takes only itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxxrt_toolchain.errors import ConfigError, StepFailedError

if TYPE_CHECKING:
    from cxxrt_toolchain.backend.config import BuildConfig

ACTIVE = "CXXRT_BUILDING"
"""Set for the wrapped backend to the project that is being built. The setuptools plugin keeps
out of that build, and a backend that wraps itself through others is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedBackend:
    """The backend that compiles the project."""

    project: Path
    """The folder of pyproject.toml."""
    config: BuildConfig

    def call(
        self,
        hook: str,
        *arguments: Any,  # noqa: ANN401 - as the hook has them
        variables: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - as the hook returns it
        """Call one hook of PEP 517 or PEP 660 with its arguments; `variables` are set for it.

        Raises `ConfigError` where the backend cannot be imported, wraps itself or has no such hook,
        and `StepFailedError` where the hook failed: the backend has written why.
        """
        from pyproject_hooks import (
            BackendUnavailable,
            BuildBackendHookCaller,
            HookMissing,
            UnsupportedOperation,
        )

        self._refuse_recursion()
        environment = self._environment(variables or {})

        def runner(
            cmd: Sequence[str],
            cwd: str | None = None,
            extra_environ: Mapping[str, str] | None = None,
        ) -> None:
            child = {**environment, **(extra_environ or {})}
            subprocess.run(cmd, cwd=cwd, env=child, check=True)

        name = self.config.build_backend
        caller = BuildBackendHookCaller(
            os.fspath(self.project), name, list(self.config.backend_path) or None, runner=runner
        )
        try:
            with _own_temporary_folder():
                return getattr(caller, hook)(*arguments)
        except BackendUnavailable as error:
            raise ConfigError(
                f"tool.cxxrt.build-backend: cannot import {name!r}: {_last_line(error)}.",
                f'Add its distribution to "requires" of [build-system], as in '
                f'requires = ["cxxrt-toolchain", "{name.split(".")[0].replace("_", "-")}"].',
            ) from None
        except HookMissing:
            raise ConfigError(f"tool.cxxrt.build-backend: {name!r} has no {hook}.") from None
        except UnsupportedOperation as error:
            raise StepFailedError(f"{name}: {hook} is not possible here: {error}.") from None
        except subprocess.CalledProcessError as error:
            raise StepFailedError(
                f"{name}: {hook} failed with exit status {error.returncode}; its output is above."
            ) from None

    def _refuse_recursion(self) -> None:
        if os.environ.get(ACTIVE) == os.fspath(self.project):
            raise ConfigError(
                f"tool.cxxrt.build-backend: {self.config.build_backend!r} leads back to "
                "cxxrt_toolchain.backend for the same project.",
                "Name the backend that compiles the project.",
            )

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        # The frontend's own variables for *this* backend must not reach the wrapped one's process.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("_PYPROJECT_HOOKS_")}
        return {**inherited, **variables, ACTIVE: os.fspath(self.project)}


@contextmanager
def _own_temporary_folder() -> Iterator[None]:
    """Let pyproject-hooks exchange its messages where a later run finds what a killed one left.

    The wrapped backend keeps the user's TMPDIR: a compiler cache that it starts may outlive it.
    """
    if sys.platform == "win32":  # no fcntl
        yield
        return
    from cxxrt_toolchain.temporary import scratch_folder

    before = tempfile.tempdir
    with scratch_folder() as folder:
        tempfile.tempdir = os.fspath(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


def _last_line(error: Exception) -> str:
    traceback: str = getattr(error, "traceback", None) or str(error)
    return traceback.strip().rsplit("\n", 1)[-1].rstrip(".")
