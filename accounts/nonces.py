"""Nonces as WordPress makes them: 10 hex digits, bound to an action, a person and a login session.

One is good in its own half-day tick and in the next: 12 to 24 hours. It may be used again within that time.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from wallets_site.base.clock import now

if TYPE_CHECKING:
    from accounts.models import User

TICK_SECONDS: Final = 43_200
DIGITS: Final = 10


def make_nonce(request: HttpRequest, user: User, action: str) -> str:
    """The nonce of this action for this person in this session, now."""
    return _nonce(request, user, action, _tick())


def is_good_nonce(request: HttpRequest, user: User, action: str, nonce: str) -> bool:
    """Whether it was made in this tick or the one before; compared in constant time."""
    given = nonce.encode(errors="replace")
    tick = _tick()
    known = [_nonce(request, user, action, number).encode() for number in (tick, tick - 1)]
    return any(hmac.compare_digest(given, each) for each in known)


def _tick() -> int:
    return -(-int(now().timestamp()) // TICK_SECONDS)


def _nonce(request: HttpRequest, user: User, action: str, tick: int) -> str:
    session = request.session.session_key or ""
    return salted_hmac("accounts.nonces", f"{tick}|{action}|{user.pk}|{session}", algorithm="sha256").hexdigest()[
        :DIGITS
    ]
