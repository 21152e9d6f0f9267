from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.capabilities import Capability, may
from accounts.models import User
from ledger import nodes, queries
from ledger.forms import LabelForm, RequestedAmountForm
from ledger.models import Coin
from ledger.services import news
from ledger.services.addresses import assign_address, rename_address
from ledger.services.faucet import send_test_coins
from ledger.views import invoices
from ledger.views.http import needs, person, posted_key
from wallets_site.base.errors import WalletError
from wallets_site.base.ids import new_key


@require_safe
@needs(Capability.HAS_WALLETS)
def receive(request: HttpRequest, symbol: str) -> HttpResponse:
    user, coin = person(request), queries.coin(symbol)
    if nodes.has_invoices(coin):
        return invoices.overview(request, coin)
    live_version = news.version(user)
    addresses = queries.addresses(user, coin)
    form = RequestedAmountForm(request.GET if "amount" in request.GET else None, coin=coin)
    amount = form.cleaned_data["amount"] if form.is_valid() else None
    context = {
        "coin": coin,
        "coins": queries.coins(),
        "state": queries.balance(user, coin).state,
        "address": addresses[0] if addresses else None,
        "older": addresses[1:],
        "form": form,
        "amount": amount,
        "uri": nodes.payment_uri(addresses[0], amount) if addresses else "",
        "extra": nodes.extra_words(coin),
        "final": nodes.is_final_at_once(coin),
        "faucet": nodes.can_give_test_coins(coin),
        "may_make": may(user, Capability.GENERATE_ADDRESS),
        "key": new_key(),
        "live_version": live_version,
        **_watched(user, coin),
    }
    return render(request, "ledger/receive.html", context)


@require_safe
@needs(Capability.HAS_WALLETS)
def live(request: HttpRequest, symbol: str) -> HttpResponse:
    return render(request, "ledger/parts/incoming.html", _watched(person(request), queries.coin(symbol)))


def _watched(user: User, coin: Coin) -> dict[str, Any]:
    """Payments on their way, and the newest one that arrived."""
    incoming = queries.incoming(user, coin)
    arrived = queries.activity(user, coin=coin, kind="deposit", status="done", limit=1).operations
    return {
        "coin": coin,
        "incoming": incoming,
        "arrived": arrived[0] if arrived else None,
    }


@require_POST
@needs(Capability.GENERATE_ADDRESS)
def new_address(request: HttpRequest, symbol: str) -> HttpResponse:
    coin = queries.coin(symbol)
    try:
        assign_address(user=person(request), coin=coin, key=posted_key(request))
    except WalletError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, _("Here is your new %(name)s address. The ones before it keep working.") % {"name": coin.name}
        )
    return redirect("receive", symbol=symbol)


@require_POST
@needs(Capability.HAS_WALLETS)
def label(request: HttpRequest, symbol: str, pk: int) -> HttpResponse:
    form = LabelForm(request.POST)
    if form.is_valid():
        rename_address(user=person(request), address_id=pk, label=form.cleaned_data["label"])
        messages.success(request, _("The label is saved."))
    else:
        messages.error(request, _("A label has at most 60 characters."))
    return redirect("receive", symbol=symbol)


@require_POST
@needs(Capability.HAS_WALLETS)
def test_coins(request: HttpRequest, symbol: str) -> HttpResponse:
    coin = queries.coin(symbol)
    try:
        send_test_coins(user=person(request), coin=coin, key=posted_key(request))
    except WalletError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Test coins are on their way. They show up on this page within seconds."))
    return redirect("receive", symbol=symbol)
