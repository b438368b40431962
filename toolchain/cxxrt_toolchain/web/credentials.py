"""User name and password for a host: of the address, from netrc or a keyring, as pip has it.

They are asked for when a server refuses, are kept in memory only, and never part of a message.
"""

import os
from base64 import b64encode
from importlib import import_module
from netrc import NetrcParseError, netrc
from urllib.parse import unquote

from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.web.address import parts_of, public


def authorization(url: str) -> str | None:
    """The value of an ``Authorization`` header for this address, if anybody knows one.

    Raises:
        ConfigError: The netrc file cannot be parsed.
    """
    parts = parts_of(url)
    if parts.username is not None:
        found: tuple[str, str] | None = (unquote(parts.username), unquote(parts.password or ""))
    else:
        found = _netrc(parts.hostname or "") or _keyring(url)
    if found is None:
        return None
    return f"Basic {b64encode(':'.join(found).encode()).decode()}"


def _netrc(host: str) -> tuple[str, str] | None:
    try:
        found = netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, RuntimeError):  # no such file; no home folder
        return None
    except NetrcParseError as error:
        raise ConfigError(f"The netrc file cannot be parsed (line {error.lineno}).") from error
    return (found[0], found[2] or "") if found else None


def _keyring(url: str) -> tuple[str, str] | None:
    try:
        keyring = import_module("keyring")
    except ImportError:
        return None
    for name in (public(url), parts_of(public(url)).netloc):
        try:
            found = keyring.get_credential(name, None)
        except Exception:  # noqa: BLE001 - a backend of any kind, locked or without a session
            return None
        if found is not None:
            return found.username, found.password
    return None
