"""The way to a fresh Proof: where a page sends somebody whose Proof is missing or too old."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import urlencode


def reauthenticate_redirect(request: HttpRequest, *, back: str = "") -> HttpResponseRedirect:
    """To the page that asks for the strongest factor, and from there by GET to `back` (default: this page).

    Nothing of a POST is kept or sent again: put what was typed into `back` (a signed quote in its query),
    and the person finds the review page as it was and presses the button once more.
    """
    request.session.pop(STATE_SESSION_KEY, None)
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    if not methods:
        return redirect("account_reset_password")
    return redirect(f"{methods[0]['url']}?{urlencode({'next': back or request.get_full_path()})}")
