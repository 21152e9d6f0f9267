"""A person's feed: everything that happens to their money, numbered without a gap, so that a program that reads it
from 1 on rebuilds every balance.

Two things stand in it: the events of the catalogue that are this person's, and one "balance_changed" for each line
in the books of their accounts. Nothing is numbered before it is committed, so no number ever appears below one that
was already read. A feed is written when somebody reads it, or has a webhook.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F, Sum

from ledger import events
from ledger.models import Account, Event, Feed, FeedItem, Kind, Posting, Webhook
from ledger.money import plain
from ledger.services import shapes, webhooks

if TYPE_CHECKING:
    from accounts.models import User

BALANCE_CHANGED: Final = "balance_changed"
BATCH: Final = 500
MOST: Final = 500
_NAMES: Final = {Kind.USER: "available", Kind.HELD: "held"}


def names() -> list[str]:
    """Every name that may stand in a feed."""
    return [BALANCE_CHANGED, *(topic.name for topic in events.TOPICS.values() if not topic.for_staff)]


def read(user: User, *, after: int = 0, limit: int = 100) -> list[FeedItem]:
    """At most `limit` items with a higher number, oldest first; what is missing of a page is written now."""
    rows = FeedItem.objects.filter(user=user, number__gt=after).order_by("number")[:limit]
    found = list(rows)
    while len(found) < limit and (fresh := _publish(user.pk, limit)):
        last = found[-1].number if found else after
        found = found + fresh if fresh[0].number == last + 1 else list(rows.all())
    return found[:limit]


def publish(user_id: int, most: int = BATCH) -> int:
    """Number what is new, at most `most` of each sort, and queue it for this person's webhooks; how many there were.

    Two at once: one of them does it, the other finds the feed further on and leaves it.
    """
    return len(_publish(user_id, most))


def _publish(user_id: int, most: int) -> list[FeedItem]:
    with transaction.atomic():
        feed = _feed(user_id)
        news = list(Event.objects.filter(user_id=user_id, in_feed=False).select_related("operation__coin",
            "operation__account", "operation__counterpart").order_by("pk")[:most])  # fmt: skip
        lines = list(_new_lines(user_id, feed, most))
        if not news and not lines:
            return []
        items = _numbered(user_id, feed.last, news, lines)
        marks = feed.marks | {str(line.account_id): line.seq for line in lines}
        mine = Feed.objects.filter(pk=user_id, last=feed.last)
        if not mine.update(last=items[-1].number, lines=F("lines") + len(lines), marks=marks):
            return []
        FeedItem.objects.bulk_create(items)
        Event.objects.filter(pk__in=[event.pk for event in news]).update(in_feed=True)
        webhooks.queue(user_id, items)
    return items


def behind() -> list[int]:
    """People with a webhook whose feed lacks something."""
    listening = Webhook.objects.filter(is_active=True).values("user_id")
    waiting = Event.objects.filter(in_feed=False, user_id__in=listening).values_list("user_id", flat=True)
    done = dict(Feed.objects.filter(user_id__in=listening).values_list("user_id", "lines"))
    totals = Account.objects.filter(owner_id__in=listening).values_list("owner_id").annotate(Sum("version"))
    return sorted({*waiting.distinct(), *(owner for owner, lines in totals if lines != done.get(owner, 0))})


def _feed(user_id: int) -> Feed:
    known = Feed.objects.filter(pk=user_id).first()
    if known is None:
        Feed.objects.bulk_create([Feed(user_id=user_id)], ignore_conflicts=True)
        known = Feed.objects.get(pk=user_id)
    return known


@dataclass(frozen=True, slots=True)
class _Line:
    """One posting as one of its accounts sees it; amounts in atomic units."""

    account: Account
    seq: int
    change: int
    balance: int
    transaction_id: int
    reason: str
    at: datetime

    @property
    def account_id(self) -> int:
        return self.account.pk


def _new_lines(user_id: int, feed: Feed, room: int) -> Iterator[_Line]:
    for account in Account.objects.filter(owner_id=user_id).select_related("coin").order_by("pk"):
        seen = feed.marks.get(str(account.pk), 0)
        if account.version > seen and room > 0:
            found = _lines(account, seen, min(account.version, seen + room))
            room -= len(found)
            yield from found


def _lines(account: Account, seen: int, last: int) -> list[_Line]:
    """Lines seen + 1 … last of an account: its numbers have no gap, as whoever writes one holds its lock."""
    found = []
    for side, sign in (("debit", -1), ("credit", 1)):
        rows = Posting.objects.filter(**{side: account, f"{side}_seq__gt": seen, f"{side}_seq__lte": last})
        wanted = (f"{side}_seq", f"{side}_debits", f"{side}_credits", "amount", "transaction_id", "transaction__kind")
        for seq, debits, credits, amount, made, kind, at in rows.values_list(*wanted, "transaction__created_at"):
            found.append(_Line(account, seq, sign * amount, credits - debits, made, kind, at))
    return sorted(found, key=lambda line: line.seq)


def _numbered(user_id: int, last: int, news: list[Event], lines: list[_Line]) -> list[FeedItem]:
    made = [_of_line(line) for line in lines] + [_of_event(event) for event in news]
    made.sort(key=lambda item: item.created_at)  # stable: what is of one moment keeps its order
    for number, item in enumerate(made, start=last + 1):
        item.user_id, item.number = user_id, number
    return made


def _of_event(event: Event) -> FeedItem:
    data = dict(event.data)
    if event.operation is not None:
        facts = shapes.operation_facts(event.operation)
        data["operation"] = {
            name: shapes.stamp(value) if isinstance(value, datetime) else value for name, value in facts.items()
        }
    subject = f"operation:{event.operation_id}" if event.operation_id else f"event:{event.pk}"
    return FeedItem(name=event.name, subject=subject, data=data, created_at=event.created_at)


def _of_line(line: _Line) -> FeedItem:
    coin = line.account.coin
    sign = "-" if line.change < 0 else ""
    data = {
        "coin": coin.symbol, "purse": line.account.number, "account": _NAMES[Kind(line.account.kind)],
        "change": sign + plain(abs(line.change), coin.decimals), "balance": plain(line.balance, coin.decimals),
        "line": line.seq, "transaction": line.transaction_id, "reason": line.reason,
    }  # fmt: skip
    return FeedItem(name=BALANCE_CHANGED, subject=f"balance:{coin.symbol}", data=data, created_at=line.at)
