from __future__ import annotations

from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.capabilities import Capability
from accounts.models import AuditEvent, User

LONGEST_ID: Final = 18
LONGEST_TEXT: Final = 254


def find_recipient(text: str, *, numbers: bool = False) -> User | None:
    """Who is meant by this user name or proven e-mail; None for nobody, somebody inactive or without has_wallets.

    numbers: or by their number; no user name is digits alone.

    An exact match, letter case aside. One query whatever the answer, so that its time tells nothing.
    """
    wanted = text.strip().lower()[: LONGEST_TEXT + 1].replace("\0", " ")  # PostgreSQL refuses NUL
    proven = EmailAddress.objects.filter(user=OuterRef("pk"), email=wanted, verified=True)
    meant: Q = Q(username=wanted) | Q(Exists(proven))
    if numbers:
        meant |= Q(pk=_number(text))
    return _receivers().filter(meant).order_by("pk").first()


def find_by_id(text: str) -> User | None:
    """The same for a user's number, as programs name people. One query whatever the answer."""
    return _receivers().filter(pk=_number(text)).first()


def _number(text: str) -> int:
    digits = text.strip()
    plain = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID
    return int(digits) if plain else 0


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


def audit_of(user: User) -> QuerySet[AuditEvent]:
    """What happened to this person's account, newest first."""
    return AuditEvent.objects.filter(who=user).order_by("-pk")
