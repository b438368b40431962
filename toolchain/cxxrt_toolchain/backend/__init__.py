"""The PEP 517 and PEP 660 build backend ``cxxrt_toolchain.backend``: the hooks, few lines each.

``build_wheel``, ``build_sdist``, ``build_editable`` and the ``get_requires_for_*`` hooks are
there for every wrapped backend; where it has no such hook, calling ours says so (or, for the
requirements, adds none, as PEP 517 has it).

Not defined, on purpose:

* ``prepare_metadata_for_build_wheel``: the wheel's ``Requires-Dist`` is computed from the symbols
  of the linked binaries. Metadata prepared before the link would lack it, and frontends hold a
  backend to what it prepared. Without the hook they build the wheel and read its metadata.
* ``prepare_metadata_for_build_editable``: for the same reason; and one source of the truth.

A frontend imports this module to see which hooks there are, so it imports nothing at that time.
"""

from typing import Any

_Settings = dict[str, Any] | None

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]


def build_wheel(
    wheel_directory: str, config_settings: _Settings = None, metadata_directory: str | None = None
) -> str:
    """Build, link, check, wire and tag a wheel; returns its file name (PEP 517)."""
    del metadata_directory
    from cxxrt_toolchain.backend import hooks

    return hooks.build_wheel(wheel_directory, config_settings)


def build_sdist(sdist_directory: str, config_settings: _Settings = None) -> str:
    """The wrapped backend's sdist, unchanged; returns its file name (PEP 517)."""
    from cxxrt_toolchain.backend import hooks

    return hooks.build_sdist(sdist_directory, config_settings)


def build_editable(
    wheel_directory: str, config_settings: _Settings = None, metadata_directory: str | None = None
) -> str:
    """An editable wheel that loads the runtime when Python starts; returns its name (PEP 660)."""
    del metadata_directory
    from cxxrt_toolchain.backend import hooks

    return hooks.build_editable(wheel_directory, config_settings)


def get_requires_for_build_wheel(config_settings: _Settings = None) -> list[str]:
    """The wrapped backend's requirements, and the runtime to link against (PEP 517)."""
    from cxxrt_toolchain.backend import hooks

    return hooks.requirements("get_requires_for_build_wheel", config_settings, link=True)


def get_requires_for_build_sdist(config_settings: _Settings = None) -> list[str]:
    """The wrapped backend's requirements: nothing is linked in an sdist (PEP 517)."""
    from cxxrt_toolchain.backend import hooks

    return hooks.requirements("get_requires_for_build_sdist", config_settings, link=False)


def get_requires_for_build_editable(config_settings: _Settings = None) -> list[str]:
    """The wrapped backend's requirements, and the runtime to link against (PEP 660)."""
    from cxxrt_toolchain.backend import hooks

    return hooks.requirements("get_requires_for_build_editable", config_settings, link=True)
