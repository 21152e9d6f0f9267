from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.capabilities import Capability
from ledger import queries
from ledger.forms import ActivityFilters
from ledger.models import Operation
from ledger.services import lifecycle
from ledger.views.http import fragment, needs, person, posted_key
from wallets_site.base import crypto
from wallets_site.base.errors import WalletError
from wallets_site.base.ids import new_key


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def activity(request: HttpRequest) -> HttpResponse:
    coins = queries.coins()
    filters = ActivityFilters(request.GET, coins=coins)
    before = _number(request.GET.get("before", ""))
    page = queries.activity(
        person(request),
        coin=next((coin for coin in coins if coin.symbol == filters.value("coin")), None),
        kind=filters.value("kind"),
        status=filters.value("status"),
        before=before,
    )
    older = urlencode({**filters.chosen, "before": str(page.next_before)}) if page.next_before else ""
    context = {"filters": filters, "operations": page.operations, "older": older, "newest": urlencode(filters.chosen)}
    return render(request, "ledger/activity.html", {**context, "before": before, "section": "activity"})


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def operation(request: HttpRequest, pk: int) -> HttpResponse:
    shown = queries.operation(person(request), pk)
    return render(request, "ledger/operation.html", {**_context(shown), "section": "activity"})


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def live(request: HttpRequest, pk: int) -> HttpResponse:
    context = _context(queries.operation(person(request), pk))
    return fragment(request, "ledger/parts/operation.html", context)


@require_POST
@needs(Capability.LIST_TRANSACTIONS)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        lifecycle.cancel(user=person(request), operation_id=pk, key=posted_key(request))
    except WalletError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, "The payment is cancelled and the coins are back in your balance.")
    return redirect("operation", pk=pk)


def _context(shown: Operation) -> dict[str, Any]:
    seen = {
        "steps": queries.timeline(shown),
        "waiting_for": queries.waiting_for(shown),
        "cancellable": queries.can_cancel(shown),
        "explorer": _explorer(shown),
    }
    version = crypto.digest({**seen, "status": shown.status, "confirmations": shown.confirmations})[:16]
    return {**seen, "operation": shown, "coin": shown.coin, "key": new_key(), "version": version}


def _explorer(shown: Operation) -> str:
    """Where to see the transaction outside; nothing unless the manager gave an https address."""
    address = shown.coin.explorer_tx
    known = shown.txid and address.startswith("https://") and "{txid}" in address
    return address.replace("{txid}", shown.txid) if known else ""
