"""The rules as pure values: which payment a rule is about, which verdict is stricter, and whether one version of all
rules is provably tighter than another. Nothing in here asks the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from ledger.models import PolicyRule

Verdict = PolicyRule.Verdict
FOREVER: Final = 10**9  # hours: no bound
BOUNDS: Final = ("amount", "day", "month", "value", "day_value", "month_value")
NO_BOUND: Final = -1


class Initiator(StrEnum):
    """From where a payment was asked for."""

    PAGE = "page"
    API_KEY = "api_key"
    V3 = "v3"
    LNBITS = "lnbits"


EVERY_INITIATOR: Final = frozenset(str(each) for each in Initiator)
EVERY_DESTINATION: Final = frozenset(("member", "external"))
EVERY_HOUR: Final = frozenset(range(24))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one payment when it is decided. amounts: atomic units, this payment included in every sum;
    values: hundredths of the site's first currency, None where a rate is missing; ages: hours, 0 for never seen."""

    initiator: str
    destination: str
    coin_id: int
    amount: int
    hour: int
    groups: frozenset[int] = frozenset()
    account_age: int = 0
    destination_age: int = 0
    day: int = 0
    month: int = 0
    value: int | None = None
    day_value: int | None = None
    month_value: int | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A region of payments, one condition a side. groups: of each set the payer must be in one. coins: None for all."""

    initiators: frozenset[str] = EVERY_INITIATOR
    destinations: frozenset[str] = EVERY_DESTINATION
    hours: frozenset[int] = EVERY_HOUR
    coins: frozenset[int] | None = None
    groups: frozenset[frozenset[int]] = frozenset()
    younger: tuple[int, int] = (FOREVER, FOREVER)  # account, destination
    above: tuple[int, ...] = (NO_BOUND,) * len(BOUNDS)

    def holds(self, facts: Facts) -> bool:
        return (
            facts.initiator in self.initiators
            and facts.destination in self.destinations
            and facts.hour in self.hours
            and (self.coins is None or facts.coin_id in self.coins)
            and all(facts.groups & some for some in self.groups)
            and facts.account_age < self.younger[0]
            and facts.destination_age < self.younger[1]
            and all(
                bound == NO_BOUND or (said := getattr(facts, name)) is None or said > bound
                for name, bound in zip(BOUNDS, self.above, strict=True)
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether certainly no payment lies in it."""
        return not (self.initiators and self.destinations and self.hours and self.coins != frozenset())

    def covers(self, other: Box) -> bool:
        """Whether every payment in the other lies in this one. False where that is not plain to see."""
        return (
            self.initiators >= other.initiators
            and self.destinations >= other.destinations
            and self.hours >= other.hours
            and (self.coins is None or (other.coins is not None and self.coins >= other.coins))
            and all(any(theirs <= ours for theirs in other.groups) for ours in self.groups)
            and all(ours >= theirs for ours, theirs in zip(self.younger, other.younger, strict=True))
            and all(ours <= theirs for ours, theirs in zip(self.above, other.above, strict=True))
        )

    def common(self, other: Box) -> Box:
        """The payments that lie in both."""
        coins = self.coins if other.coins is None else other.coins if self.coins is None else self.coins & other.coins
        return Box(
            self.initiators & other.initiators,
            self.destinations & other.destinations,
            self.hours & other.hours,
            coins,
            self.groups | other.groups,
            (min(self.younger[0], other.younger[0]), min(self.younger[1], other.younger[1])),
            tuple(max(pair) for pair in zip(self.above, other.above, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """pk: None for the last word of every version, which allows what no rule was about."""

    pk: int | None
    name: str
    words: str
    box: Box
    verdict: str
    hours: int = 0
    people: int = 0
    approvers: int | None = None

    def is_as_strict_as(self, other: Rule) -> bool:
        """Whether a payment under this one is asked for no less than under the other."""
        if other.verdict == Verdict.ALLOW or self.verdict == Verdict.BLOCK:
            return True
        if self.verdict != other.verdict:
            return False
        return (
            self.hours >= other.hours
            and self.people >= other.people
            and other.approvers in (None, self.approvers)
        )  # fmt: skip


ALLOWED: Final = Rule(None, "", "", Box(), Verdict.ALLOW)


@dataclass(frozen=True, slots=True)
class Policy:
    """A version as it is kept in memory."""

    version: int
    effective_at: datetime | None
    rules: tuple[Rule, ...]
    asks: frozenset[str] = field(default=frozenset())  # which facts any rule looks at

    def decide(self, facts: Facts) -> Rule:
        return next((rule for rule in self.rules if rule.box.holds(facts)), ALLOWED)


def rule_of(row: PolicyRule) -> Rule:
    hours = EVERY_HOUR if row.from_hour is None or row.to_hour is None else _clock(row.from_hour, row.to_hour)
    bounds = (getattr(row, f"{name}_above") for name in BOUNDS)
    box = Box(
        frozenset(row.initiators) or EVERY_INITIATOR,
        frozenset((row.destination,)) if row.destination else EVERY_DESTINATION,
        hours,
        None if row.coin_id is None else frozenset((row.coin_id,)),
        frozenset((frozenset(row.groups),)) if row.groups else frozenset(),
        (row.account_younger or FOREVER, row.destination_younger or FOREVER),
        tuple(NO_BOUND if bound is None else bound for bound in bounds),
    )
    return Rule(
        row.pk, row.name, row.words, box, row.verdict, row.hours or 0, row.people or 0, row.approvers_id
    )  # fmt: skip


def _clock(first: int, last: int) -> frozenset[int]:
    """The hours from `first` until before `last`; the whole day where both are the same."""
    count = (last - first) % 24 or 24
    return frozenset((first + step) % 24 for step in range(count))


def policy_of(version: int, effective_at: datetime | None, rows: Sequence[PolicyRule]) -> Policy:
    rules = tuple(rule_of(row) for row in rows)
    asks = {name for rule in rules for name, bound in zip(BOUNDS, rule.box.above, strict=True) if bound != NO_BOUND}
    if any(rule.box.groups for rule in rules):
        asks.add("groups")
    if any(rule.box.younger[1] != FOREVER for rule in rules):
        asks.add("destination_age")
    return Policy(version, effective_at, rules, frozenset(asks))


def is_tighter(new: Sequence[Rule], old: Sequence[Rule]) -> bool:
    """Whether it is proven that no payment is asked for less by the new rules than by the old ones.

    A pair of rules that would be a loosening is harmless where no payment meets both, or where an earlier rule of
    either version takes everything they have in common. What this cannot prove counts as a loosening.
    """
    after, before = [*new, ALLOWED], [*old, ALLOWED]
    for place, mine in enumerate(after):
        for their_place, theirs in enumerate(before):
            if mine.is_as_strict_as(theirs):
                continue
            both = mine.box.common(theirs.box)
            earlier = [*after[:place], *before[:their_place]]
            if not both.is_empty and not any(rule.box.covers(both) for rule in earlier):
                return False
    return True
