"""While the site can only be read: 503 and the reason to whatever would change something, in each surface's own form.

Services refuse payments by themselves; this speaks for everything else. Signing in goes on, daemons and cron are heard,
and staff can turn the switch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

from ledger.api.errors import CONTENT_TYPE
from ledger.api.lnbits.answers import Refusal, refuse
from ledger.services import switches
from wallets_site.base.errors import SiteReadOnly

READING: Final = ("GET", "HEAD", "OPTIONS")
WAIT: Final = 120
OPEN: Final = frozenset((
    "account_login", "account_logout", "account_reauthenticate", "mfa_authenticate", "mfa_reauthenticate",
    "mfa_login_webauthn", "mfa_reauthenticate_webauthn", "notify", "notify-secret", "wp-login",
    "admin:login", "admin:logout", "admin:switch_off", "admin:switch_confirm",
))  # fmt: skip


class ReadOnly:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        if request.method in READING:
            return None
        found = request.resolver_match
        if found is not None and found.view_name in OPEN:
            return None
        error = switches.read_only()
        return None if error is None else _answer(request, error)


def _answer(request: HttpRequest, error: SiteReadOnly) -> HttpResponseBase:
    response: HttpResponseBase
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "title": "read only", "status": 503, "code": error.code,
                "detail": error.message, "data": error.data}  # fmt: skip
        response = JsonResponse(body, status=503, content_type=CONTENT_TYPE)
    elif request.path.startswith("/lnbits/"):
        response = refuse(Refusal(503, error.message, wait=WAIT))
    else:
        response = render(request, "refused.html", {"error": error}, status=503)
    response["Retry-After"] = str(WAIT)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log each as an error of ours
    return response
