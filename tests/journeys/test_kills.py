"""kill -9 of the product's worker at each point of a withdrawal, on real litecoind, counted in the payee's wallet."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.drains import steps
from ledger.models import Coin, Dispatch, Withdrawal
from tests.devnet.litecoin import Litecoin
from tests.journeys.conftest import connect
from tests.journeys.test_litecoin import hot_equals_what_is_owed
from tests.support.databases import Database
from tests.support.money import address_of, scan_now, send
from tests.support.processes import wait_for
from tests.support.running import RunningSite

POINTS = [steps.PREPARED, steps.RECORDED, steps.LOOKED_UP, steps.ATTEMPTED, steps.SENT, steps.MARKED]


@pytest.fixture
def holding(site: Database, tmp_path: Path) -> Iterator[tuple[RunningSite, Path]]:
    folder = tmp_path / "hold"
    folder.mkdir()
    made = RunningSite(site, WALLETS_STEP_HOOK="tests.support.hold.stand", WALLETS_HOLD_DIR=str(folder))
    yield made, folder
    made.stop()


def kill_at(point: str, folder: Path) -> None:
    """Waits for the worker to stand at this point and kills it from outside."""
    held = folder / f"{point}.held"
    wait_for(f"the worker at {point}", held.exists, seconds=60)
    pid = int(held.read_text())
    (folder / point).unlink()
    held.unlink()
    os.kill(pid, signal.SIGKILL)


def test_a_worker_killed_at_every_point_pays_exactly_once(holding, litecoin: Litecoin, alice):
    """One withdrawal after another, each with one death at another point; then all are counted outside."""
    running, folder = holding
    wallet = "killed"
    litecoin.load(wallet)
    use = connect(litecoin, wallet=wallet, confirmations=1)
    fund(litecoin, use.coin, alice, "10")

    asked = {}
    for number, point in enumerate(POINTS, start=1):
        (folder / point).touch()
        address = litecoin.outside("getnewaddress")
        asked[point] = (send(alice, use.coin, address, number * 1_000_000), address)
        kill_at(point, folder)
        row = asked[point][0].withdrawal

        def known_outside(row=row) -> bool:
            row.refresh_from_db()
            return row.state == Withdrawal.State.ATTEMPTED and bool(row.dispatch.txid)

        wait_for(f"the payment after a death at {point}", known_outside, seconds=100)
        litecoin.mine(1)

    def all_done() -> bool:
        litecoin.mine(1)
        return not Withdrawal.objects.exclude(state="done").exists()

    wait_for("the end of all withdrawals", all_done, seconds=60, pause=0.5)
    for number, point in enumerate(POINTS, start=1):
        _, address = asked[point]
        assert litecoin.received(address) == [Decimal(number) / 100], point
    assert Dispatch.objects.filter(state="final").count() == len(POINTS)
    totals = hot_equals_what_is_owed(use)
    assert totals["user"] == 10 * 10**8 - sum(range(1, len(POINTS) + 1)) * 1_000_000
    assert running.child.running


def fund(litecoin: Litecoin, coin: Coin, alice, amount: str) -> None:
    """Several deposits, so that one payout's change does not hold up the next."""
    address = address_of(alice, coin)
    for _ in range(5):
        litecoin.fund(address, str(Decimal(amount) / 5))
    litecoin.mine(1)
    wait_for("the deposits", lambda: scan_now(coin) and _available(alice, coin) == Decimal(amount) * 10**8, seconds=60)


def _available(alice, coin: Coin) -> int:
    from ledger import queries

    return queries.balance(alice, coin).available
