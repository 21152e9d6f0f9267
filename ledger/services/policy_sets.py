"""Versions of the rules: drafted, replayed over what happened, published by somebody else. What only tightens counts at
once; whatever else waits (WALLETS_LOOSEN_HOURS), and meanwhile anybody can drop it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from accounts.models import User
from ledger import events, locks
from ledger.models import PolicyRule, RuleSet
from ledger.services import policy_replay, site_settings
from ledger.services.mail import people_who_may
from ledger.services.policy_rules import Rule, is_tighter, rule_of
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, WrongState

State = RuleSet.State
NOTE: Final = 300


def in_force() -> RuleSet | None:
    """The version that decides now."""
    rows = RuleSet.objects.filter(state=State.PUBLISHED, effective_at__lte=now())
    return rows.order_by("-effective_at", "-pk").first()


def waiting() -> RuleSet | None:
    """A published version whose time has not come."""
    return RuleSet.objects.filter(state=State.PUBLISHED, effective_at__gt=now()).order_by("-pk").first()


def draft(*, user: User, note: str = "", where: str = "") -> RuleSet:
    """A new draft with the rules in force; nothing changes by it."""
    require(user, Capability.MANAGE_WALLETS)
    with transaction.atomic(durable=True):
        made = RuleSet.objects.create(drafted_by=user, note=note.strip()[:NOTE], editors=[user.pk])
        present = in_force()
        for rule in present.rules.all() if present else ():
            rule.pk, rule.rule_set = None, made
            rule._state.adding = True
            rule.save(force_insert=True)
        record(What.RULES_DRAFTED, who=user, ip=where, object=made)
    return made


def begin_edit(*, user: User, rule_set_id: int, where: str = "") -> RuleSet:
    """Lock a draft for a change in the caller's transaction: whoever changes it cannot publish it, and it must be
    replayed anew. Raises NotFound, WrongState for what is no draft any more."""
    require(user, Capability.MANAGE_WALLETS)
    row = _draft(rule_set_id)
    row.editors = sorted({*row.editors, user.pk})
    row.replay, row.replayed_at = {}, None
    row.save(update_fields=["editors", "replay", "replayed_at"])
    record(What.RULES_CHANGED, who=user, ip=where, object=row)
    return row


def replay(*, user: User, rule_set_id: int) -> RuleSet:
    """Judge the payments of the last 90 days by the draft and by the rules in force, and keep both counts."""
    require(user, Capability.MANAGE_WALLETS)
    before = _digest(rule_set_id)
    found = policy_replay.run(_rules_of(rule_set_id), _rules_of(present.pk) if (present := in_force()) else [])
    with transaction.atomic(durable=True):
        row = _draft(rule_set_id)
        if _digest(rule_set_id) != before:
            raise WrongState(_("Somebody changed the draft meanwhile. Replay it again."))
        row.replay, row.replayed_at = found, now()
        row.save(update_fields=["replay", "replayed_at"])
    return row


def publish(*, user: User, rule_set_id: int, where: str = "") -> RuleSet:
    """Put a replayed draft into force: at once where it is proven to be tighter, else after WALLETS_LOOSEN_HOURS.

    Raises NotAllowed to whoever had a hand in it while somebody else could publish it, WrongState without a replay.
    """
    require(user, Capability.MANAGE_WALLETS)
    site_settings.current()
    with transaction.atomic(durable=True):
        locks.site_settings()  # one version is compared and published at a time
        row = _draft(rule_set_id)
        _demand_another(user, row)
        if row.replayed_at is None:
            raise WrongState(_("Replay the draft first: it shows what it would have done."))
        present, moment = in_force(), now()
        row.tighter = is_tighter(_rules_of(row.pk), _rules_of(present.pk) if present else [])
        row.state, row.published_by, row.published_at = State.PUBLISHED, user, moment
        row.effective_at = moment if row.tighter else moment + timedelta(hours=settings.WALLETS_LOOSEN_HOURS)
        row.save()
        replaced = RuleSet.objects.filter(state=State.PUBLISHED).exclude(pk=row.pk)
        if row.effective_at > moment and present is not None:
            replaced = replaced.exclude(pk=present.pk)
        replaced.update(state=State.ENDED, ended_at=moment)
        record(What.RULES_PUBLISHED, who=user, ip=where, object=row, tighter=row.tighter)
        events.emit("rules_published", version=row.pk, by=user.pk, effective_at=row.effective_at.isoformat())
    return row


def drop(*, user: User, rule_set_id: int, where: str = "") -> RuleSet:
    """Give up a draft, or a published version whose time has not come. Raises WrongState for one in force."""
    require(user, Capability.MANAGE_WALLETS)
    with transaction.atomic(durable=True):
        row = locks.rule_set(rule_set_id)
        if row is None:
            raise NotFound(_("There is no such version."))
        waits = row.state == State.PUBLISHED and row.effective_at is not None and row.effective_at > now()
        if row.state != State.DRAFT and not waits:
            raise WrongState(_("This version is in force or was: draft a new one instead."))
        row.state, row.ended_at = State.DROPPED, now()
        row.save(update_fields=["state", "ended_at"])
        record(What.RULES_DROPPED, who=user, ip=where, object=row)
    return row


def may_publish(user: User, row: RuleSet) -> bool:
    try:
        _demand_another(user, row)
    except NotAllowed:
        return False
    return True


def _demand_another(user: User, row: RuleSet) -> None:
    """Whoever had a hand in it publishes it only where nobody else could."""
    if user.pk not in {row.drafted_by_id, *row.editors}:
        return
    if people_who_may(Capability.MANAGE_WALLETS).filter(is_staff=True).exclude(pk=user.pk).exists():
        raise NotAllowed(_("You had a hand in this draft: somebody else must publish it."))


def _draft(rule_set_id: int) -> RuleSet:
    row = locks.rule_set(rule_set_id)
    if row is None:
        raise NotFound(_("There is no such version."))
    if row.state != State.DRAFT:
        raise WrongState(_("This version is no draft any more: it can only be replaced."))
    return row


def _rules_of(rule_set_id: int) -> list[Rule]:
    return [rule_of(row) for row in PolicyRule.objects.filter(rule_set=rule_set_id)]


def _digest(rule_set_id: int) -> list[Rule]:
    return _rules_of(rule_set_id)


def demand_sound(row: PolicyRule) -> None:
    """Raises InvalidRequest for a rule that cannot mean what it says."""
    if row.verdict == PolicyRule.Verdict.ALLOW and any(
        getattr(row, f"{name}_above") is not None for name in ("value", "day_value", "month_value")
    ):
        raise InvalidRequest(_("A rule that allows cannot look at values: a missing rate would allow everything."))
