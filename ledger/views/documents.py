"""Papers to print: the receipt of an operation and a month's statement."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.capabilities import Capability
from ledger import queries
from ledger.services import documents
from ledger.views.http import needs, person
from wallets_site.base.clock import now
from wallets_site.base.errors import NotFound


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    shown = queries.operation(person(request), pk)
    return render(request, "ledger/receipt.html", {"operation": shown, "coin": shown.coin, "now": now()})


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def index(request: HttpRequest) -> HttpResponse:
    user, rows = person(request), []
    for coin in queries.coins():
        try:
            rows.append({"coin": coin, "months": documents.months(user, coin)})
        except NotFound:
            continue
    return render(request, "ledger/statements.html", {"rows": [row for row in rows if row["months"]]})


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def statement(request: HttpRequest, symbol: str, month: str) -> HttpResponse:
    shown = documents.statement(person(request), queries.coin(symbol), month)
    return render(request, "ledger/statement.html", {"statement": shown, "coin": shown.coin, "now": now()})
