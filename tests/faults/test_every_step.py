"""kill -9 of the product's worker at each step of a payout, one after another, counted in the payees' wallets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from adapters import registry
from ledger import queries
from ledger.drains import steps
from ledger.drains.scan import Watch
from ledger.models import Dispatch, Freeze, Withdrawal
from tests.devnet.fixtures import litecoin, monero
from tests.faults.banano import BananoFaultWorld
from tests.faults.forknote import CamelWorld, SnakeWorld
from tests.faults.litecoin import LitecoinWorld
from tests.faults.monero import MoneroWorld
from tests.faults.storm import start_worker
from tests.faults.world import FaultWorld
from tests.support.databases import Database
from tests.support.hold import kill_at
from tests.support.money import send
from tests.support.processes import wait_for

__all__ = ["litecoin", "monero"]

STEPS = [steps.PREPARED, steps.RECORDED, steps.LOOKED_UP, steps.ATTEMPTED, steps.SENT, steps.MARKED]
STAND_INS: dict[str, Any] = {"frk-snake": SnakeWorld, "frk-camel": CamelWorld, "ban": BananoFaultWorld}
LONG = 120  # seconds, on a busy machine


@pytest.fixture(params=["ltc", "xmr", *STAND_INS])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultWorld]:
    made: FaultWorld
    if request.param == "ltc":
        made = LitecoinWorld(request.getfixturevalue("litecoin"), "every-step")
    elif request.param == "xmr":
        made = MoneroWorld(request.getfixturevalue("monero"), "every-step")
    else:
        made = STAND_INS[request.param](tmp_path / "node")
    yield made
    made.close()


@pytest.fixture
def folder(site: Database, tmp_path: Path) -> Iterator[Path]:
    """Of a running worker that stands still at the steps whose names lie in here."""
    made = tmp_path / "hold"
    made.mkdir()
    child = start_worker(site, WALLETS_STEP_HOOK="tests.support.hold.stand", WALLETS_HOLD_DIR=str(made))
    yield made
    assert child.running, child.output()[-2000:]
    child.stop(seconds=30)


def test_a_worker_killed_at_every_step_pays_exactly_once(
    site: Database, world: FaultWorld, folder: Path, alice: User
) -> None:
    coin = world.connect().coin
    world.fund(alice)
    world.mine(world.confirmations)
    wait_for("the deposit", lambda: queries.balance(alice, coin).available == world.deposit, seconds=LONG)
    wait_for("coins that can be paid with", lambda: can_pay(world), seconds=LONG, pause=0.3)

    asked: dict[str, int] = {}
    for number, step in enumerate(STEPS):
        (folder / step).touch()
        address, amount = world.payee(number)
        asked[address] = amount
        send(alice, coin, address, amount)
        kill_at(step, folder)

    def all_done() -> bool:
        world.mine(1)
        return not Withdrawal.objects.exclude(state=Withdrawal.State.DONE).exists()

    wait_for("the end of all withdrawals", all_done, seconds=LONG, pause=0.3)
    assert {address: world.paid()[address] for address in asked} == {to: [amount] for to, amount in asked.items()}
    assert queries.balance(alice, coin).available == world.deposit - sum(asked.values())
    assert not Dispatch.objects.filter(state=Dispatch.State.DEAD, attempts__gt=0).exists()
    assert not Freeze.objects.exists()


def can_pay(world: FaultWorld) -> bool:
    """After one more block. Banano's deposits are collected and brought to the hot account first."""
    world.mine(1)
    wallet = world.use.wallet
    return registry.open(wallet).funds(Watch(wallet)).spendable == world.deposit
