"""What everybody may see: which coins work, what is owed, and the head of the books' chain."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.capabilities import Capability
from ledger import queries, statements
from ledger.models import Coin, SolvencyCheck
from ledger.services import liabilities, seals, states
from ledger.services import rates as rates_of
from ledger.views.http import needs, person


def _row(coin: Coin) -> dict[str, Any]:
    tree = liabilities.latest(coin)
    check = SolvencyCheck.objects.filter(coin=coin).order_by("-pk").first()
    return {"coin": coin, "state": states.current_state(coin), "tree": tree, "check": check}


@require_safe
@login_not_required
def status(request: HttpRequest) -> HttpResponse:
    rows = [_row(coin) for coin in queries.coins()]
    return render(request, "ledger/status.html", {"rows": rows, "head": seals.head()})


@require_safe
@login_not_required
def rates(request: HttpRequest) -> HttpResponse:
    """What each coin is worth, for everybody to see."""
    user = request.user if request.user.is_authenticated else None
    asked = request.GET.get("in", "").upper()
    currency = asked if asked in settings.WALLETS_CURRENCIES else rates_of.currency_of(user)
    known = rates_of.current(currency)
    rows = [{"coin": coin, "worth": known[coin.pk]} for coin in queries.coins() if coin.pk in known]
    shown = {"rows": rows, "currency": currency, "currencies": settings.WALLETS_CURRENCIES}
    return render(request, "ledger/rates.html", shown)


@require_safe
@login_not_required
def root(request: HttpRequest, symbol: str) -> JsonResponse:
    """The newest root of a coin's liabilities, the same for everybody."""
    coin = queries.coin(symbol)
    tree = liabilities.latest(coin)
    found = {"root": tree.root, "total": str(tree.total), "made": tree.created_at.isoformat()} if tree else {}
    return JsonResponse({"coin": coin.symbol, "decimals": coin.decimals, **found})


@require_safe
@needs(Capability.HAS_WALLETS)
def my_proof(request: HttpRequest, symbol: str) -> JsonResponse:
    coin = queries.coin(symbol)
    answer = JsonResponse(liabilities.proof_for(person(request), coin), json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="proof-{coin.symbol}.json"'
    return answer


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def my_statement(request: HttpRequest, symbol: str) -> StreamingHttpResponse:
    """Every line of this person's account with the balance after it, exact to the last digit."""
    coin = queries.coin(symbol)
    account = statements.account_of(person(request), coin)
    answer = StreamingHttpResponse(statements.csv_statement(account), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="statement-{coin.symbol}.csv"'
    return answer
