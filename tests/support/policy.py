"""Rules in force for a test, without the road of drafts: that road has tests of its own."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from ledger.models import PolicyRule, RuleSet
from wallets_site.base.clock import now


def in_force(by: User, *rules: dict[str, Any]) -> RuleSet:
    """A published version of these rules, first to last; what was in force before is replaced."""
    RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).update(state=RuleSet.State.ENDED, ended_at=now())
    made = RuleSet.objects.create(drafted_by=by)
    add_rules(made, *rules)
    made.state, made.published_by = RuleSet.State.PUBLISHED, by
    made.published_at = made.effective_at = now()
    made.save()
    return made


def add_rules(version: RuleSet, *rules: dict[str, Any]) -> None:
    for place, said in enumerate(rules, start=version.rules.count() + 1):
        PolicyRule.objects.create(rule_set=version, position=place, **{"name": f"rule {place}", **said})
