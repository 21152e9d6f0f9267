"""Browsers somebody signed in with before: told by a signed cookie that opens nothing.

Wrong passwords are counted for each account, so a stranger could lock its owner out for ever. A known browser is
counted apart. The cookie of a browser counts until the password changes.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.models import User
from wallets_site.base import crypto

LIVES: Final = 180 * 86_400
MOST_PEOPLE: Final = 5
_SALT: Final = "accounts.device"
_NEW: Final = "_signed_in_here"


def cookie_name() -> str:
    return "__Host-device" if settings.HTTPS else "device"


def knows(request: HttpRequest | None, user: Any) -> bool:
    """Whether this person signed in with this browser before, since their password is what it is."""
    mark = _read(request).get("people", {}).get(str(user.pk), "")
    return bool(mark) and hmac.compare_digest(str(mark), _mark(user))


def bucket(request: HttpRequest, user: AbstractBaseUser | None, shared: str) -> str:
    """Under which name wrong passwords and codes are counted: of this browser if it is known, else the shared one."""
    if user is None or not knows(request, user):
        return shared
    return f"device:{_read(request)['device']}:{shared}"


def owner_of_email(request: HttpRequest, email: str) -> User | None:
    """The person with this e-mail, if their number stands in this browser's cookie; asks nothing without a cookie."""
    people = [int(pk) for pk in _read(request).get("people", {})]
    return User.objects.filter(pk__in=people, email=email.lower()).first() if people else None


def remember(request: HttpRequest, user: User) -> None:
    """With the answer to this request the browser becomes known."""
    setattr(request, _NEW, user)


class KnownDevices:
    """Gives the cookie to the browser that has just signed somebody in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, _NEW, None)
        if user is not None:
            said = _read(request)
            people = {pk: mark for pk, mark in said.get("people", {}).items() if pk != str(user.pk)}
            kept = [*people.items(), (str(user.pk), _mark(user))][-MOST_PEOPLE:]
            value = {"device": said.get("device") or secrets.token_urlsafe(18), "people": dict(kept)}
            response.set_cookie(
                cookie_name(), crypto.sign(value, salt=_SALT), max_age=LIVES, secure=settings.SESSION_COOKIE_SECURE,
                httponly=True, samesite="Strict",
            )  # fmt: skip
        return response


def _read(request: HttpRequest | None) -> dict[str, Any]:
    text = request.COOKIES.get(cookie_name(), "") if request is not None else ""
    try:
        return crypto.unsign(text, salt=_SALT, max_age=LIVES) if text else {}
    except signing.BadSignature:
        return {}


def _mark(user: Any) -> str:
    return salted_hmac(_SALT, f"{user.pk}:{user.password}", algorithm="sha256").hexdigest()[:32]
