"""Reads the chain: pages of transfers from the stored cursor on, then every deposit that may still change."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import overload

from adapters import registry
from adapters.base import CoinAdapter, Health, NodeError, Watched
from adapters.models import Wallet
from ledger.drains.alone import alone
from ledger.drains.clock import Budget
from ledger.drains.recovery import settle
from ledger.models import Address, CoinWallet, Dispatch
from ledger.pokes import enqueue
from ledger.services import deposits, recovery, wallets

log = logging.getLogger(__name__)


class Watch(Sequence[Watched]):
    """The addresses in members' hands, loaded only by an adapter that needs them."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._rows: list[Watched] | None = None

    def _loaded(self) -> list[Watched]:
        if self._rows is None:
            rows = Address.objects.filter(wallet=self._wallet).exclude(account=None).order_by("pk")
            values = rows.values_list("address", "ref", "amount", "expires_at")
            self._rows = [Watched(*row) for row in values]
        return self._rows

    @overload
    def __getitem__(self, index: int) -> Watched: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Watched]: ...
    def __getitem__(self, index: int | slice) -> Watched | Sequence[Watched]:
        return self._loaded()[index]

    def __len__(self) -> int:
        return len(self._loaded())

    def __iter__(self) -> Iterator[Watched]:
        return iter(self._loaded())


def scan(wallet_id: int) -> bool:
    """One look at the chain; whether the node answered. Does nothing while another process looks."""
    answered = alone(f"scan:{wallet_id}", lambda: _look(wallet_id))
    if answered and Dispatch.objects.filter(wallet_id=wallet_id, state=Dispatch.State.LIVE).exists():
        enqueue("pay", wallet_id)
    return answered


def _look(wallet_id: int) -> bool:
    recovery.look()
    use = CoinWallet.objects.select_related("coin", "wallet").get(wallet_id=wallet_id)
    adapter = registry.open(use.wallet)
    if not ask_health(use.wallet, adapter):
        return False
    try:
        whole = _read_pages(use, adapter)
        _ask_again(use, adapter)
        settle(use, adapter, whole=whole)
    except NodeError as error:
        wallets.record_health(use.wallet, Health(ok=False, reason=str(error)))
        return False
    return True


def ask_health(wallet: Wallet, adapter: CoinAdapter) -> bool:
    health = adapter.health()
    wallets.record_health(wallet, health)
    if not health.ok:
        log.warning("node of wallet %s: %s", wallet.name, health.reason)
    return health.ok


def _read_pages(use: CoinWallet, adapter: CoinAdapter) -> bool:
    """Whether it came to the end."""
    budget, cursor, watch = Budget(), use.wallet.cursor, Watch(use.wallet)
    while True:
        page = adapter.transfers(cursor, watch, use.coin.confirmations)
        deposits.record_page(use.wallet_id, page)
        cursor = page.cursor
        if page.lost:
            wallets.tell_lost_addresses(use.wallet, page.lost)
        if not page.more or not budget.left:
            return not page.more


def _ask_again(use: CoinWallet, adapter: CoinAdapter) -> None:
    """A vanished deposit is often never reported: each unsettled one is asked for by its txid."""
    budget = Budget()
    for txid in deposits.unsettled(use.wallet_id):
        if not budget.left:
            return
        deposits.record_lookup(use.wallet_id, txid, adapter.transfer(txid))
