"""Reads the chain: pages of transfers from the stored cursor on, then every deposit that may still change."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final, overload

from django.db.models import Case, Q, QuerySet, Value, When

from adapters import registry
from adapters.base import CoinAdapter, Feature, Health, NodeError, Watched
from adapters.models import Wallet
from ledger.drains.alone import alone
from ledger.drains.clock import Budget
from ledger.drains.recovery import settle
from ledger.models import Address, CoinWallet, Dispatch
from ledger.pokes import enqueue
from ledger.services import deposits, recovery, wallets
from wallets_site.base.clock import now

log = logging.getLogger(__name__)
FEW: Final = 20  # deposits that are asked for one by one at every look
MINUTE: Final = 60


INVOICES_KEPT: Final = timedelta(days=16)  # after their expiry: a node may still take a payment for 15 days
SETTLED_KEPT: Final = timedelta(days=2)


class Watch(Sequence[Watched]):
    """The addresses in members' hands, loaded only by an adapter that needs them.

    Of invoices those that may still be paid, and for a while those that the network paid: a node's own list shows them.
    """

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._invoices = Feature.INVOICE in registry.family(wallet.kind).features
        self._rows: list[Watched] | None = None

    def _loaded(self) -> list[Watched]:
        if self._rows is None:
            rows = Address.objects.filter(wallet=self._wallet).exclude(account=None).order_by("pk")
            found: Any = _open_invoices(rows) if self._invoices else rows.annotate(settled=Value(False))
            values = found.values_list("address", "ref", "amount", "expires_at", "settled")
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


def _open_invoices(rows: QuerySet[Address]) -> QuerySet[Address]:
    settled = Q(invoice__paid_at__isnull=False, invoice__inside=False)
    found = rows.filter(amount__isnull=False, expires_at__gt=now() - INVOICES_KEPT)
    found = found.exclude(settled & Q(invoice__paid_at__lt=now() - SETTLED_KEPT))
    return found.annotate(settled=Case(When(settled, then=Value(True)), default=Value(False)))


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
        told: set[str] = set()
        whole = _read_pages(use, adapter, told)
        _ask_again(use, adapter, told)
        settle(use, adapter, whole=whole)
    except NodeError as error:
        wallets.record_health(use.wallet, Health(ok=False, reason=str(error)))
        return False
    return True


def look(wallet_id: int, address_id: int) -> None:
    """One invoice that a notify points at, asked for by its hash."""
    address = Address.objects.select_related("wallet").get(pk=address_id, wallet_id=wallet_id)
    try:
        found = registry.open(address.wallet).transfer(address.ref)
    except NodeError as error:
        log.warning("wallet %s: a hint was not followed: %s", address.wallet.name, error)
        return
    deposits.record_lookup(wallet_id, address.ref, found)


def ask_health(wallet: Wallet, adapter: CoinAdapter) -> bool:
    health = adapter.health()
    wallets.record_health(wallet, health)
    if not health.ok:
        log.warning("node of wallet %s: %s", wallet.name, health.reason)
    return health.ok


def _read_pages(use: CoinWallet, adapter: CoinAdapter, told: set[str]) -> bool:
    """Whether it came to the end. told: gets the txid of each transfer in."""
    budget, cursor, watch = Budget(), use.wallet.cursor, Watch(use.wallet)
    while True:
        page = adapter.transfers(cursor, watch, use.coin.confirmations)
        deposits.record_page(use.wallet_id, page)
        cursor = page.cursor
        told |= {item.txid for item in page.transfers if item.incoming}
        if page.lost:
            wallets.tell_lost_addresses(use.wallet, page.lost)
        if not page.more or not budget.left:
            return not page.more


def _ask_again(use: CoinWallet, adapter: CoinAdapter, told: set[str]) -> None:
    """A vanished deposit is often never reported: each unsettled one that the pages did not tell of is asked for by its
    txid. Where there are many, those that are settled only once a block, so that they hold up no new one."""
    budget, wanted = Budget(), deposits.unsettled(use.wallet_id)
    if len(wanted) > FEW and not wallets.first_in(MINUTE, f"watched:{use.wallet_id}:{use.wallet.height}"):
        wanted = deposits.unsettled(use.wallet_id, watched=False)
    for txid in wanted:
        if not budget.left:
            return
        if txid in told:
            continue
        deposits.record_lookup(use.wallet_id, txid, adapter.transfer(txid))
