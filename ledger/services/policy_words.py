"""Rules in words, for the people who write and publish them."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ledger.models import Coin, PolicyRule
from ledger.money import plain
from ledger.services.policy_rules import Initiator, Verdict

INITIATORS: Final = {
    Initiator.PAGE: gettext_lazy("on the pages"),
    Initiator.API_KEY: gettext_lazy("by an API key"),
    Initiator.V3: gettext_lazy("by the WordPress API"),
    Initiator.LNBITS: gettext_lazy("by a purse's key"),
}
_AMOUNTS: Final = {
    "amount_above": gettext_lazy("of more than %s"),
    "day_above": gettext_lazy("that make more than %s in 24 hours"),
    "month_above": gettext_lazy("that make more than %s in 30 days"),
    "value_above": gettext_lazy("worth more than %s"),
    "day_value_above": gettext_lazy("that make more than %s in 24 hours, all coins together"),
    "month_value_above": gettext_lazy("that make more than %s in 30 days, all coins together"),
}


def rule_in_words(rule: PolicyRule) -> str:
    """ "Payments to the outside, of TST, of more than 10 TST: wait 24 hours." """
    when = ", ".join(part for part in _conditions(rule) if part)
    what = _("All payments") if not when else _("Payments %(when)s") % {"when": when}
    return f"{what}: {verdict_in_words(rule)}."


def _conditions(rule: PolicyRule) -> list[str]:
    said = [str(rule.get_destination_display()) if rule.destination else ""]
    if rule.coin is not None:
        said.append(_("of %(coin)s") % {"coin": rule.coin.symbol})
    for name, words in _AMOUNTS.items():
        bound = getattr(rule, name)
        if bound is not None:
            said.append(str(words) % _figure(bound, rule.coin if "value" not in name else None))
    if rule.initiators:
        said.append(_(" or ").join(str(INITIATORS[Initiator(name)]) for name in rule.initiators))
    if rule.groups:
        names = Group.objects.filter(pk__in=rule.groups).order_by("name").values_list("name", flat=True)
        said.append(_("from people in %(groups)s") % {"groups": _(" or ").join(names) or _("a group that is gone")})
    if rule.account_younger:
        said.append(_("from accounts younger than %(hours)s h") % {"hours": rule.account_younger})
    if rule.destination_younger:
        said.append(_("to somebody first paid less than %(hours)s h ago") % {"hours": rule.destination_younger})
    if rule.from_hour is not None:
        said.append(_("between %(first)s:00 and %(last)s:00") % {"first": rule.from_hour, "last": rule.to_hour})
    return said


def _figure(bound: int, coin: Coin | None) -> str:
    if coin is None:
        return f"{plain(bound, 2)} {settings.WALLETS_CURRENCIES[0]}"
    return f"{plain(bound, coin.decimals)} {coin.symbol}"


def verdict_in_words(rule: PolicyRule) -> str:
    if rule.verdict == Verdict.WAIT:
        return ngettext("wait %(hours)s hour", "wait %(hours)s hours", rule.hours or 0) % {"hours": rule.hours}
    if rule.verdict == Verdict.PEOPLE:
        many = ngettext(
            "%(people)s person must approve", "%(people)s people must approve", rule.people or 0
        ) % {"people": rule.people}  # fmt: skip
        return many if rule.approvers is None else _("%(many)s, of %(group)s") % {"many": many, "group": rule.approvers}
    words = {
        Verdict.ALLOW: _("allowed"),
        Verdict.STEP_UP: _("a second factor is asked for"),
        Verdict.BLOCK: _("refused"),
    }
    return words[Verdict(rule.verdict)]
