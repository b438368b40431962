"""The rule engine: a rule is one declaration and one function from a scene to findings.

In: a scene, that is a wheel with its claim, an environment, a process or a run of imports. Out:
findings, worst first. The long text of each rule is in ``hazards.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import TypeVar

S = TypeVar("S")


class Severity(Enum):
    """How much a finding matters, whoever finds it."""

    ERROR = "error"
    """A broken promise of the wheel's name, or a defect that is proven to crash or to fail."""
    WARNING = "warning"
    """Works alone, fails together with other packages; or a promise kept at a cost."""
    NOTE = "note"
    """A fact without need to act."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that fired, with its evidence, the packages concerned and what to do."""

    rule: str = ""
    """The rule's id, for example ``CXXRT-H12``; `judge` fills it in if the check does not."""
    severity: Severity
    message: str = field(kw_only=False)
    """One sentence without a full stop."""
    member: str | None = None
    """The file in the wheel."""
    symbol: str | None = None
    """A mangled name."""
    version: str | None = None
    """A symbol version or a version number."""
    library: str | None = None
    """The SONAME concerned."""
    culprits: tuple[str, ...] = ()
    """Names of the packages that have to change."""
    victims: tuple[str, ...] = ()
    """Names of the packages that fail because of them."""
    libraries: tuple[str, ...] = ()
    """Paths of the libraries that are the evidence."""
    evidence: tuple[str, ...] = ()
    """Facts, a sentence or a mangled symbol each."""
    remedies: tuple[str, ...] = ()
    """What to do, best first; commands where there are any. `judge` fills in the rule's own."""
    unrepairable: str = ""
    """What helps where ``cxxrt repair`` cannot cure it; empty where it can, or need not. `judge`
    fills in the rule's own."""
    promise: bool = False
    """It breaks what the wheel's tag promises, so that nobody may ignore it; `judge` fills in."""
    ignored: bool = False
    """The caller asked to ignore the rule: shown, and without influence on the answer."""

    @property
    def weight(self) -> Severity:
        """How much it counts: its severity; where it is ignored, no more than a note."""
        return Severity.NOTE if self.ignored else self.severity

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Ignored ones last; worst first, then by rule, package and place."""
        place = (self.rule, self.culprits, self.member or "", self.message)
        return (self.ignored, self.severity.rank, *place)

    @property
    def may_stay(self) -> bool:
        """A doubt that keeps ``cxxrt repair`` from nothing: P1 and P5 without proof."""
        return self.severity is not Severity.ERROR and self.rule in ("CXXRT-P1", "CXXRT-P5")

    @property
    def refusal(self) -> str:
        """Why ``cxxrt repair`` refuses the wheel, and what helps."""
        return f"{self.rule}: {self.where}{self.reason}. {self.unrepairable}".rstrip()

    @property
    def where(self) -> str:
        """The file in the wheel with a colon behind it; empty without one."""
        return f"{self.member}: " if self.member else ""

    @property
    def reason(self) -> str:
        """The message, with the symbol that is its example."""
        return f"{self.message}: {self.symbol}" if self.symbol else self.message

    def __str__(self) -> str:
        return f"{self.severity.value} {self.rule}: {self.where}{self.message}"


error = partial(Finding, severity=Severity.ERROR)
warning = partial(Finding, severity=Severity.WARNING)
note = partial(Finding, severity=Severity.NOTE)

Check = Callable[[S], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An entry of the catalogue of rules; as a decorator it makes a function its check.

    A rule that looks at scenes of several types, each with another function, is declared once for
    each function, with the same title.
    """

    id: str = field(kw_only=False)
    title: str = field(kw_only=False)
    on: tuple[type, ...]
    """The types of scenes that `check` looks at; empty for a rule that only others report, such
    as the runtime's own loader."""
    check: Callable[..., Iterable[Finding]] = lambda _scene: ()
    remedies: tuple[str, ...] = ()
    """What usually helps; a finding without remedies of its own gets these."""
    unrepairable: str = ""
    """What helps where ``cxxrt repair`` cannot cure it; empty where it can, or need not, or
    where it depends: then the findings say it."""
    promise: bool = False
    """It breaks what the wheel's tag promises, so that nobody may ignore it."""
    aliases: tuple[str, ...] = ()
    """Ids of rules that were merged into this one."""
    also: tuple[Rule, ...] = ()
    """Further declarations of the same rule, each with a check for other types of scenes."""

    @property
    def scenes(self) -> tuple[type, ...]:
        """All types of scenes that the rule looks at."""
        return tuple(kind for each in (self, *self.also) for kind in each.on)

    def __call__(self, check: Check[S]) -> Check[S]:
        """Put the rule with its check into the catalogue.

        Raises `ValueError` where the id or an alias is taken, by another title or for the same
        scenes.
        """
        declared, known = replace(self, check=check), CATALOGUE.get(self.id)
        others = [each for each in CATALOGUE.values() if each is not known]
        taken = {text for each in others for text in (each.id, *each.aliases)}
        if twice := taken.intersection((self.id, *self.aliases)):
            raise ValueError(f"declared twice: {', '.join(sorted(twice))}")
        if known is not None:
            if known.title != self.title or set(known.scenes) & set(self.on):
                raise ValueError(f"declared twice: {self.id}")
            aliases = (*known.aliases, *self.aliases)
            promise = known.promise or self.promise
            also = (*known.also, declared)
            declared = replace(known, also=also, aliases=aliases, promise=promise)
        CATALOGUE[self.id] = declared
        return check


rule = Rule
"""The decorator that declares a rule: ``@rule(id, title, on=...)``."""
CATALOGUE: dict[str, Rule] = {}
"""Every rule by its id; filled when the modules that declare rules are imported."""


def judge(
    scene: object, *, catalogue: Mapping[str, Rule] = CATALOGUE, only: Collection[str] = ()
) -> tuple[Finding, ...]:
    """The findings of the rules that look at scenes of this type, each once, worst first.

    `only` has the ids of the rules to apply; empty for all.
    """
    found = {
        replace(
            each,
            rule=each.rule or rule.id,
            remedies=each.remedies or declared.remedies,
            unrepairable=each.unrepairable or declared.unrepairable,
            promise=each.promise or declared.promise,
        )
        for rule in catalogue.values()
        for declared in (rule, *rule.also)
        if isinstance(scene, declared.on) and (not only or rule.id in only)
        for each in declared.check(scene)
    }
    return tuple(sorted(found, key=lambda each: each.sort_key))
