"""What a person hears of: their events as notifications on the site, and the choice of what comes there and by mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ledger import events
from ledger.models import Event, Inbox, Mute
from wallets_site.base.newest import newest_of
from wallets_site.base.prepared import Prepared

if TYPE_CHECKING:
    from accounts.models import User

PAGE: Final = 25
MOST_COUNTED: Final = 9

# The kinds a person may switch off, under the words they know them by. What asks for their own action is always sent.
CHOICES: Final = {
    "deposit_seen": gettext_noop("A payment to you is on its way"),
    "deposit_credited": gettext_noop("A deposit was credited"),
    "deposit_gone": gettext_noop("A payment to you was cancelled by its sender's network"),
    "move_sent": gettext_noop("You sent coins to a member"),
    "move_received": gettext_noop("A member sent you coins"),
    "move_incoming": gettext_noop("A transfer to you waits for its confirmation"),
    "move_cancelled": gettext_noop("Your transfer was cancelled and the coins are back"),
    "withdrawal_requested": gettext_noop("You asked for a withdrawal"),
    "withdrawal_sent": gettext_noop("Your withdrawal was handed to the network"),
    "withdrawal_done": gettext_noop("Your withdrawal is confirmed"),
    "withdrawal_failed": gettext_noop("Your withdrawal failed and the coins are back"),
    "withdrawal_cancelled": gettext_noop("Your withdrawal was cancelled"),
}
ALWAYS: Final = {
    "confirm_move": gettext_noop("Please confirm your transfer"),
    "confirm_withdrawal": gettext_noop("Please confirm your withdrawal"),
    "confirm_contact": gettext_noop("Please confirm a new contact"),
    "contacts_unlock_asked": gettext_noop("Somebody asked to open your contacts lock"),
    "operation_reversed": gettext_noop("An operation of yours was reversed by the site"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    words: str
    mailable: bool
    by_mail: bool
    on_site: bool


@dataclass(frozen=True, slots=True)
class Page:
    """next_before: the id to ask the following page with, None on the last one."""

    rows: list[Event]
    next_before: int | None


def words_of(event: Event) -> str:
    return words(event.name)


def words(name: str) -> str:
    """What an event of this name says to whom it concerns."""
    if name == "balance_changed":
        return _("A balance changed")
    found = CHOICES.get(name) or ALWAYS.get(name) or (events.TOPICS[name].says if name in events.TOPICS else "")
    return _(found) if found else name


def page(user: User, *, before: int | None = None) -> Page:
    """Newest first, without what the person muted or what is for staff."""
    rows = Event.objects.filter(name__in=_heard(user)).select_related("operation__coin", "operation__counterpart")
    found = list(newest_of(rows, user.pk, before)[: PAGE + 1])
    return Page(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None)


def _heard(user: User) -> list[str]:
    muted = set(Mute.objects.filter(user=user, channel=Mute.Channel.INBOX).values_list("name", flat=True))
    return [name for name in (*CHOICES, *ALWAYS) if name not in muted]


def seen_until(user: User) -> int:
    return Inbox.objects.filter(user=user).values_list("seen", flat=True).first() or 0


def mark_seen(*, user: User, until: int) -> None:
    """Everything up to this event was on a page they opened."""
    if until > seen_until(user):
        Inbox.objects.update_or_create(user=user, defaults={"seen": until})


def unread_text(user: User) -> str:
    """ "3", "9+", or nothing; one statement."""
    count = len(_UNREAD.rows(user=user.pk))
    return "" if count == 0 else str(count) if count <= MOST_COUNTED else f"{MOST_COUNTED}+"


def _unread(user: int) -> QuerySet[Event, Any]:
    seen = Subquery(Inbox.objects.filter(user_id=user).values("seen")[:1])
    muted = Mute.objects.filter(user_id=user, channel=Mute.Channel.INBOX).values("name")
    newer = Event.objects.filter(user_id=user, pk__gt=Coalesce(seen, 0), name__in=[*CHOICES, *ALWAYS])
    return newer.exclude(name__in=muted).order_by("pk").values_list("pk")[: MOST_COUNTED + 1]


_UNREAD: Final = Prepared(_unread, user=int)


def choices(user: User) -> list[Choice]:
    muted = set(Mute.objects.filter(user=user).values_list("name", "channel"))
    return [
        Choice(name, _(words), events.TOPICS[name].mails, (name, Mute.Channel.MAIL) not in muted,
               (name, Mute.Channel.INBOX) not in muted)
        for name, words in CHOICES.items()
    ]  # fmt: skip


def choose(*, user: User, wanted: Iterable[tuple[str, str]]) -> None:
    """Hear of exactly these (name, channel) and mute the other ones."""
    kept = set(wanted)
    muted = [
        Mute(user=user, name=name, channel=channel)
        for name in CHOICES
        for channel in (Mute.Channel.MAIL, Mute.Channel.INBOX)
        if (name, str(channel)) not in kept
    ]
    Mute.objects.filter(user=user).delete()
    Mute.objects.bulk_create(muted, ignore_conflicts=True)
