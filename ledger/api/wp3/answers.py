"""The wire form of the WordPress API v3, as plugin 4.3.1 gives it: the envelope, exact numbers, cache headers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import simplejson
from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date
from django.utils.text import compress_string

from ledger import money
from wallets_site.base.clock import now

CONTENT_TYPE: Final = "application/json; charset=UTF-8"
SMALLEST_ZIPPED: Final = 500
_ENCODER: Final = simplejson.JSONEncoder(separators=(",", ":"), use_decimal=False)

# Codes of the plugin.
COINS_INFO, TRANSACTIONS, WITHDRAW, MOVE = -102, -103, -104, -105
NOT_LOGGED_IN, NOT_ALLOWED, UNSPECIFIED, LEGACY_OFF = -106, -107, 0, 403


class Refusal(Exception):
    """An error of the API: HTTP 200 but for those that say "not logged in" or "this version is off"."""

    def __init__(self, code: int, message: str, *, status: int = 200, **payload: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.payload = code, message, status, payload


def number(amount: int, decimals: int) -> Any:
    """An exact decimal literal of atomic units: 1 at 8 decimals is 0.00000001, never 1.0e-8."""
    return simplejson.RawJSON(money.plain(amount, decimals))


def ten_decimals(amount: int, decimals: int) -> str:
    """ "-1.5000000000": ten decimals as the plugin's text, and all of them where a coin has more."""
    whole, _, fraction = money.plain(amount, decimals).partition(".")
    return f"{whole}.{fraction.ljust(10, '0')}"


def moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S")


def success(request: HttpRequest, **payload: Any) -> HttpResponse:
    return _respond(request, {**payload, "result": "success"}, 200)


def error(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    body = {**refusal.payload, "result": "error", "code": refusal.code, "message": refusal.message}
    return _respond(request, body, refusal.status)


def _respond(request: HttpRequest, body: dict[str, Any], status: int) -> HttpResponse:
    # PHP's json_encode escapes slashes; they stand in strings only.
    text = _ENCODER.encode(body).replace("/", "\\/").encode("ascii")
    response = HttpResponse(content_type=CONTENT_TYPE, status=status)
    if len(text) > SMALLEST_ZIPPED and "gzip" in request.headers.get("Accept-Encoding", ""):
        text = compress_string(text, max_random_bytes=100)
        response["Content-Encoding"] = "gzip"
        response["Vary"] = "Accept-Encoding"
    if request.method != "HEAD":
        response.content = text
    return response


def never_cached(response: HttpResponse) -> HttpResponse:
    """The headers of everything but notify and do_cron."""
    date = http_date(now().timestamp())
    response["Expires"] = response["Last-Modified"] = date
    response["Pragma"] = "no-cache"
    response["Cache-Control"] = "no-store, must-revalidate"
    return response


def private(response: HttpResponse) -> HttpResponse:
    """For get_transactions, which the plugin lets every cache keep for 30 s: the list was stale after each move."""
    response["Cache-Control"] = "private, no-store"
    return response
