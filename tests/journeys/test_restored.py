"""A backup put back beside a real litecoind: nothing is paid twice, no address is given twice, nothing is lost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger import queries
from ledger.drains import chores
from ledger.models import Brake, CoinWallet, Deposit, Operation, Recovered
from ledger.services import addresses, recovery
from tests.devnet.litecoin import Litecoin
from tests.journeys.conftest import connect
from tests.journeys.test_litecoin import hot_equals_what_is_owed
from tests.support.backups import Backup
from tests.support.databases import Database
from tests.support.factories import make_manager
from tests.support.live import LiveSite
from tests.support.money import address_of, fresh_key, pay_now, scan_now, send
from tests.support.processes import wait_for
from tests.support.running import RunningSite

AMOUNT = 2_000_000
TEXT = Decimal("0.02")


def fund(litecoin: Litecoin, use: CoinWallet, alice) -> None:
    address = address_of(alice, use.coin)
    for _ in range(10):
        litecoin.fund(address, "1")
    litecoin.mine(1)
    wait_for("the deposits", lambda: scan_now(use.coin) and queries.balance(alice, use.coin).available == 10**9)


def all_done(litecoin: Litecoin, use: CoinWallet) -> bool:
    pay_now(use.coin)
    litecoin.mine(1)
    scan_now(use.coin)
    return not Operation.objects.filter(kind="withdraw", status="pending").exists()


def give(person, use: CoinWallet, count: int) -> list[str]:
    """Fresh addresses, with the pool filled between as the worker does."""
    given = []
    for _ in range(count):
        chores.fill_pool(use)
        given.append(addresses.assign_address(user=person, coin=use.coin, key=fresh_key()).address)
    return given


@pytest.mark.both_databases
def test_twenty_payments_and_twenty_deposits_after_the_backup(
    engine, site: Database, litecoin: Litecoin, alice, bob, charlie, manager
):
    second, name = make_manager("second"), f"restored-{engine}"
    litecoin.load(name)
    use = connect(litecoin, wallet=name, confirmations=1)
    fund(litecoin, use, alice)
    there = [str(litecoin.outside("getnewaddress")) for _ in range(20)]
    before = [send(alice, use.coin, address, AMOUNT) for address in there[:10]]
    kept = Backup(site)

    for address in there[10:]:
        send(alice, use.coin, address, AMOUNT)
    theirs = give(bob, use, 5)
    for address in [*theirs, *theirs, *[address_of(alice, use.coin)] * 10]:
        litecoin.fund(address, "0.1")
    wait_for("all payments", lambda: all_done(litecoin, use), seconds=60)
    assert Deposit.objects.filter(wallet=use.wallet, state="credited").count() == 30
    hot_equals_what_is_owed(use)

    kept.restore()
    # The test's PostgreSQL is not durable, and `manage.py run` refuses it: there the worker is this process.
    running = RunningSite(site) if engine == "sqlite" else LiveSite(site)
    try:
        assert recovery.current() is not None  # noticed before the site answered
        wait_for("the whole chain to be read", lambda: all_read(engine, use), seconds=60)
        paid = {row.pk: Operation.objects.get(pk=row.pk).status for row in before}
        assert set(paid.values()) == {"done"}
        unknown = Recovered.objects.filter(state="suspense")
        assert sorted(unknown.values_list("address", flat=True)) == sorted(there[10:])
        assert Deposit.objects.filter(wallet=use.wallet, state="credited").count() == 20
        assert Deposit.objects.filter(wallet=use.wallet, state="unclaimed").count() == 10

        recovery.ask_end(user=manager, reason="Each line was compared with the node.")
        recovery.confirm_end(user=second)
        last = str(litecoin.outside("getnewaddress"))
        asked = send(alice, use.coin, last, AMOUNT)

        def over() -> bool:
            litecoin.mine(1)
            if engine == "postgresql":
                all_done(litecoin, use)
            asked.refresh_from_db()
            return asked.status == "done"

        wait_for("a payment after the end", over, seconds=60, pause=0.5)
    finally:
        running.stop()

    assert [litecoin.received(address) for address in [*there, last]] == [[TEXT]] * 21
    assert not Brake.objects.exists()
    assert not set(give(charlie, use, 5)) & set(theirs)
    totals = hot_equals_what_is_owed(use)
    assert totals["user"] == 10**9 + 10 * 10**7 - 11 * AMOUNT
    assert totals["suspense"] == 10 * 10**7 - 10 * AMOUNT


def all_read(engine: str, use: CoinWallet) -> bool:
    if engine == "postgresql":
        scan_now(use.coin)
    found = recovery.current()
    assert found is not None
    return not recovery.still_missing(found)
