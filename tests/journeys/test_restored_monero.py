"""A backup put back beside a real monerod and monero-wallet-rpc, which went on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import User
from ledger import queries
from ledger.drains import chores
from ledger.models import Address, Brake, Deposit, Operation, Recovered
from ledger.services import addresses, recovery
from tests.devnet.fixtures import monero
from tests.devnet.monero import Monero
from tests.faults.monero import LOCK, MoneroWorld
from tests.journeys.test_litecoin import hot_equals_what_is_owed
from tests.support.backups import Backup
from tests.support.databases import Database
from tests.support.factories import make_manager
from tests.support.money import address_of, fresh_key, pay_now, scan_now, send
from tests.support.processes import wait_for
from tests.support.running import RunningSite

__all__ = ["monero"]

LONG = 120  # seconds: both programs take their time on a busy machine
PART = 10**10  # of each later deposit


@pytest.fixture
def world(site: Database, monero: Monero) -> Iterator[MoneroWorld]:
    made = MoneroWorld(monero, "restored")
    made.connect()
    yield made
    made.close()


def give(world: MoneroWorld, person: User, count: int) -> list[str]:
    """Fresh addresses, with the pool filled between as the worker does."""
    given = []
    for _ in range(count):
        chores.fill_pool(world.use)
        given.append(addresses.assign_address(user=person, coin=world.use.coin, key=fresh_key()).address)
    return given


def all_done(world: MoneroWorld) -> bool:
    pay_now(world.use.coin)
    world.mine(1)
    scan_now(world.use.coin)
    return not Operation.objects.filter(kind="withdraw", status="pending").exists()


def test_twenty_payments_and_twenty_deposits_after_the_backup(
    site: Database, world: MoneroWorld, alice: User, bob: User, charlie: User, manager: User
):
    second, coin = make_manager("second"), world.use.coin
    give(world, alice, 1)
    world.fund(alice)
    wait_for("the deposit", lambda: scan_now(coin) and queries.balance(alice, coin).available == world.deposit)
    there = [world.payee(number) for number in range(21)]
    before = [send(alice, coin, address, amount) for address, amount in there[:10]]
    kept = Backup(site)

    for address, amount in there[10:20]:
        send(alice, coin, address, amount)
    theirs = give(world, bob, 5)
    for number in range(10):  # ten to alice; the first two transactions pay each of bob's addresses as well
        to = [address_of(alice, coin), *(theirs if number < 2 else [])]
        world.node.pay(dict.fromkeys(to, PART))
    wait_for("all payments", lambda: all_done(world), seconds=LONG)
    assert Deposit.objects.filter(wallet=world.use.wallet, state="credited").count() == 22
    hot_equals_what_is_owed(world.use)

    kept.restore()
    running = RunningSite(site)
    try:
        assert recovery.current() is not None  # noticed before the site answered
        wait_for("the whole chain to be read", all_read, seconds=LONG)
        assert {Operation.objects.get(pk=row.pk).status for row in before} == {"done"}
        unknown = Recovered.objects.filter(state="suspense")
        assert sorted(unknown.values_list("address", flat=True)) == sorted(address for address, _ in there[10:20])
        assert Deposit.objects.filter(wallet=world.use.wallet, state="credited").count() == 12
        assert Deposit.objects.filter(wallet=world.use.wallet, state="unclaimed").count() == 10

        recovery.ask_end(user=manager, reason="Each line was compared with the node.")
        recovery.confirm_end(user=second)
        world.mine(LOCK)
        last, amount = there[20]
        asked = send(alice, coin, last, amount)

        def over() -> bool:
            world.mine(1)
            asked.refresh_from_db()
            return asked.status == "done"

        wait_for("a payment after the end", over, seconds=LONG, pause=0.5)
    finally:
        running.stop()

    arrived = world.paid()
    assert [arrived[address] for address, _ in there] == [[amount] for _, amount in there]
    assert not Brake.objects.exists()
    fresh = give(world, charlie, 5)
    assert not set(fresh) & set(theirs)
    assert Address.objects.values("address").distinct().count() == Address.objects.count()
    totals = hot_equals_what_is_owed(world.use)
    paid = [amount for _, amount in there]
    assert totals["user"] == world.deposit + 10 * PART - sum(paid[:10]) - paid[20]
    assert totals["suspense"] == 10 * PART - sum(paid[10:20])


def all_read() -> bool:
    found = recovery.current()
    assert found is not None
    return not recovery.still_missing(found)
