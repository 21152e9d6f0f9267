from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from wallets_site import brand


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "site_name": settings.SITE_NAME, "demo": settings.DEMO, "signup": settings.SIGNUP,
        "site_notice": SimpleLazyObject(_notice), "unread": SimpleLazyObject(lambda: _unread(request)),
        "brand_version": brand.version(),
    }  # fmt: skip


def _unread(request: HttpRequest) -> str:
    from ledger.services import inbox

    user = getattr(request, "user", None)
    try:
        return inbox.unread_text(user) if user is not None and user.is_authenticated else ""
    except DatabaseError:
        return ""


def _notice() -> str:
    from ledger.services import rules

    try:
        return rules.current().site.notice
    except DatabaseError:  # the page that says so must not fail as well
        return ""
