"""Verdicts as a SARIF 2.1.0 log (OASIS), which code hosts and editors show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cxxrt_toolchain import __version__
from cxxrt_toolchain.wording import printable

if TYPE_CHECKING:
    from cxxrt_toolchain.report.catalogue import Entry
    from cxxrt_toolchain.report.documents import Checked
    from cxxrt_toolchain.rules.rule import Finding, Rule

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif_document(
    checked: Sequence[Checked], rules: Iterable[Rule], entries: Mapping[str, Entry]
) -> dict[str, Any]:
    """One run of ``cxxrt check``; `rules` are those that look at wheels, with their `entries`."""
    described = [_rule(rule, entries[rule.id]) for rule in rules]
    places = {each["id"]: number for number, each in enumerate(described)}
    broken = [each for each in checked if each.error]
    run = {
        "tool": {"driver": {"name": "cxxrt", "version": __version__, "rules": described}},
        "invocations": [
            {
                "executionSuccessful": not broken,
                "toolExecutionNotifications": [_notification(each) for each in broken],
            }
        ],
        "results": [
            _result(each.path, found, places)
            for each in checked
            for found in (each.verdict.findings if each.verdict else ())
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule, entry: Entry) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "help": {"text": entry.text, "markdown": entry.text},
    }


def _result(path: Path, found: Finding, places: Mapping[str, int]) -> dict[str, Any]:
    text = ". ".join([f"{found.where}{found.reason}", *found.remedies[:1]])
    document = {
        "ruleId": found.rule,
        "ruleIndex": places[found.rule],
        "level": found.severity.value,
        "message": {"text": printable(text)},
        "locations": [_location(path, found.member)],
        "partialFingerprints": {"finding/v1": _fingerprint(path, found)},
    }
    if found.ignored:
        document["suppressions"] = [{"kind": "external", "justification": "cxxrt check --ignore"}]
    return document


def _location(path: Path, member: str | None) -> dict[str, Any]:
    # A wheel has no lines; code hosts drop results without one.
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": 1}}
    }
    if member is not None:
        place["logicalLocations"] = [{"fullyQualifiedName": member, "kind": "resource"}]
    return place


def _uri(path: Path) -> str:
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(path: Path, found: Finding) -> str:
    """The same for the same finding in the next version of the distribution."""
    distribution = path.name.partition("-")[0]
    text = "\0".join((distribution, found.rule, found.member or "", found.library or ""))
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _notification(broken: Checked) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": printable(broken.error)},
        "locations": [_location(broken.path, None)],
    }
