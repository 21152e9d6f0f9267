from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from wallets_site.base.errors import WalletError

_KEY_IN_QUERY = re.compile(r"(?<![^&])api-key=([^&]*)")
_KEY_IN_TEXT = re.compile(r"(api-key=|/ws/)[^&/?]*")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Headers:
    """Only known methods come in; no page of ours is kept by a cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response


class HiddenKeys:
    """Keys that came in a query go into a header, and out of what logs and error reports will say of the request.

    LNbits clients may send `api-key`; a websocket address holds its key in the path.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if request.path.startswith("/lnbits/"):
            if found := _KEY_IN_QUERY.search(query):
                request.META.setdefault("HTTP_X_API_KEY", found[1])
                request.META["QUERY_STRING"] = _KEY_IN_QUERY.sub("api-key=hidden", query)
            if "RAW_URI" in request.META:  # what gunicorn logs
                request.META["RAW_URI"] = _KEY_IN_TEXT.sub(r"\1hidden", request.META["RAW_URI"])
        return self.get_response(request)


class WalletErrors:
    """A refusal that no view turned into a form error becomes a page that says what to do next."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, WalletError):
            return None
        return render(request, "refused.html", {"error": exception}, status=exception.status)
