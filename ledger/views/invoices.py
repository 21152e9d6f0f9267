"""Receiving a coin of invoices: ask for an amount, show its code until it is paid or expires, list them all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.capabilities import Capability, may
from ledger import nodes, queries
from ledger.forms import InvoiceForm
from ledger.models import Coin
from ledger.services import invoices, news
from ledger.services.faucet import pay_invoice_with_test_coins
from ledger.views.http import field_of, needs, person, posted_key
from wallets_site.base.errors import WalletError
from wallets_site.base.ids import new_key


def overview(request: HttpRequest, coin: Coin, form: InvoiceForm | None = None, key: str = "") -> HttpResponse:
    """The receive page of such a coin: the form, and the invoices asked for before. Called by its view."""
    user = person(request)
    before = request.GET.get("before", "")
    listed = invoices.listed(user=user, coin=coin, before=int(before) if before.isdecimal() else None)
    initial = {name: request.GET.get(name, "") for name in ("amount", "memo") if request.GET.get(name)}
    context = {
        "coin": coin,
        "coins": queries.coins(),
        "state": queries.balance(user, coin).state,
        "form": form or InvoiceForm(coin=coin, initial=initial),
        "listed": listed,
        "paged": bool(before),
        "may_make": may(user, Capability.GENERATE_ADDRESS),
        "key": key or new_key(),
        "live_version": news.version(user),
    }
    return render(request, "ledger/receive_invoice.html", context)


@require_POST
@needs(Capability.GENERATE_ADDRESS)
def new_invoice(request: HttpRequest, symbol: str) -> HttpResponse:
    coin, key = queries.coin(symbol), posted_key(request)
    form = InvoiceForm(request.POST, coin=coin)
    if form.is_valid():
        said = form.cleaned_data
        try:
            made = invoices.ask(
                user=person(request), coin=coin, amount=said["amount"], memo=said["memo"],
                expires_in=int(said["lifetime"]), key=key,
            )  # fmt: skip
        except WalletError as error:
            form.add_error("amount" if field_of(error) == "amount" else None, error.message)
        else:
            return redirect("invoice", symbol=coin.symbol, payment_hash=made.payment_hash)
    return overview(request, coin, form, key)


@require_safe
@needs(Capability.HAS_WALLETS)
def invoice(request: HttpRequest, symbol: str, payment_hash: str) -> HttpResponse:
    user, coin = person(request), queries.coin(symbol)
    context = {"coins": queries.coins(), "live_version": news.version(user)}
    return render(request, "ledger/invoice.html", {**context, **_shown(request, coin, payment_hash)})


@require_safe
@needs(Capability.HAS_WALLETS)
def live(request: HttpRequest, symbol: str, payment_hash: str) -> HttpResponse:
    return render(request, "ledger/parts/invoice.html", _shown(request, queries.coin(symbol), payment_hash))


def _shown(request: HttpRequest, coin: Coin, payment_hash: str) -> dict[str, Any]:
    found = invoices.own(user=person(request), payment_hash=payment_hash)
    return {
        "coin": coin,
        "invoice": found,
        "uri": nodes.payment_uri(found.address, None),
        "faucet": nodes.can_give_test_coins(coin),
    }


@require_POST
@needs(Capability.HAS_WALLETS)
def test_coins(request: HttpRequest, symbol: str, payment_hash: str) -> HttpResponse:
    """Where the network is a simulated one, it pays the invoice itself."""
    try:
        pay_invoice_with_test_coins(user=person(request), payment_hash=payment_hash)
    except WalletError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The test network pays this invoice. It shows as paid within seconds."))
    return redirect("invoice", symbol=symbol, payment_hash=payment_hash)
