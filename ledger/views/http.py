"""What every page here shares: who asks, what they must be allowed, and the answer to a poll."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase

from accounts.capabilities import Capability, require
from accounts.models import User
from ledger.services import rules
from wallets_site.base.errors import (
    InsufficientFunds,
    InvalidAddress,
    InvalidAmount,
    InvalidExtra,
    InvalidRequest,
    LimitReached,
    WalletError,
)
from wallets_site.base.ids import new_key

View = Callable[..., HttpResponseBase]

_FIELDS: dict[type[WalletError], str] = {
    InvalidAmount: "amount",
    InsufficientFunds: "amount",
    LimitReached: "amount",
    InvalidAddress: "to",
    InvalidRequest: "to",
    InvalidExtra: "extra",
}


def person(request: HttpRequest) -> User:
    """Who asks. The sign-in middleware lets nobody else come this far."""
    return cast(User, request.user)


def needs(capability: Capability) -> Callable[[View], View]:
    """Refuses with NotAllowed, which the middleware shows as a page."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(person(request), capability)
            with rules.asked_once() if request.method in ("GET", "HEAD") else nullcontext():
                return view(request, *args, **kwargs)

        return guarded

    return decorate


def number(text: str) -> int | None:
    """A row's number from the address bar; None for whatever else stands there."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def posted_key(request: HttpRequest) -> str:
    """The idempotency key of this form; a form without one counts as a new request."""
    return request.POST.get("key", "")[:64] or new_key()


def field_of(error: WalletError) -> str | None:
    """The field of the send form a refusal belongs beside; None for the form as a whole."""
    return _FIELDS.get(type(error))
