"""The link of a confirmation mail: a page on GET, confirmed on POST, so that no mail scanner confirms anything."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ledger.models import Operation
from ledger.services import confirmations, lifecycle, site_settings
from wallets_site.base.errors import WalletError

BAD_FORMAT = gettext_noop("The confirmation nonce is not in the correct format. Check your link and try again")
GONE = gettext_noop("The transaction to be confirmed was not found or it has already been confirmed.")
DONE = gettext_noop("You have successfully confirmed your transaction and it will be processed soon.")
WAITS = gettext_noop(
    "You have successfully confirmed your transaction. It will be processed once an administrator confirms it too."
)


def page(request: HttpRequest, token: str) -> HttpResponse:
    """Who holds the link need not be signed in, and may read what it is about."""
    if confirmations.TOKEN.fullmatch(token) is None:
        return _said(request, BAD_FORMAT, 400)
    if request.method == "POST":
        return _confirm(request, token)
    found = confirmations.find(token)
    if found is None:
        return _said(request, GONE, 410)
    return _private(render(request, "ledger/confirm.html", {"operation": found, "coin": found.coin, "token": token}))


def _confirm(request: HttpRequest, token: str) -> HttpResponse:
    try:
        row = lifecycle.confirm_by_mail(token=token)
    except WalletError as error:
        return _said(request, error.message, 410)
    response = _said(request, WAITS if row.status == Operation.Status.UNCONFIRMED else DONE, 200)
    site = site_settings.current()
    if site.confirm_redirect_url:
        response.headers["Refresh"] = f"{site.confirm_redirect_seconds}; url={site.confirm_redirect_url}"
    return response


def _said(request: HttpRequest, message: str, status: int) -> HttpResponse:
    return _private(render(request, "ledger/confirm.html", {"message": _(message), "ok": status == 200}, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"  # the address is the secret
    return response
