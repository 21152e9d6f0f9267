from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.capabilities import Capability, may
from accounts.models import User
from ledger import queries
from ledger.services import news, rules
from ledger.services.overview import overview
from ledger.views.http import needs, person
from wallets_site.base.ids import new_key

NEWEST = 5


@require_safe
@rules.asked_once()
def home(request: HttpRequest) -> HttpResponse:
    """Where everybody lands: balances and the newest activity, or what to do first."""
    user = person(request)
    if not may(user, Capability.HAS_WALLETS):
        return render(request, "ledger/no_wallets.html", {"section": "home"})
    shown = {"live_version": news.version(user), "section": "home"}
    return render(request, "ledger/home.html", {**shown, **_context(user)})


@require_safe
@needs(Capability.HAS_WALLETS)
def live(request: HttpRequest) -> HttpResponse:
    """The part of it that changes."""
    return render(request, "ledger/parts/home.html", _context(person(request)))


def _context(user: User) -> dict[str, Any]:
    found = overview(user)
    operations = queries.activity(user, limit=NEWEST).operations if may(user, Capability.LIST_TRANSACTIONS) else []
    return {
        "overview": found, "operations": operations, "started": bool(operations) or bool(found.held),
        "first": next((card.balance.coin for card in [*found.held, *found.cards]), None), "key": new_key(),
        "sends": next((card.balance.coin for card in found.held if card.balance.available), None),
    }  # fmt: skip
