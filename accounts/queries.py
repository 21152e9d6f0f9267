from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts import people
from accounts.capabilities import Capability, may
from accounts.models import AuditEvent, PayoutHold, User
from wallets_site.base.clock import now
from wallets_site.base.prepared import Prepared, Question

LONGEST_ID: Final = 18
LONGEST_TEXT: Final = 254


def find_recipient(text: str, *, numbers: bool = False) -> User | None:
    """Who is meant by this user name or proven e-mail; None for nobody, somebody inactive or without has_wallets.

    numbers: or by their number; no user name is digits alone.

    An exact match, letter case aside. The same statement whatever the answer, so that its time tells nothing.
    """
    return _receiver(_BY_TEXT.first(**_wanted(text, numbers=numbers)))


def recipient_question(text: str, *, numbers: bool = False) -> Question:
    """What find_recipient() will ask, for who asks ahead."""
    return _BY_TEXT(**_wanted(text, numbers=numbers))


def find_by_id(text: str) -> User | None:
    """The same for a user's number, as programs name people."""
    return _receiver(_BY_TEXT.first(text="", pk=_number(text)))


def _receiver(row: Any | None) -> User | None:
    if row is None:
        return None
    person = people.read(row)
    return person if may(person, Capability.HAS_WALLETS) and row[people.WIDTH] == person.pk else None


def _wanted(text: str, *, numbers: bool) -> dict[str, str | int]:
    wanted = text.strip().lower()[: LONGEST_TEXT + 1].replace("\0", " ")  # PostgreSQL refuses NUL
    return {"text": wanted, "pk": _number(text) if numbers else 0}


def _number(text: str) -> int:
    digits = text.strip()
    plain = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID
    return int(digits) if plain else 0


def _meant(text: str, pk: int) -> QuerySet[User, Any]:
    """Who is meant, and their number once more. Where nobody is, some member is read all the same, without it: the time
    this takes must not tell who is one."""
    proven = User.objects.filter(emailaddress__email=text, emailaddress__verified=True)
    arms = User.objects.filter(username=text), User.objects.filter(pk=pk), proven
    named = Coalesce(*(Subquery(arm.order_by("pk").values("pk")[:1]) for arm in arms))
    there = people.holding(Capability.HAS_WALLETS)
    meant = Subquery(there.filter(pk=named).values("pk")[:1])
    anybody = Subquery(there.order_by("pk").values("pk")[:1])
    return User.objects.filter(pk=Coalesce(meant, anybody)).values_list(*people.columns(), named)


_BY_TEXT: Final = Prepared(_meant, text=str, pk=int)


def audit_of(user: User) -> QuerySet[AuditEvent]:
    """What happened to this person's account, newest first."""
    return AuditEvent.objects.filter(who=user).order_by("-pk")


def open_holds(user: User) -> QuerySet[PayoutHold]:
    """What keeps this person's payouts back now, the longest first."""
    return PayoutHold.objects.filter(user=user, lifted_at=None, until__gt=now()).order_by("-until", "-pk")


def payout_hold(user: User) -> PayoutHold | None:
    """The hold that keeps this person's payouts back the longest, or None.

    Asks the database nothing for who has none: its end stands on the user's own row.
    """
    if user.held_until is None or user.held_until <= now():
        return None
    return open_holds(user).first()
