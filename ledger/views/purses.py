"""Purses: accounts for programs, with LNbits keys. Each page shows its keys only to who proves who they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import keys, proof
from accounts.capabilities import Capability, may
from accounts.stepup import reauthenticate_redirect
from ledger.api.lnbits.shapes import ident_of
from ledger.forms import PurseForm, SatsForm
from ledger.models import Purse
from ledger.services import purse_payments, purses, webhooks
from ledger.services.purse_payments import ALL
from ledger.views.http import needs, person, posted_key
from wallets_site.base.errors import ProofRequired, WalletError
from wallets_site.base.ids import new_key

PAGE = 20


@require_safe
@needs(Capability.USE_API)
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "ledger/purses.html", _list_context(request, PurseForm()))


def _list_context(request: HttpRequest, form: PurseForm) -> dict[str, Any]:
    user = person(request)
    managed = purses.managed_people(user) if may(user, Capability.MANAGE_API_USERS) else None
    total = managed.count() if managed is not None else 0
    return {
        "lightning": purses.has_lightning(),
        "purses": purses.of(user),
        "closed": purses.of(user, closed=True),
        "form": form,
        "managed": list(managed.order_by("-pk")[:PAGE]) if managed is not None else [],
        "managed_more": total if total > PAGE else 0,
    }


@require_POST
@needs(Capability.USE_API)
def create(request: HttpRequest) -> HttpResponse:
    form = PurseForm(request.POST)
    if form.is_valid():
        try:
            purse = purses.open_purse(user=person(request), name=form.cleaned_data["name"])
        except WalletError as error:
            form.add_error("name", error.message)
        else:
            messages.success(request, _("Your new purse is ready. Its keys wait below."))
            return redirect("purse", ident=purse.ident)
    return render(request, "ledger/purses.html", _list_context(request, form), status=400)


@require_safe
@needs(Capability.USE_API)
def purse(request: HttpRequest, ident: str) -> HttpResponse:
    return render(request, "ledger/purse.html", _context(request, ident))


def _context(request: HttpRequest, ident: str) -> dict[str, Any]:
    user = person(request)
    found = purses.find(user, ident)
    first = _whole(request.GET.get("from", ""))
    rows = purse_payments.page(found, ALL, limit=PAGE + 1, offset=first)
    return {
        "purse": found,
        "coin": found.account.coin,
        "payments": rows[:PAGE],
        "newer": max(0, first - PAGE) if first else None,
        "older": first + PAGE if len(rows) > PAGE else None,
        "base_url": f"{settings.SITE_URL}/lnbits",
        "usr": ident_of(user.pk),
        "rename": PurseForm(initial={"name": found.name}),
        "fill": SatsForm(),
        "key": new_key(),
    }


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


@require_safe
@needs(Capability.USE_API)
def show_keys(request: HttpRequest, ident: str) -> HttpResponse:
    """The purse's page with its keys on it, for who proved who they are within the last minutes."""
    user = person(request)
    try:
        proof.of_request(request)
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request)
    context = _context(request, ident)
    shown = keys.purse_keys({ident: user})[ident]
    context |= {"admin_key": shown[keys.PURSE_ADMIN], "invoice_key": shown[keys.PURSE_INVOICE]}
    context["webhook_secret"] = webhooks.personal_secret(user.pk)
    return render(request, "ledger/purse.html", context)


@require_POST
@needs(Capability.USE_API)
def rename(request: HttpRequest, ident: str) -> HttpResponse:
    found, form = purses.find(person(request), ident), PurseForm(request.POST)
    if form.is_valid():
        purses.rename(purse=found, name=form.cleaned_data["name"])
        messages.success(request, _("The new name is kept."))
    else:
        messages.error(request, _("A name has 1 to 60 characters."))
    return redirect("purse", ident=ident)


@require_POST
@needs(Capability.USE_API)
def renew_keys(request: HttpRequest, ident: str) -> HttpResponse:
    user = person(request)
    found = purses.find(user, ident)
    try:
        purses.new_keys(purse=found, user=user, proof=proof.of_request(request))
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("purse", args=[ident]))
    messages.success(request, _("Both keys are new. Programs with the old ones must be told."))
    return redirect("purse_keys", ident=ident)


@require_POST
@needs(Capability.USE_API)
def close(request: HttpRequest, ident: str) -> HttpResponse:
    return _done(request, ident, purses.close, _("The purse is closed. Its keys open nothing any more."))


@require_POST
@needs(Capability.USE_API)
def reopen(request: HttpRequest, ident: str) -> HttpResponse:
    return _done(request, ident, purses.reopen, _("The purse is open again, with the keys it had."))


def _done(request: HttpRequest, ident: str, act: Any, said: str) -> HttpResponse:
    found: Purse = purses.find(person(request), ident)
    try:
        act(purse=found)
    except WalletError as error:
        messages.error(request, error.message)
        return redirect("purse", ident=ident)
    messages.success(request, said)
    return redirect("purses") if found.closed_at else redirect("purse", ident=ident)


@require_POST
@needs(Capability.USE_API)
def carry(request: HttpRequest, ident: str) -> HttpResponse:
    """Sats between this purse and its owner's main balance."""
    user, form = person(request), SatsForm(request.POST)
    found = purses.find(user, ident)
    if not form.is_valid():
        messages.error(request, _("Enter a whole number of sats, 1 or more."))
        return redirect("purse", ident=ident)
    try:
        purses.carry(
            purse=found, user=user, sats=form.cleaned_data["sats"], into="out" not in request.POST,
            proof=proof.of_request(request), key=posted_key(request),
        )  # fmt: skip
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("purse", args=[ident]))
    except WalletError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The sats have arrived."))
    return redirect("purse", ident=ident)
