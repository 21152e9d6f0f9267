"""The wire form of the WordPress API v3, as plugin 4.3.1 gives it: the envelope, exact numbers, cache headers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date
from django.utils.text import compress_string

from ledger import money
from wallets_site.base.clock import now

CONTENT_TYPE: Final = "application/json; charset=UTF-8"
SMALLEST_ZIPPED: Final = 500

# Codes of the plugin.
COINS_INFO, TRANSACTIONS, WITHDRAW, MOVE = -102, -103, -104, -105
NOT_LOGGED_IN, NOT_ALLOWED, UNSPECIFIED, LEGACY_OFF = -106, -107, 0, 403


class Refusal(Exception):
    """An error of the API: HTTP 200 but for those that say "not logged in" or "this version is off"."""

    def __init__(self, code: int, message: str, *, status: int = 200, **payload: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.payload = code, message, status, payload


def ten_decimals(amount: int, decimals: int) -> str:
    """ "-1.5000000000": ten decimals as the plugin's text, and all of them where a coin has more."""
    whole, _, fraction = money.plain(amount, decimals).partition(".")
    return f"{whole}.{fraction.ljust(10, '0')}"


def moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S")


def success(request: HttpRequest, **payload: Any) -> HttpResponse:
    return respond(request, json.dumps({**payload, "result": "success"}, separators=(",", ":")))


def error(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    body = {**refusal.payload, "result": "error", "code": refusal.code, "message": refusal.message}
    return respond(request, json.dumps(body, separators=(",", ":")), refusal.status)


def respond(request: HttpRequest, text: str, status: int = 200) -> HttpResponse:
    """text: JSON in ASCII."""
    # PHP's json_encode escapes slashes; they stand in strings only.
    body = text.replace("/", "\\/").encode("ascii")
    response = HttpResponse(content_type=CONTENT_TYPE, status=status)
    if len(body) > SMALLEST_ZIPPED and "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", ""):
        body = compress_string(body, max_random_bytes=100)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    if request.method != "HEAD":
        response.content = body
    response.headers["Content-Length"] = str(len(body))
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
