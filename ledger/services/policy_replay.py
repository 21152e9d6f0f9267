"""Payments of the last 90 days judged again, as if these rules had been in force.

Sums, ages and hours are those of the moment of each payment; groups and rates are today's. From where a payment came is
known for API keys, purses and payments that rules decided about; every other one counts as asked for on a page.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from ledger.models import Contact, KeySpend, Operation, PolicyDecision
from ledger.services import policy_facts
from ledger.services.limits import UNDONE
from ledger.services.policy_facts import DAY, HOUR, MONTH, Prices, worth
from ledger.services.policy_rules import Facts, Initiator, Policy, Rule, Verdict
from wallets_site.base.clock import now

DAYS: Final = 90
MOST: Final = 200_000
SHOWN: Final = 20
Where = tuple[
    int, int | None, int, str, str
]  # payer, member, coin, address, extra: of a member the last three are empty


class _Payment(NamedTuple):
    pk: int
    user_id: int
    coin_id: int
    kind: str
    counterpart_id: int | None
    address: str
    extra: str
    gross: int
    fee: int
    status: str
    number: int
    by_mail: bool
    created_at: datetime

    @property
    def where(self) -> Where:
        return _where(self.user_id, self.counterpart_id, self.coin_id, self.address, self.extra)


class _Spent(NamedTuple):
    """What the recipient of one payment got, atomic units."""

    coin_id: int
    amount: int
    at: datetime


class _Window:
    """Running sums of one person's payments over a span of time."""

    def __init__(self, span: timedelta) -> None:
        self.span, self.rows, self.totals = span, deque[_Spent](), Counter[int]()

    def at(self, moment: datetime) -> Counter[int]:
        while self.rows and self.rows[0].at <= moment - self.span:
            gone = self.rows.popleft()
            self.totals[gone.coin_id] -= gone.amount
        return self.totals

    def add(self, spent: _Spent) -> None:
        self.rows.append(spent)
        self.totals[spent.coin_id] += spent.amount


def run(new: Sequence[Rule], old: Sequence[Rule]) -> dict[str, Any]:
    """Counts by verdict for both, by rule for the new ones, and the first payments they would have held or refused."""
    drafted, standing = Policy(0, None, tuple(new)), Policy(0, None, tuple(old))
    counts, before, by_rule = Counter[str](), Counter[str](), Counter[str]()
    examples: list[dict[str, Any]] = []
    judged = 0
    for payment, facts in _history(now()):
        judged += 1
        rule = drafted.decide(facts)
        counts[rule.verdict] += 1
        before[standing.decide(facts).verdict] += 1
        if rule.pk is not None:
            by_rule[str(rule.pk)] += 1
        if rule.verdict != Verdict.ALLOW and len(examples) < SHOWN:
            examples.append({"operation": payment.pk, "rule": rule.name, "verdict": rule.verdict})
    return {
        "judged": judged, "days": DAYS, "verdicts": dict(counts), "before": dict(before), "rules": dict(by_rule),
        "examples": examples, "capped": judged >= MOST,
    }  # fmt: skip


def _history(moment: datetime) -> Iterator[tuple[_Payment, Facts]]:
    """Each payment asked for in the window with what was known then, one person after another."""
    since = moment - timedelta(days=DAYS)
    joined = dict(User.objects.values_list("pk", "date_joined"))
    groups: dict[int, set[int]] = defaultdict(set)
    for user_id, group_id in User.groups.through.objects.values_list("user_id", "group_id"):
        groups[user_id].add(group_id)
    known, sources, prices = _first_seen(), _sources(since), policy_facts.prices()
    count, person, day, month = 0, 0, _Window(DAY), _Window(MONTH)
    for payment in _payments(since - MONTH):
        if payment.user_id != person:
            person, day, month = payment.user_id, _Window(DAY), _Window(MONTH)
        spent = _Spent(payment.coin_id, payment.gross - payment.fee, payment.created_at)
        if payment.created_at > since and count < MOST:
            count += 1
            yield payment, _facts(payment, spent, day, month, prices, joined, groups, known, sources)
        if payment.status not in UNDONE:
            day.add(spent)
            month.add(spent)


