"""The roll-up of shared accounts: many workers, and one that dies in the middle."""

from __future__ import annotations

import signal
import subprocess

import pytest
from django.db import transaction

from ledger import posting, queries, verify
from ledger.models import Account, Coin, Kind, Queue
from tests.support.live import child_environment
from tests.support.processes import PYTHON, ROOT, wait_for
from tests.support.threads import at_once

pytestmark = pytest.mark.both_databases
WORKER = "import django; django.setup()\nfrom ledger.drains.chores import roll_up\nwhile True: roll_up()"


@pytest.fixture
def fee_coin(site, alice, bob) -> Coin:
    coin = Coin.objects.create(symbol="FEE", name="Fee", decimals=8)
    mine = posting.account(coin, Kind.USER, owner_id=alice.pk)
    with transaction.atomic():
        posting.post(
            kind="deposit", scope="t", key="d", request={},
            legs=[posting.Leg(posting.account(coin, Kind.HOT), mine, 10**9)],
        )  # fmt: skip
    return coin


def pay_fees(coin: Coin, payer_id: int, name: str, count: int) -> None:
    payer, fees = posting.account(coin, Kind.USER, owner_id=payer_id), posting.account(coin, Kind.FEE_INCOME)
    for number in range(count):
        with transaction.atomic():
            posting.post(kind="move", scope="t", key=f"{name}-{number}", request={}, legs=[posting.Leg(payer, fees, 3)])


def test_workers_that_are_killed_while_fees_come_in_lose_and_double_nothing(site, fee_coin, alice):
    """Four workers roll up all the time; one after another is killed with -9 while payments go on."""
    environment = child_environment(site)
    workers = [subprocess.Popen([PYTHON, "-c", WORKER], env=environment, cwd=ROOT) for _ in range(4)]
    try:
        for number, worker in enumerate(workers):
            pay_fees(fee_coin, alice.pk, f"r{number}", 40)
            assert queries.totals(fee_coin)[Kind.FEE_INCOME] == (number + 1) * 40 * 3
            if number < 3:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
        wait_for("the last worker to finish the queue", lambda: not Queue.objects.exists())
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    fees = Account.objects.get(coin=fee_coin, kind=Kind.FEE_INCOME)
    assert (fees.credits, fees.debits, fees.version) == (480, 0, 160)
    assert verify.verify().problems == []


def test_a_roll_up_that_dies_halfway_leaves_everything_as_it_was(fee_coin, alice, monkeypatch):
    pay_fees(fee_coin, alice.pk, "x", 5)
    fees = posting.account(fee_coin, Kind.FEE_INCOME)
    before = list(Queue.objects.order_by("pk").values())
    monkeypatch.setattr(posting, "_update_accounts", lambda running: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        posting.roll_up(fees.pk)
    monkeypatch.undo()
    assert list(Queue.objects.order_by("pk").values()) == before
    assert queries.totals(fee_coin)[Kind.FEE_INCOME] == 15


def test_several_threads_roll_up_at_once(fee_coin, alice):
    pay_fees(fee_coin, alice.pk, "y", 60)
    fees = posting.account(fee_coin, Kind.FEE_INCOME)
    taken = at_once(4, lambda _: posting.roll_up(fees.pk))
    assert sum(count for count in taken if isinstance(count, int)) == 60
    fees.refresh_from_db()
    assert fees.credits == 180
