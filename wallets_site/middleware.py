"""What every request passes, whatever answers it: methods, bodies, headers, keys out of sight, refusals as pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from wallets_site.base.errors import WalletError

_KEY_IN_QUERY = re.compile(r"(?<![^&])api-key=([^&]*)")
_SLASHES = re.compile(r"^/lnbits/{2,}")
_KEY_IN_TEXT = re.compile(r"(api-key=|/ws/)[^&/?]*")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# For whatever is no page: shown on its own it loads nothing, runs nothing and cannot be framed.
PLAIN_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
# Their address is a secret: no page they lead to hears more of it than the host. With no-referrer browsers would send
# "Origin: null" with the form, which the CSRF check refuses.
SECRET_PATHS: Final = re.compile(r"/(confirm|confirm-email|invitation|reset/key|freeze)/")
CLEAR: Final = "Sent unencrypted: nothing was done. Use https, and renew this key: others may have read it on its way."


class Headers:
    """The outermost: its headers are on every answer, errors included. Only known methods and plain bodies come in.

    A program's key that came unencrypted to a site with https is refused, not redirected: a redirect would hide from
    its owner that everybody on the way can read it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.always, self.page_policy, self.logout = _always(), _page_policy(), reverse("account_logout")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = _refusal(request) or self.get_response(request)
        headers = response.headers
        for name, value in self.always.items():
            headers.setdefault(name, value)
        if not headers.get("Content-Type", "").startswith("text/html"):
            headers["Content-Security-Policy"] = PLAIN_POLICY
        else:
            headers.setdefault("Content-Security-Policy", self.page_policy)
        if SECRET_PATHS.search(request.path) and headers["Referrer-Policy"] != "no-referrer":
            headers["Referrer-Policy"] = "origin"
        if settings.HTTPS and request.method == "POST" and request.path == self.logout:
            headers["Clear-Site-Data"] = '"storage"'
        return response


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        return _told(415, "Send the request as it is: no compressed body is read.")
    if settings.HTTPS and _carries_key(request) and not request.is_secure():
        return _told(403, CLEAR)
    return None


def _told(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"status": status, "detail": detail}, status=status)


def _carries_key(request: HttpRequest) -> bool:
    meta = request.META
    if "HTTP_AUTHORIZATION" in meta or "HTTP_X_API_KEY" in meta:
        return True
    query = meta.get("QUERY_STRING", "")
    return "api-key=" in query or "__wallets_api_key" in query


def _always() -> dict[str, str]:
    found = {
        "Cache-Control": "no-store, private",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings.SECURE_HSTS_SECONDS:
        preload = "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        found["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains{preload}"
    return found


def _page_policy() -> str:
    """As django-csp writes it, for errors that never came to it."""
    directives: dict[str, list[str]] = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


class HiddenKeys:
    """Keys that came in a query go into a header, and out of what logs and error reports will say of the request.

    LNbits clients may send `api-key`; a websocket address holds its key in the path. A base URL that ends with a slash
    doubles the next one: proxies before LNbits merge the two, and so does this.
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
            request.path = request.path_info = _SLASHES.sub("/lnbits/", request.path)
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
