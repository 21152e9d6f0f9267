from __future__ import annotations

from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.capabilities import Capability
from accounts.models import AuditEvent, User

LONGEST_ID: Final = 18
LONGEST_TEXT: Final = 254


def find_recipient(text: str) -> User | None:
    """Who is meant by this user name or proven e-mail; None for nobody, somebody inactive or without has_wallets.

    An exact match, letter case aside. One query whatever the answer, so that its time tells nothing.
    """
    wanted = text.strip().lower()[: LONGEST_TEXT + 1].replace("\0", " ")  # PostgreSQL refuses NUL
    proven = EmailAddress.objects.filter(user=OuterRef("pk"), email=wanted, verified=True)
    return _receivers().filter(Q(username=wanted) | Exists(proven)).order_by("pk").first()


def find_by_id(text: str) -> User | None:
    """The same for a user's number, as programs name people. One query whatever the answer."""
    digits = text.strip()
    plain = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID
    return _receivers().filter(pk=int(digits) if plain else 0).first()


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
