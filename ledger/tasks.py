"""The queue's entry points: ids only, and each may run 0, 1 or 5 times."""

from __future__ import annotations

import time
from typing import Final

from django.core.cache import cache

from accounts import helping
from adapters.models import Wallet
from ledger import pokes
from ledger.drains import chores as chores_drain
from ledger.drains import mail as mail_drain
from ledger.drains import pay as pay_drain
from ledger.drains import rates as rates_drain
from ledger.drains import reconcile as reconcile_drain
from ledger.drains import scan as scan_drain
from ledger.drains import webhooks as webhooks_drain
from ledger.drains.clock import new_work_for
from ledger.drains.tidy import tidy_when_due
from ledger.models import CoinWallet
from ledger.pokes import enqueue
from ledger.services import lifecycle, limit_changes

__all__ = [
    "beat",
    "books",
    "chores",
    "enqueue",
    "look",
    "mail",
    "pay",
    "rates",
    "reconcile",
    "scan",
    "sweep",
    "webhooks",
]

HEARTBEAT: Final = "wallets:heartbeat"
DAY: Final = 86_400
BOOKS_SECONDS: Final = 2  # for each half of the bookkeeping at a sweep


def beat() -> None:
    """Shows the parent process that the cluster works."""
    pokes.started("beat")
    cache.set(HEARTBEAT, time.time(), DAY)


def sweep() -> None:
    """Makes good every lost poke: all wallets, each in a task of its own so that no node slows another coin."""
    pokes.started("sweep")
    cache.set(HEARTBEAT, time.time(), DAY)
    lifecycle.release_waited()
    lifecycle.expire_unconfirmed()
    helping.carry_out_due()
    limit_changes.apply_due()
    tidy_when_due()
    if mail_drain.has_work():
        enqueue("mail")
    if rates_drain.is_due():
        enqueue("rates")
    if webhooks_drain.has_work():
        enqueue("webhooks")
    for use in CoinWallet.objects.select_related("coin", "wallet"):
        enqueue("scan", use.wallet_id)
        if pay_drain.has_work(use):
            enqueue("pay", use.wallet_id)
        enqueue("chores", use.wallet_id)
    for coin_id in reconcile_drain.due_coins():
        enqueue("reconcile", coin_id)
    enqueue("books")


def books() -> None:
    """What needs no node, a few seconds at a time: deposits and payouts must not wait for it."""
    pokes.started("books")
    with new_work_for(BOOKS_SECONDS):
        chores_drain.roll_up()
    with new_work_for(BOOKS_SECONDS):
        reconcile_drain.keep_books()


def scan(wallet_id: int) -> None:
    pokes.started("scan", wallet_id)
    scan_drain.scan(wallet_id)


def look(wallet_id: int, address_id: int) -> None:
    pokes.started("look", wallet_id, address_id)
    scan_drain.look(wallet_id, address_id)


def pay(wallet_id: int) -> None:
    pokes.started("pay", wallet_id)
    pay_drain.pay(wallet_id)


def reconcile(coin_id: int) -> None:
    pokes.started("reconcile", coin_id)
    reconcile_drain.reconcile(coin_id)


def mail() -> None:
    pokes.started("mail")
    mail_drain.deliver()


def rates() -> None:
    pokes.started("rates")
    rates_drain.refresh()


def webhooks() -> None:
    pokes.started("webhooks")
    webhooks_drain.deliver()


def chores(wallet_id: int) -> None:
    pokes.started("chores", wallet_id)
    if Wallet.objects.filter(pk=wallet_id).exists():
        chores_drain.chores(wallet_id)
