"""House-keeping: addresses ready in the pool, queues rolled up, what the node wallet itself needs."""

from __future__ import annotations

import logging

from adapters import registry
from adapters.base import CoinAdapter, Feature, NodeError
from adapters.models import Wallet
from ledger import locks, posting, queries
from ledger.drains import pay
from ledger.drains.clock import Budget
from ledger.drains.scan import Watch
from ledger.models import CoinWallet
from ledger.services import addresses, payouts, recovery

log = logging.getLogger(__name__)


def roll_up() -> int:
    """Bring every shared account up to date; how many queue rows that took."""
    budget, taken = Budget(), 0
    for account_id in list(queries.shared_accounts_with_queue()):
        while budget.left and (rows := posting.roll_up(account_id)):
            taken += rows
    return taken


def chores(wallet_id: int) -> None:
    with locks.exclusive(f"chores:{wallet_id}") as mine:
        if not mine:
            return
        recovery.look()
        use = CoinWallet.objects.select_related("coin", "wallet").get(wallet_id=wallet_id)
        if use.wallet.state != Wallet.State.OK or not use.is_active:
            return
        try:
            fill_pool(use)
            _node_chore(use)
        except NodeError as error:
            log.warning("chores of wallet %s: %s", use.wallet.name, error)


def fill_pool(use: CoinWallet) -> int:
    """Ask the node for addresses until the pool is full; how many were stored. Invoices are made when asked for."""
    adapter, budget, stored = registry.open(use.wallet), Budget(), 0
    if Feature.INVOICE in adapter.features:
        return 0
    for _ in range(addresses.missing_from_pool(use)):
        if not budget.left:
            break
        if not adapter.has_address_for(addresses.next_number(use.wallet_id)):
            log.warning("wallet %s has no address ready for its pool", use.wallet.name)
            break
        number = addresses.allot_number(use.wallet_id)
        made = adapter.new_address(addresses.request_for(number))
        if addresses.store(use, number, made) is None:
            log.error("wallet %s gave an address that was given before", use.wallet.name)
        else:
            stored += 1
    return stored


def _node_chore(use: CoinWallet) -> None:
    """A consolidation or split goes the same road as a payout: recorded, looked up, tried, followed."""
    if not payouts.may_prepare(use):
        return
    with locks.exclusive(f"pay:{use.wallet_id}") as mine:
        if not mine:
            return
        adapter = registry.open(use.wallet)
        if adapter.tidies:
            _tidy(use, adapter)
        elif not payouts.live(use.wallet) and not payouts.queued(use, 1):
            _one_chore(use, adapter)


def _tidy(use: CoinWallet, adapter: CoinAdapter) -> None:
    """What is under way first, then one chore after another: payouts may wait for exactly these."""
    budget = Budget()
    for row in payouts.live(use.wallet):
        if not budget.left:
            return
        pay.follow(use, adapter, row)
    while budget.left and _one_chore(use, adapter):
        continue


def _one_chore(use: CoinWallet, adapter: CoinAdapter) -> bool:
    known = [payouts.as_tried(row) for row in payouts.live(use.wallet)]
    prepared = adapter.chores(Watch(use.wallet), known)
    if prepared is None:
        return False
    row = pay.record(use, adapter, prepared, [])
    if row is None:
        return False
    pay.follow(use, adapter, row)
    return True
