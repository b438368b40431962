"""The same runtime ABI as a PEP 825 variant: names, properties and the two JSON documents.

Without loss in either direction: what an ABI tag cannot say is refused on the way to one. Which
CUDA the driver runs is asked of NVIDIA's provider, so that an installer of variants takes what one
of tags takes. Section 12 of the specification.

Sources: PEP 825 (file name, ``variant.json``, index-level file) and the schema of PEP 850 that
``$schema`` names (``providers``: a namespace whose values are listed statically needs no plugin).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name, canonicalize_version

from cxxrt_toolchain.abi.filename import BadWheelNameError, parse_wheel_name
from cxxrt_toolchain.abi.tag import AbiTag, RuntimeAbi, claims_runtime

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.spec import Spec

SCHEMA = "https://variants-schema.wheelnext.dev/peps/850/v0.2.0.json"
_SEPARATOR = " :: "


def properties(runtime: RuntimeAbi, spec: Spec) -> tuple[str, ...]:
    """The variant properties of a runtime ABI, sorted: ``cxxrt :: abi :: 1``."""
    return tuple(sorted(map(_SEPARATOR.join, _features(runtime, spec))))


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

    Raises `BadTagError` for a label that is no runtime ABI, `BadWheelNameError` where the
    properties are not exactly those of the label: a tag would lose what the others ask for (M-4).
    """
    name = parse_wheel_name(filename)
    runtime = RuntimeAbi.parse(name.label or "")
    wanted, found = properties(runtime, spec), tuple(sorted(values))
    if found != wanted:
        odd = sorted(set(found).symmetric_difference(wanted)) or found
        raise BadWheelNameError(
            f"{filename}: its label stands for {' and '.join(wanted)}; it differs in "
            f"{' and '.join(odd)}, which an ABI tag cannot say."
        )
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
    names = spec.variant
    variants: dict[str, Any] = {
        str(runtime): {
            namespace: {feature: [value]} for namespace, feature, value in _features(runtime, spec)
        }
        for runtime in sorted(set(runtimes))
    }
    providers: dict[str, Any] = {
        names.namespace: {
            "static-properties": {
                names.feature: [str(epoch.number) for epoch in reversed(spec.epochs)]
            },
            "feature-order": [names.feature],
        },
        names.cuda_namespace: names.cuda_provider,
    }
    return {
        "$schema": SCHEMA,
        "default-priorities": {"namespace": list(providers)},
        "providers": providers,
        "variants": variants,
    }


def variants_text(runtimes: Iterable[RuntimeAbi], spec: Spec) -> str:
    """``variants_document`` as the file's text: same input, same bytes."""
    return json.dumps(variants_document(runtimes, spec), indent=2, sort_keys=True) + "\n"


def index_file_name(distribution: str, version: str) -> str:
    """The name of the index-level file of a release: ``<name>-<version>-variants.json``."""
    name = canonicalize_name(distribution).replace("-", "_")
    return f"{name}-{canonicalize_version(version, strip_trailing_zero=False)}-variants.json"


def _features(runtime: RuntimeAbi, spec: Spec) -> Iterator[tuple[str, str, str]]:
    names = spec.variant
    yield names.namespace, names.feature, str(runtime.epoch)
    if runtime.cuda is not None:
        yield names.cuda_namespace, names.cuda_feature, f"{runtime.cuda}.0"
