"""Daemons say "something happened". A hint is worth one look, never belief: no node is asked in the request."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ledger import nodes
from ledger.models import CoinWallet
from ledger.pokes import enqueue
from wallets_site.base import crypto

LONGEST: Final = 500
QUIET_SECONDS: Final = 1


@csrf_exempt
@login_not_required
def notify(request: HttpRequest, symbol: str, kind: str, message: str) -> JsonResponse:
    """One queued scan of the coin's wallets; a repeat within a second does nothing. The answer tells nothing."""
    key = "notify:" + crypto.digest({"symbol": symbol[:10], "kind": kind[:20], "message": message[:LONGEST]})
    if len(message) <= LONGEST and cache.add(key, 1, QUIET_SECONDS):
        for use in CoinWallet.objects.select_related("wallet").filter(coin__symbol=symbol.upper()[:10]):
            if nodes.hint(use.wallet, kind, message) is not None:
                enqueue("scan", use.wallet_id)
    return JsonResponse({"result": "success"})
