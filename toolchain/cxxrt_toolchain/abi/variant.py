"""The same runtime ABI as a PEP 825 variant: names, properties and the two JSON documents.

Without loss in either direction. The tag says what the binary was linked against, a variant says
what machine it wants: the properties hold nothing about hardware. Section M of the specification.

Sources: PEP 825 (file name, ``variant.json``, index-level file) and the schema of PEP 850 that
``$schema`` names (``providers``: a namespace whose values are listed statically needs no plugin).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name, canonicalize_version

from cxxrt_toolchain.abi.filename import BadWheelNameError, parse_wheel_name
from cxxrt_toolchain.abi.tag import AbiTag, BadTagError, RuntimeAbi, claims_runtime
from cxxrt_toolchain.abi.versions import as_number

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Spec

SCHEMA = "https://variants-schema.wheelnext.dev/peps/850/v0.2.0.json"
_SEPARATOR = " :: "


def properties(runtime: RuntimeAbi, spec: Spec) -> tuple[str, ...]:
    """The variant properties of a runtime ABI, sorted: ``cxxrt :: abi :: 1``."""
    rows = ((spec.variant_namespace, *pair) for pair in _features(runtime, spec))
    return tuple(sorted(map(_SEPARATOR.join, rows)))


def runtime_from_properties(values: Iterable[str], spec: Spec) -> RuntimeAbi:
    """The runtime ABI that a variant's properties name; other namespaces are not ours to judge.

    Raises `BadTagError` where ours is absent, incomplete, doubled or has a value that is no number.
    """
    found: dict[str, int] = {}
    for value in values:
        namespace, feature, text = (part.strip() for part in (value + "::::").split("::")[:3])
        if namespace != spec.variant_namespace:
            continue
        if feature not in spec.variant_features or feature in found or not _is_number(text):
            raise BadTagError(f"variant property {value!r} is unknown, doubled or no number.")
        found[feature] = as_number(text)
    abi, cuda = spec.variant_features
    if abi not in found:
        raise BadTagError(f"no variant property {spec.variant_namespace} :: {abi}.")
    return RuntimeAbi(epoch=found[abi], cuda=found.get(cuda))


def to_variant_name(filename: str) -> str:
    """``…-cxxrt1_cp312-<platform>.whl`` -> ``…-cp312-<platform>-cxxrt1.whl``.

    Raises `BadWheelNameError` where not all ABIs have the same runtime ABI, `BadTagError` for a
    malformed one.
    """
    name = parse_wheel_name(filename)
    if name.label is not None or not all(map(claims_runtime, name.abi)):
        raise BadWheelNameError(f"{filename}: not every ABI carries a runtime ABI.")
    tags = [AbiTag.parse(abi) for abi in name.abi]
    if len({tag.runtime for tag in tags}) > 1:
        raise BadWheelNameError(f"{filename}: the ABI members have different runtime ABIs.")
    plain = parse_wheel_name(plain_name(filename))
    return str(replace(plain, label=str(tags[0].runtime)))


def from_variant_name(filename: str, values: Iterable[str], spec: Spec) -> str:
    """``…-cp312-<platform>-cxxrt1.whl`` and its properties -> ``…-cxxrt1_cp312-<platform>.whl``.

    Raises `BadWheelNameError` where label and properties disagree, `BadTagError` without
    properties.
    """
    name = parse_wheel_name(filename)
    runtime = runtime_from_properties(values, spec)
    if name.label != str(runtime):
        raise BadWheelNameError(f"{filename}: its properties ask for the label {runtime}.")
    if any(map(claims_runtime, name.abi)):
        raise BadWheelNameError(f"{filename}: has a runtime ABI in its tag and its label.")
    return tagged_name(plain_name(filename), runtime)


def plain_name(filename: str) -> str:
    """The name without the runtime ABI, whichever encoding it is in."""
    name = parse_wheel_name(filename)
    bases = tuple(AbiTag.parse(abi).base if claims_runtime(abi) else abi for abi in name.abi)
    return str(replace(name, abi=bases, label=None))


def tagged_name(filename: str, runtime: RuntimeAbi) -> str:
    """The name of a plain wheel with a runtime ABI before each of its ABIs."""
    name = parse_wheel_name(filename)
    return str(replace(name, abi=tuple(str(AbiTag(base=b, runtime=runtime)) for b in name.abi)))


def properties_in(document: Mapping[str, Any], label: str) -> tuple[str, ...]:
    """The properties of a label in a ``variant.json``, sorted; `ValueError` without any."""
    try:
        rows = [
            (namespace, feature, value)
            for namespace, features in document["variants"][label].items()
            for feature, values in features.items()
            for value in values
        ]
        return tuple(sorted(map(_SEPARATOR.join, rows)))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no properties of the variant {label!r}: {error!r}") from error


def variants_document(runtimes: Iterable[RuntimeAbi], spec: Spec) -> dict[str, Any]:
    """The JSON document about these runtime ABIs.

    With one, it is what ``*.dist-info/variant.json`` of that wheel holds; with those of all
    variant wheels of a release, it is the index-level file.
    """
    namespace = spec.variant_namespace
    epoch_feature, cuda_feature = spec.variant_features
    majors = sorted({major for epoch in spec.epochs for major in epoch.cuda_majors}, reverse=True)
    variants: dict[str, Any] = {
        str(runtime): {namespace: {feature: [value] for feature, value in _features(runtime, spec)}}
        for runtime in sorted(set(runtimes))
    }
    return {
        "$schema": SCHEMA,
        "default-priorities": {"namespace": [namespace]},
        "providers": {
            namespace: {
                "static-properties": {
                    epoch_feature: [str(epoch.number) for epoch in reversed(spec.epochs)],
                    cuda_feature: [str(major) for major in majors],
                },
                "feature-order": [epoch_feature, cuda_feature],
            }
        },
        "variants": variants,
    }


def variants_text(runtimes: Iterable[RuntimeAbi], spec: Spec) -> str:
    """``variants_document`` as the file's text: same input, same bytes."""
    return json.dumps(variants_document(runtimes, spec), indent=2, sort_keys=True) + "\n"


def index_file_name(distribution: str, version: str) -> str:
    """The name of the index-level file of a release: ``<name>-<version>-variants.json``."""
    name = canonicalize_name(distribution).replace("-", "_")
    return f"{name}-{canonicalize_version(version, strip_trailing_zero=False)}-variants.json"


def _features(runtime: RuntimeAbi, spec: Spec) -> tuple[tuple[str, str], ...]:
    abi, cuda = spec.variant_features
    epoch = (abi, str(runtime.epoch))
    return (epoch,) if runtime.cuda is None else (epoch, (cuda, str(runtime.cuda)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and not text.startswith("0")
