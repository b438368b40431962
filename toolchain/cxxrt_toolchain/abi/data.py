"""The files of ``cxxrt_abi_tag_spec``, as the specification publishes them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

_DATA = "cxxrt_abi_tag_spec"


def read_data(name: str) -> dict[str, Any]:
    """The JSON document of a file, such as ``policies/cxxrt1.json``; else `FileNotFoundError`."""
    document: dict[str, Any] = json.loads(files(_DATA).joinpath(name).read_text(encoding="utf-8"))
    return document


def policy_names() -> tuple[str, ...]:
    """The runtime ABIs that have a policy, sorted."""
    entries = files(_DATA).joinpath("policies").iterdir()
    return tuple(sorted(e.name.removesuffix(".json") for e in entries if e.name.endswith(".json")))