def _facts(
    payment: _Payment, spent: _Spent, day: _Window, month: _Window, prices: Prices,
    joined: dict[int, datetime], groups: dict[int, set[int]], known: dict[Where, datetime], sources: dict[int, str],
) -> Facts:  # fmt: skip
    at, coin_id = payment.created_at, payment.coin_id
    sums: dict[str, Any] = {}
    for name, window in (("day", day), ("month", month)):
        totals = window.at(at)
        sums[name] = totals[coin_id] + spent.amount
        all_coins = +(totals + Counter({coin_id: spent.amount}))
        sums[f"{name}_value"] = worth(all_coins, prices) if prices else None
    first = known.get(payment.where)
    return Facts(
        initiator=sources.get(payment.pk) or _source(payment),
        destination="member" if payment.kind == Operation.Kind.MOVE else "external",
        coin_id=coin_id,
        amount=spent.amount,
        hour=timezone.localtime(at, timezone.get_default_timezone()).hour,
        groups=frozenset(groups[payment.user_id]),
        account_age=(at - joined[payment.user_id]) // HOUR,
        destination_age=(at - first) // HOUR if first is not None and first < at else 0,
        value=worth({coin_id: spent.amount}, prices),
        **sums,
    )


def _payments(since: datetime) -> Iterator[_Payment]:
    rows = Operation.objects.filter(incoming=False, created_at__gt=since).exclude(kind=Operation.Kind.DEPOSIT)
    fields = (
        "pk", "user_id", "coin_id", "kind", "counterpart_id", "address", "extra", "gross", "fee", "status",
        "account__number", "needs_user_confirm", "created_at",
    )  # fmt: skip
    for row in rows.order_by("user_id", "created_at", "pk").values_list(*fields).iterator(chunk_size=2000):
        payment = _Payment(*row)
        if payment.counterpart_id != payment.user_id:
            yield payment


def _source(payment: _Payment) -> str:
    """Only the WordPress API asks for a mail's link."""
    if payment.number:
        return Initiator.LNBITS
    return Initiator.V3 if payment.by_mail else Initiator.PAGE


def _sources(since: datetime) -> dict[int, str]:
    by_key = KeySpend.objects.filter(operation__created_at__gt=since).values_list("operation_id", flat=True)
    found = {pk: str(Initiator.API_KEY) for pk in by_key}
    decided = PolicyDecision.objects.filter(operation__created_at__gt=since).values_list("operation_id", "inputs")
    return found | {pk: inputs["initiator"] for pk, inputs in decided if pk and "initiator" in inputs}


def _first_seen() -> dict[Where, datetime]:
    """When each person first paid each destination, or confirmed it as a contact."""
    done = Operation.objects.filter(incoming=False, status=Operation.Status.DONE)
    fields = "user_id", "counterpart_id", "coin_id", "address", "extra"
    found: dict[Where, datetime] = {}
    for user_id, member, coin_id, address, extra, first in (
        done.values_list(*fields).annotate(first=Min("done_at")).order_by()
    ):
        if first is not None:
            _note(found, _where(user_id, member, coin_id, address, extra), first)
    contacts = Contact.objects.filter(confirmed_at__isnull=False)
    fields = "user_id", "member_id", "coin_id", "address", "extra"
    for user_id, member, coin_id, address, extra, first in contacts.values_list(*fields, "confirmed_at"):
        if first is not None:
            _note(found, _where(user_id, member, coin_id, address, extra), first)
    return found


def _where(user_id: int, member: int | None, coin_id: int | None, address: str, extra: str) -> Where:
    return (user_id, member, 0, "", "") if member else (user_id, None, coin_id or 0, address, extra)


def _note(found: dict[Where, datetime], where: Where, at: datetime) -> None:
    found[where] = min(at, found.get(where, at))


def in_words(said: dict[str, Any]) -> str:
    """ "It would have held 14 of 2,310 payments of the last 90 days and refused 2." """
    if not said:
        return _("Not replayed yet.")
    held, refused = _held(said["verdicts"])
    was_held, was_refused = _held(said["before"])
    return _(
        "Over the last %(days)s days it would have held %(held)s of %(judged)s payments and refused %(refused)s."
        " The rules in force would have held %(was_held)s and refused %(was_refused)s."
    ) % {
        "days": said["days"], "judged": f"{said['judged']:,}", "held": f"{held:,}", "refused": f"{refused:,}",
        "was_held": f"{was_held:,}", "was_refused": f"{was_refused:,}",
    }  # fmt: skip


def _held(verdicts: dict[str, int]) -> tuple[int, int]:
    refused = verdicts.get(Verdict.BLOCK, 0)
    return sum(verdicts.values()) - verdicts.get(Verdict.ALLOW, 0) - refused, refused
