from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.capabilities import Capability, may
from accounts.models import User
from ledger import queries
from ledger.views.http import needs, person
from wallets_site.base.ids import new_key

NEWEST = 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where everybody lands: balances and the newest activity, or what to do first."""
    user = person(request)
    if not may(user, Capability.HAS_WALLETS):
        return render(request, "ledger/no_wallets.html", {"section": "home"})
    return render(request, "ledger/home.html", {**_context(user), "version": queries.version(user), "section": "home"})


@require_safe
@needs(Capability.HAS_WALLETS)
def live(request: HttpRequest) -> HttpResponse:
    user = person(request)
    version = queries.version(user)
    if request.GET.get("v") == version:
        return HttpResponse(status=204)
    return render(request, "ledger/parts/home.html", {**_context(user), "version": version})


def _context(user: User) -> dict[str, Any]:
    balances = queries.balances(user)
    operations = queries.activity(user, limit=NEWEST).operations if may(user, Capability.LIST_TRANSACTIONS) else []
    started = bool(operations) or any(each.total or each.incoming for each in balances)
    return {"balances": balances, "operations": operations, "started": started, "key": new_key()}
