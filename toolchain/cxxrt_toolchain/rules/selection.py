"""Which rules a caller selects or ignores, in the words that users of linters write.

Texts such as ``H12,CXXRT-L105,D`` become a `Selection`, which is applied to findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import UsageError

if TYPE_CHECKING:
    from cxxrt_toolchain.rules.rule import Finding, Rule

PREFIX = "CXXRT-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rules that count."""

    selected: frozenset[str] = frozenset()
    """Ids of the rules whose findings are shown; empty for all rules."""
    ignored: frozenset[str] = frozenset()
    """Ids of the rules whose findings are shown as ignored and decide nothing."""

    def apply(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that count and those that are ignored, the latter last.

        Raises `UsageError` where one to be ignored breaks what the wheel's tag promises.
        """
        shown = [each for each in findings if not self.selected or each.rule in self.selected]
        for found in shown:
            if found.rule in self.ignored and found.promise:
                raise UsageError(f"{found.rule} {NOT_IGNORABLE}", f"It says: {found.reason}.")
        chosen = (replace(each, ignored=each.rule in self.ignored) for each in shown)
        return tuple(sorted(chosen, key=lambda each: each.sort_key))


NOT_IGNORABLE = "cannot be ignored: it breaks what the wheel's tag promises."
ONLY_OF_THE_TAG = frozenset({"CXXRT-P5"})
"""What a runtime ABI in the tag promises and a plain wheel need not keep."""


def read_selection(
    select: Iterable[str],
    ignore: Iterable[str],
    catalogue: Mapping[str, Rule],
    *,
    plain: bool = False,
) -> Selection:
    """The selection of texts: ids, aliases, beginnings of ids, or several of them with commas.

    Raises `UsageError` where one fits no rule, or a rule to be ignored breaks the promise of a tag;
    of a tag without a runtime ABI, if `plain`.
    """
    ignored = _resolved(ignore, catalogue)
    promises = {name for name in ignored if catalogue[name].promise}
    if kept := sorted(promises - ONLY_OF_THE_TAG if plain else promises):
        raise UsageError(f"{', '.join(kept)} {NOT_IGNORABLE}")
    return Selection(selected=_resolved(select, catalogue), ignored=ignored)


def find_rule(text: str, catalogue: Mapping[str, Rule]) -> Rule:
    """The rule of an id or an alias; `UsageError` without one names those that look like it."""
    name = PREFIX + text.strip().upper().removeprefix(PREFIX)
    if name in catalogue:
        return catalogue[name]
    for rule in catalogue.values():
        if name in rule.aliases:
            return rule
    near = get_close_matches(name, catalogue, cutoff=0.75)
    advice = f"Near: {', '.join(near)}." if near else "'cxxrt explain' lists them."
    raise UsageError(f"no rule {text.strip()!r}.", advice)


def _resolved(texts: Iterable[str], catalogue: Mapping[str, Rule]) -> frozenset[str]:
    entries = [entry.strip() for text in texts for entry in text.split(",")]
    return frozenset(name for entry in entries for name in _matching(entry, catalogue))


def _matching(entry: str, catalogue: Mapping[str, Rule]) -> list[str]:
    """An id or an alias stands for itself, ``H1`` not for H10; else it begins some ids."""
    try:
        return [find_rule(entry, catalogue).id]
    except UsageError:
        start = PREFIX + entry.upper().removeprefix(PREFIX)
        found = [name for name in catalogue if name.startswith(start)]
        if not found or start == PREFIX:
            raise
        return found
