"""The links themselves: made for one mail each, and found again by what stood in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.urls import reverse

from accounts.models import FreezeLink, User
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.ids import new_token

LIVES: Final = timedelta(days=7)


def new_link(user: User, email: str) -> str:
    """For one mail to this address; only the digest of what stands in it is kept."""
    token = new_token()
    FreezeLink.objects.create(user=user, digest=_digest(token), email=email, expires_at=now() + LIVES)
    return f"{settings.SITE_URL}{reverse('freeze', args=[token])}"


def find(token: str) -> FreezeLink | None:
    """What this link stops, while it may."""
    rows = FreezeLink.objects.select_related("user").filter(digest=_digest(token), used_at=None)
    return rows.filter(expires_at__gt=now()).first()


def _digest(token: str) -> str:
    return crypto.digest({"freeze": token})


def forget_expired() -> None:
    """Drop those that can stop nothing any more; a used one stays as evidence."""
    FreezeLink.objects.filter(used_at=None, expires_at__lt=now()).delete()
