"""The files of ``cxxrt_abi_tag_spec``, as the specification publishes them."""

import json
from importlib.resources import files
from typing import Any

_DATA = "cxxrt_abi_tag_spec"


def read_data(name: str) -> dict[str, Any]:
    """The JSON document of a file, such as ``policies/cxxrt1.json``; else `FileNotFoundError`."""
    document: dict[str, Any] = json.loads(files(_DATA).joinpath(name).read_text(encoding="utf-8"))
    return document


def data_names(folder: str) -> tuple[str, ...]:
    """The JSON files of a folder, as `read_data` takes them, sorted."""
    entries = files(_DATA).joinpath(folder).iterdir()
    return tuple(sorted(f"{folder}/{e.name}" for e in entries if e.name.endswith(".json")))


def policy_names() -> tuple[str, ...]:
    """The runtime ABIs that have a policy, sorted."""
    names = data_names("policies")
    return tuple(name.removeprefix("policies/").removesuffix(".json") for name in names)
