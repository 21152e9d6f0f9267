from __future__ import annotations

from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.capabilities import Capability
from accounts.models import AuditEvent, User
from wallets_site.base.prepared import Prepared

LONGEST_ID: Final = 18
LONGEST_TEXT: Final = 254
COLUMNS: Final = tuple(field.attname for field in User._meta.concrete_fields)


def find_recipient(text: str, *, numbers: bool = False) -> User | None:
    """Who is meant by this user name or proven e-mail; None for nobody, somebody inactive or without has_wallets.

    numbers: or by their number; no user name is digits alone.

    An exact match, letter case aside. One query whatever the answer, so that its time tells nothing.
    """
    wanted = text.strip().lower()[: LONGEST_TEXT + 1].replace("\0", " ")  # PostgreSQL refuses NUL
    return _one(_BY_TEXT.first(text=wanted, pk=_number(text) if numbers else 0))


def find_by_id(text: str) -> User | None:
    """The same for a user's number, as programs name people. One query whatever the answer."""
    return _one(_BY_TEXT.first(text="", pk=_number(text)))


def _one(row: Any | None) -> User | None:
    return None if row is None else User.from_db("default", COLUMNS, row)


def _number(text: str) -> int:
    digits = text.strip()
    plain = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID
    return int(digits) if plain else 0


def _meant(text: str, pk: int) -> QuerySet[User, Any]:
    """A union of what three indexes find: with OR, a database reads through everybody."""
    proven = EmailAddress.objects.filter(email=text, verified=True).order_by().values("user_id")
    named = User.objects.filter(username=text).values("pk").union(User.objects.filter(pk=pk).values("pk"), proven)
    return _receivers().filter(pk__in=named).order_by("pk").values_list(*COLUMNS)


def _receivers() -> QuerySet[User]:
    """Active people with has_wallets, decided by the database in the same query."""
    codename = Capability.HAS_WALLETS.value
    app = User._meta.app_label
    own = User.user_permissions.through.objects.filter(
        user_id=OuterRef("pk"), permission__codename=codename, permission__content_type__app_label=app
    )
    by_group = Group.objects.filter(
        user=OuterRef("pk"), permissions__codename=codename, permissions__content_type__app_label=app
    )
    return User.objects.filter(Q(is_superuser=True) | Exists(own) | Exists(by_group), is_active=True)


_BY_TEXT: Final = Prepared(_meant, text=str, pk=int)


def audit_of(user: User) -> QuerySet[AuditEvent]:
    """What happened to this person's account, newest first."""
    return AuditEvent.objects.filter(who=user).order_by("-pk")
