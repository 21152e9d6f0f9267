"""The wire form of LNbits' API: JSON for everything, every error with `detail`, `message` and `status`, CORS for all.

Sources: recordings of LNbits 0.9.7 and 1.6.2. An error's `status` speaks of the payment: "failed" (nothing moved),
"pending" (it may still be paid) or "success".
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, TypeVar

from django.http import HttpResponse, HttpResponseBase

from wallets_site.base.errors import (
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAddress,
    InvalidAmount,
    LimitReached,
    TooManyRequests,
    WalletError,
    WrongState,
)

Response = TypeVar("Response", bound=HttpResponseBase)
Fate = Literal["failed", "pending", "success"]

PAYMENT_ERROR: Final = 520
NO_MONEY: Final = "Insufficient balance."  # clients look for these words
# Refusals of a payment or an invoice, which LNbits answers with 520 since 1.0.
_OF_A_PAYMENT: Final = (InsufficientFunds, InvalidAddress, InvalidAmount, LimitReached, WrongState, IdempotencyConflict)
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "X-Api-Key, Content-Type, Accept, Idempotency-Key, *",
    "Access-Control-Expose-Headers": "Retry-After",
    "Access-Control-Max-Age": "600",
}


class Refusal(Exception):
    """An error of this API. fate: what it says of the payment asked for."""

    def __init__(self, status: int, detail: str, *, fate: Fate = "failed", wait: int = 0) -> None:
        super().__init__(detail)
        self.status, self.detail, self.fate, self.wait = status, detail, fate, wait


def of_wallet_error(error: WalletError, *, payment: bool) -> Refusal:
    """payment: in answer to a payment or an invoice."""
    if isinstance(error, InsufficientFunds):
        return Refusal(PAYMENT_ERROR, NO_MONEY)
    if payment and isinstance(error, _OF_A_PAYMENT):
        return Refusal(PAYMENT_ERROR, error.message)
    if isinstance(error, TooManyRequests):
        return Refusal(429, error.message, wait=60)
    return Refusal(error.status, error.message, wait=30 if error.status == 503 else 0)


def answer(data: Any, status: int = 200) -> HttpResponse:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return cors(HttpResponse(text.encode(), content_type="application/json", status=status))


def refuse(refusal: Refusal) -> HttpResponse:
    said = {"detail": refusal.detail, "message": refusal.detail, "status": refusal.fate}
    response = answer(said, refusal.status)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log 520 as an error of ours
    if refusal.wait:
        response["Retry-After"] = str(refusal.wait)
    return response


def preflight() -> HttpResponse:
    return cors(HttpResponse(status=204))


def cors(response: Response) -> Response:
    """Any page may call, for the key is all there is: no cookie is read here, none is set, none is allowed."""
    for name, value in _CORS.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response
