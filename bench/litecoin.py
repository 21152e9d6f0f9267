"""A real litecoind: how soon a payment is seen and credited, and in how many transactions a full queue leaves."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction

from bench.report import Report, say
from ledger import posting
from ledger.drains import pay, scan
from ledger.models import Account, Coin, CoinWallet, Dispatch, Kind, Operation, SiteSettings, Withdrawal
from ledger.services import addresses, site_settings, wallets
from tests.devnet.devnet import Devnet
from tests.devnet.litecoin import Litecoin
from tests.support.databases import Database
from tests.support.factories import make_user
from tests.support.processes import wait_for
from tests.support.running import RunningSite

PAYMENTS = 40
MOST_SECONDS = 1
QUEUED = 1_000
AMOUNT = 100_000
SHARE = 0.95


@contextmanager
def _net(notify_url: str = "") -> Iterator[Litecoin]:
    with tempfile.TemporaryDirectory() as folder:
        net = Devnet(Path(folder), notify_url=notify_url)
        net.start(["ltc"])
        try:
            yield net.ltc
        finally:
            net.stop(["ltc"])


def _connect(litecoin: Litecoin, symbol: str, confirmations: int, **more: int) -> CoinWallet:
    coin = Coin.objects.create(symbol=symbol, name="Litecoin", decimals=8, confirmations=confirmations, pool_size=1)
    litecoin.load(symbol)
    options = litecoin.options(symbol, **more)
    return wallets.connect(coin=coin, name=symbol, kind="bitcoinlike", options=options)


def run(report: Report, database: Database) -> None:
    """In the database that is in use now."""
    # With the product's own beat: a hint that went amiss would cost ten seconds.
    site = RunningSite(database, beat=10, WALLETS_GENERATION_FILE=str(settings.GENERATION_FILE))
    try:
        with _net(f"{site.url}/wallets/notify/LTN/{{kind}}/{{id}}") as litecoin:
            notify(report, litecoin)
    finally:
        site.stop()
    with _net() as litecoin:
        full_queue(report, litecoin, "LTD", site_settings.current().cron_batch_size, "queue_default")
        full_queue(report, litecoin, "LTQ", QUEUED, "queue")


def notify(report: Report, litecoin: Litecoin) -> None:
    use = _connect(litecoin, "LTN", 0)
    person = make_user("quick")
    address = addresses.assign_address(user=person, coin=use.coin, key="bench").address
    seen, credited = [], []
    for number in range(PAYMENTS):
        started = time.monotonic()
        txid = litecoin.fund(address, "0.01")
        rows = Operation.objects.filter(user=person, txid=txid)
        wait_for(f"payment {number} to be seen", rows.exists, pause=0.01)
        seen.append(time.monotonic() - started)
        wait_for(f"payment {number} to be credited", rows.filter(status="done").exists, pause=0.01)
        credited.append(time.monotonic() - started)
        if number % 10 == 9:
            litecoin.mine(1)
    where = f"litecoind 0.21, walletnotify by curl, PostgreSQL, 2 workers, {PAYMENTS} payments one after another, p95"
    for name, times in (("notify_visible", seen), ("notify_credited", credited)):
        value = sorted(times)[int(SHARE * len(times)) - 1]
        report.add(name, value, "s", goal=MOST_SECONDS, better="less", conditions=where)


def full_queue(report: Report, litecoin: Litecoin, symbol: str, batch: int, name: str) -> None:
    use = _connect(litecoin, symbol, 1, max_batch=batch)
    person = make_user(f"payer-{symbol.lower()}")
    address = addresses.assign_address(user=person, coin=use.coin, key="bench").address
    for _ in range(3):
        litecoin.fund(address, "1")
    litecoin.mine(1)
    account = posting.account(use.coin, Kind.USER, owner_id=person.pk)
    wait_for("the coins", lambda: scan.scan(use.wallet_id) and _holds(account) == 3 * 10**8)
    say(f"{QUEUED} withdrawals are asked for")
    _ask(use, account, [str(litecoin.outside("getnewaddress")) for _ in range(QUEUED)])
    site_settings.current()
    SiteSettings.objects.update(cron_batch_size=batch)
    started = time.monotonic()
    wait_for("the queue to leave", lambda: pay.pay(use.wallet_id) and _all_sent(use), seconds=300)
    seconds = time.monotonic() - started
    count = Dispatch.objects.filter(wallet=use.wallet).count()
    where = f"{QUEUED} withdrawals to {QUEUED} addresses, litecoind 0.21, PostgreSQL, batches of up to {batch}"
    report.add(f"{name}_transactions", count, "transactions", goal=QUEUED // batch, better="less", conditions=where)
    report.add(f"{name}_seconds", seconds, "s", conditions=f"{where}; until the network has the last one")


def _holds(account: Account) -> int:
    account.refresh_from_db()
    return account.balance


def _ask(use: CoinWallet, account: Account, there: list[str]) -> None:
    """What request_withdrawal() writes, without a quote and a proof for each."""
    held = posting.account(use.coin, Kind.HELD, owner_id=account.owner_id)
    for number, address in enumerate(there):
        with transaction.atomic():
            posted = posting.post(
                kind="withdrawal_reserved", scope="bench", key=f"{use.coin.symbol}-{number}", request={},
                legs=[posting.Leg(account, held, AMOUNT)],
            )  # fmt: skip
            operation = Operation.objects.create(
                user_id=account.owner_id, account=account, coin=use.coin, kind=Operation.Kind.WITHDRAWAL,
                incoming=False, status=Operation.Status.PENDING, gross=AMOUNT, address=address,
                transaction_id=posted.id,
            )  # fmt: skip
            Withdrawal.objects.create(operation=operation, coin=use.coin, address=address, amount=AMOUNT, fee=0)


def _all_sent(use: CoinWallet) -> bool:
    rows = Withdrawal.objects.filter(coin=use.coin)
    return rows.filter(state=Withdrawal.State.ATTEMPTED).exclude(dispatch__txid="").count() == QUEUED
