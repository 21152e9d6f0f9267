from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import proof as step_up
from accounts.capabilities import Capability
from accounts.stepup import reauthenticate_redirect
from ledger import queries, statements
from ledger.forms import ActivityFilters
from ledger.models import Operation
from ledger.services import lifecycle, news, proofs, waiting
from ledger.views.http import needs, number, person, posted_key
from wallets_site.base.errors import ProofRequired, WalletError
from wallets_site.base.ids import new_key


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def activity(request: HttpRequest) -> HttpResponse:
    coins = queries.coins()
    filters = ActivityFilters(request.GET, coins=coins)
    before = number(request.GET.get("before", ""))
    live_version = news.version(person(request))
    page = queries.activity(person(request), wanted=filters.wanted, before=before)
    older = urlencode({**filters.chosen, "before": str(page.next_before)}) if page.next_before else ""
    context = {"filters": filters, "operations": page.operations, "older": older, "newest": urlencode(filters.chosen)}
    more = {"before": before, "section": "activity", "live_version": live_version if before is None else ""}
    return render(request, "ledger/activity.html", {**context, **more})


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def activity_live(request: HttpRequest) -> HttpResponse:
    """The newest page of the same filters, for a page that stays open."""
    filters = ActivityFilters(request.GET, coins=queries.coins())
    page = queries.activity(person(request), wanted=filters.wanted)
    context = {"operations": page.operations, "newest": urlencode(filters.chosen)}
    return render(request, "ledger/parts/activity.html", context)


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Exactly what the filter shows, all pages of it, in machine formats."""
    filters = ActivityFilters(request.GET, coins=queries.coins())
    lines = statements.csv_operations(person(request), filters.wanted)
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="activity.csv"'
    return answer


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def operation(request: HttpRequest, pk: int) -> HttpResponse:
    live_version = news.version(person(request))
    shown = queries.operation(person(request), pk)
    more = {"live_version": live_version, "section": "activity"}
    return render(request, "ledger/operation.html", {**_context(shown), **more})


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def live(request: HttpRequest, pk: int) -> HttpResponse:
    context = _context(queries.operation(person(request), pk))
    return render(request, "ledger/parts/operation.html", context)


@require_safe
@needs(Capability.LIST_TRANSACTIONS)
def proof(request: HttpRequest, pk: int) -> HttpResponse:
    """What the payer shows to somebody who says that nothing came."""
    shown = queries.operation(person(request), pk)
    context = {"operation": shown, "coin": shown.coin, "proof": proofs.proof_of(shown), "section": "activity"}
    return render(request, "ledger/proof.html", context)


@require_POST
@needs(Capability.LIST_TRANSACTIONS)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner's own note on it, which nobody else sees."""
    try:
        lifecycle.write_note(user=person(request), operation_id=pk, note=request.POST.get("note", ""))
    except WalletError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, _("Your note is saved."))
    return redirect("operation", pk=pk)


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
        messages.success(request, _("The payment is cancelled and the coins are back in your balance."))
    return redirect("operation", pk=pk)


@require_POST
@needs(Capability.LIST_TRANSACTIONS)
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a rule wants the owner's second factor of a payment that a program asked for."""
    user, here = person(request), reverse("operation", args=[pk])
    try:
        lifecycle.confirm_with_factor(user=user, operation_id=pk, proof=step_up.of_request(request))
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=here)
    except WalletError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, _("Confirmed."))
    return redirect(here)


def _context(shown: Operation) -> dict[str, Any]:
    return {
        "steps": queries.timeline(shown),
        "waiting": waiting.explain(shown),
        "wants_factor": waiting.wants_factor(shown),
        "cancellable": queries.can_cancel(shown),
        "explorer": _explorer(shown),
        "provable": proofs.can_be_proven(shown),
        "operation": shown,
        "coin": shown.coin,
        "key": new_key(),
    }


def _explorer(shown: Operation) -> str:
    """Where to see the transaction outside; nothing unless the manager gave an https address."""
    address = shown.coin.explorer_tx
    known = shown.txid and address.startswith("https://") and "{txid}" in address
    return address.replace("{txid}", quote(shown.txid, safe="")) if known else ""
