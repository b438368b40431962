"""The same build under another name: ABI tag, plain, or PEP 825 variant; without loss.

What a plain name leaves out stays in ``<dist-info>/cxxrt.json``, so that any encoding leads to any
other: there and back gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.filename import WheelTags, parse_wheel_name
from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.abi.tag import BadTagError, RuntimeAbi, claims_runtime
from cxxrt_toolchain.abi.variant import (
    from_variant_name,
    index_file_name,
    plain_name,
    properties,
    properties_in,
    tagged_name,
    to_variant_name,
    variants_text,
)
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.repair.edits import AddFile, DropMember, Edit, Retag
from cxxrt_toolchain.repair.options import Encoding
from cxxrt_toolchain.repair.plan import RepairPlan

if TYPE_CHECKING:
    from cxxrt_toolchain.wheel.reader import Wheel


class NotEncodableError(InputError):
    """A wheel does not say which runtime ABI its binaries were linked against."""


def plan_encoding(wheel: Wheel, encoding: Encoding) -> RepairPlan:
    """The edits that lead to an encoding; none for a wheel that has it, consistently.

    Raises `NotEncodableError` where the wheel names no runtime ABI or two different ones, and
    `BadWheelNameError` where not all ABIs of the name have the same runtime ABI, or a variant's
    label is not what its ``variant.json`` says.
    """
    runtime = runtime_of(wheel)
    if runtime is None:
        raise NotEncodableError(f"{wheel.path.name} names no runtime ABI.")
    name = _tagged_name(wheel, runtime)
    if encoding is Encoding.VARIANT:
        name = to_variant_name(name)
    elif encoding is Encoding.PLAIN:
        name = plain_name(name)
    edits = tuple(_edits(wheel, parse_wheel_name(name), runtime))
    return RepairPlan(source=wheel.path.name, result=name, edits=edits, refusals=(), notes=())


def _tagged_name(wheel: Wheel, runtime: RuntimeAbi) -> str:
    """The wheel's name in the encoding from which `abi.variant` leads to the others."""
    name, label = wheel.path.name, wheel.name.label
    tagged = any(map(claims_runtime, wheel.name.abi))
    if label is not None and (not claims_runtime(label) or (tagged and label != str(runtime))):
        raise NotEncodableError(f"{name}: the label {label} says other things than {runtime}.")
    if tagged:
        unlabelled = str(replace(wheel.name, label=None))
        to_variant_name(unlabelled)  # refuses members without this runtime ABI
        return unlabelled
    if label is not None:
        return from_variant_name(name, _properties(wheel, runtime), load_spec())
    return tagged_name(name, runtime)


def _properties(wheel: Wheel, runtime: RuntimeAbi) -> tuple[str, ...]:
    """What the wheel's ``variant.json`` says; what its label says where it has none."""
    member = f"{wheel.dist_info}/variant.json"
    if member not in wheel:
        return properties(runtime, load_spec())
    try:
        return properties_in(json.loads(wheel.read(member)), str(runtime))
    except ValueError as error:
        raise NotEncodableError(f"{wheel.path.name}: {member}: {error}.") from error


def runtime_of(wheel: Wheel) -> RuntimeAbi | None:
    """The runtime ABI of a wheel's name or ``cxxrt.json``; None where neither has one.

    Raises `NotEncodableError` where they differ or cannot be read.
    """
    name = wheel.path.name
    try:
        named, recorded = wheel.name.runtime, _recorded(wheel)
    except BadTagError as error:
        raise NotEncodableError(f"{name}: {error}") from error
    if named is not None and recorded is not None and recorded != named:
        raise NotEncodableError(f"{name}: its name says {named}, its cxxrt.json {recorded}.")
    return named or recorded


def index_file(wheels: Iterable[str]) -> tuple[str, str] | None:
    """Name and text of the index-level file of a release's wheels; None without variants."""
    tags = [parse_wheel_name(name) for name in wheels]
    variants = [each for each in tags if each.label is not None and claims_runtime(each.label)]
    if not variants:
        return None
    runtimes = [RuntimeAbi.parse(each.label) for each in variants if each.label is not None]
    name = index_file_name(variants[0].distribution, variants[0].version)
    return name, variants_text(runtimes, load_spec())


def _recorded(wheel: Wheel) -> RuntimeAbi | None:
    member = f"{wheel.dist_info}/cxxrt.json"
    if member not in wheel:
        return None
    try:
        return RuntimeAbi.parse(json.loads(wheel.read(member))["runtime_abi"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{wheel.path.name}: {member} cannot be read: {error!r}."
        raise NotEncodableError(message) from error


def _edits(wheel: Wheel, new: WheelTags, runtime: RuntimeAbi) -> list[Edit]:
    python, abi, platform = (".".join(field) for field in (new.python, new.abi, new.platform))
    edits: list[Edit] = []
    if new != wheel.name or set(map(str, wheel.wheel_file.expanded_tags)) != set(new.expanded):
        edits.append(Retag(python=python, abi=abi, platform=platform))
    document = f"{wheel.dist_info}/variant.json"
    if new.label is not None and (new != wheel.name or document not in wheel):
        text = variants_text([runtime], load_spec())
        edits.append(AddFile(member=document, content=text, reason="the variant (PEP 825)"))
    elif new.label is None and document in wheel:
        edits.append(DropMember(member=document, reason="no variant under the new name"))
    return edits
