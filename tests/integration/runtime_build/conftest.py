"""Staged components and the tools that look at them from outside."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from typing import TYPE_CHECKING, TypeVar

import pytest

from cxxrt_toolchain.errors import MissingToolError
from cxxrt_toolchain.runtime.progress import Progress
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime, recipes_root
from cxxrt_toolchain.runtime.sources.cache import find_cache
from cxxrt_toolchain.runtime.sources.clients import machine_clients
from cxxrt_toolchain.runtime.sources.fetch import fetch
from cxxrt_toolchain.runtime.stage import StagedComponent, Workshop, built_folder, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cxxrt_toolchain.runtime.recipe import Input

_Result = TypeVar("_Result")
FLOOR = load_runtime(recipes_root()).glibc_floor


@functools.cache
def _workshop() -> Workshop:
    """The user's own cache: the libraries are built at most once on a machine."""
    return Workshop(
        cache=find_cache(None, os.environ),
        clients=machine_clients(os.environ),
        jobs=os.cpu_count() or 1,
        progress=Progress(stream=sys.__stderr__ or sys.stderr),
    )


@pytest.fixture(scope="session")
def downloads() -> Path:
    """Where the cache keeps fetched inputs."""
    return _workshop().cache.downloads


@pytest.fixture(scope="session")
def fetch_inputs() -> Callable[[tuple[Input, ...]], Mapping[Input, Path]]:
    """Fetch pinned inputs into the user's cache, as a build does; skips without a mirror."""

    def fetched(items: tuple[Input, ...]) -> Mapping[Input, Path]:
        workshop = _workshop()
        try:
            return fetch(
                items,
                downloads=workshop.cache.downloads,
                downloaders=workshop.clients,
                progress=workshop.progress,
            )
        except MissingToolError as error:
            pytest.skip(str(error))

    return fetched


@functools.cache
def _staged(name: str, arch: str) -> StagedComponent:
    return stage(load_component(recipes_root(), name), arch, FLOOR, _workshop())


@functools.cache
def _folder(name: str, arch: str) -> Path:
    return built_folder(load_component(recipes_root(), name), arch, FLOOR, _workshop())


@pytest.fixture(scope="session")
def staged() -> Callable[[str, str], StagedComponent]:
    """``staged(component, arch)``; skips where an input is out of reach and nothing is cached."""
    return _or_skip(_staged)


@pytest.fixture(scope="session")
def built() -> Callable[[str, str], Path]:
    """``built(component, arch)``: the folder of a finished build; skips like ``staged``."""
    return _or_skip(_folder)


def _or_skip(function: Callable[[str, str], _Result]) -> Callable[[str, str], _Result]:
    def call(name: str, arch: str) -> _Result:
        try:
            return function(name, arch)
        except MissingToolError as error:
            pytest.skip(f"{name} for {arch} cannot be built here: {error}")

    return call


@pytest.fixture(scope="session")
def readelf() -> str:
    """Binutils' readelf, the second opinion."""
    program = shutil.which("readelf")
    if program is None:
        pytest.skip("needs readelf: apt-get install binutils")
    return program
