"""Every few minutes: what the nodes hold against what the books owe, seals, and what has run out."""

from __future__ import annotations

from typing import Final

from accounts import audit_chain
from adapters import registry
from adapters.base import CoinAdapter, NodeDown, NodeError
from ledger import locks
from ledger.drains.clock import Budget
from ledger.drains.scan import Watch
from ledger.models import Coin, CoinWallet
from ledger.services import generation, holds, hot_cap, liabilities, recovery, seals, solvency, wallets
from ledger.services.wallets import first_in

EVERY: Final = 180  # seconds between two checks of a coin
DAY: Final = 86_400


def reconcile(coin_id: int) -> None:
    with locks.exclusive(f"reconcile:{coin_id}") as mine:
        if mine:
            coin = Coin.objects.get(pk=coin_id)
            solvency.check_coin(coin, lambda: nodes_hold(coin))
            hot_cap.look(coin)
            if first_in(DAY, f"liabilities:{coin_id}"):
                liabilities.publish(coin)


def nodes_hold(coin: Coin) -> int:
    """Everything whose keys we hold, retired wallets included. Raises NodeError when one of them cannot say."""
    if recovery.current() is not None:
        raise NodeDown("the database is an older copy, and what it lacks is still being read from the chain")
    total = 0
    for use in CoinWallet.objects.select_related("wallet").filter(coin=coin):
        adapter = registry.open(use.wallet)
        funds = adapter.funds(Watch(use.wallet))
        wallets.record_funds(use.wallet, funds, _ready(adapter))
        total += funds.total
    return total


def _ready(adapter: CoinAdapter) -> int | None:
    try:
        return adapter.ready_outputs()
    except NodeError:
        return None  # said by health already; what is held counts more


def due_coins() -> list[int]:
    """Coins whose last check is a few minutes old."""
    used = CoinWallet.objects.order_by("coin_id").values_list("coin_id", flat=True).distinct()
    return [pk for pk in used if first_in(EVERY, f"reconcile:{pk}")]


def keep_books() -> None:
    """What needs no node."""
    budget = Budget()
    generation.note_progress()
    holds.expire_holds()
    seals.seal_pending(while_true=lambda: budget.left)
    seals.mail_head()
    audit_chain.seal_pending()
