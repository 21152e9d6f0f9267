"""What a chain may do to a deposit, on real daemons, as the site's books and its members see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from ledger import queries
from ledger.models import Coin, Deposit, Event, Freeze, Operation
from ledger.services import wallets
from tests.accounts.people import signed_in
from tests.devnet.fixtures import litecoin, monero
from tests.faults.litecoin import LitecoinWorld
from tests.faults.monero import MoneroWorld
from tests.support.databases import Database
from tests.support.money import address_of, balances, books, pay_now, scan_now, send
from tests.support.processes import wait_for
from wallets_site.base.errors import CoinUnavailable, NotAllowed
from wallets_site.base.ids import new_token

__all__ = ["litecoin", "monero"]

World = LitecoinWorld | MoneroWorld
AMOUNT = 250_000_000  # atomic units of either coin
MUCH = {"LTC": 5 * 10**8, "XMR": 5 * 10**12}
LOCK = 10  # blocks until Monero may spend what it received
MAKERS = {"litecoin": LitecoinWorld, "monero": MoneroWorld}


@pytest.fixture
def ltc(site: Database, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
    yield from open_world("litecoin", request)


@pytest.fixture
def xmr(site: Database, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
    yield from open_world("monero", request)


@pytest.fixture(params=["litecoin", "monero"])
def world(site: Database, request: pytest.FixtureRequest) -> Iterator[World]:
    """Both, each with a hot wallet of this test's own and 3 confirmations."""
    yield from open_world(request.param, request)


def open_world(name: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    made = MAKERS[name](request.getfixturevalue(name), f"deposits-{new_token(6)}")
    made.connect()
    scan_now(made.use.coin)
    yield made
    made.close()


def deposit_of(world: World, person: User, amount: int = AMOUNT) -> tuple[str, Operation]:
    """Seen and not yet in a block; its txid and what the member sees."""
    coin = world.use.coin
    txid = world.pay(address_of(person, coin), amount)
    return txid, seen(coin, txid)


def seen(coin: Coin, txid: str) -> Operation:
    def found() -> Operation | None:
        scan_now(coin)
        return Operation.objects.filter(coin=coin, txid=txid).first()

    return wait_for("the deposit to be seen", found)


def looked(coin: Coin, times: int = 3) -> None:
    """As many looks as it takes to believe that something is gone."""
    for _ in range(times):
        assert scan_now(coin)


def state_of(operation: Operation) -> str:
    operation.refresh_from_db()
    return operation.status


# -- before it counts --


def test_a_deposit_replaced_before_its_first_block_is_cancelled(ltc: LitecoinWorld, alice: User):
    coin = ltc.use.coin
    txid, operation = deposit_of(ltc, alice)
    ltc.replace(txid)
    looked(coin)
    assert balances(coin, alice) == [(0, 0)]
    ltc.mine(4)
    looked(coin)

    assert state_of(operation) == Operation.Status.CANCELLED
    assert queries.balance(alice, coin).incoming == 0
    assert books(coin) == {}
    assert "never reached the blockchain" in signed_in(alice).get(f"/activity/{operation.pk}/").content.decode()
    assert not Freeze.objects.exists()


def test_a_deposit_replaced_by_another_one_counts_as_that_one_alone(ltc: LitecoinWorld, alice: User):
    coin = ltc.use.coin
    txid, first = deposit_of(ltc, alice)
    other = ltc.replace(txid, pays=address_of(alice, coin))
    second = seen(coin, other)
    ltc.mine(4)
    looked(coin)

    assert [state_of(first), state_of(second)] == [Operation.Status.CANCELLED, Operation.Status.DONE]
    assert balances(coin, alice) == [(second.gross, 0)]
    assert books(coin) == {"user": second.gross, "hot": -second.gross}


def test_a_deposit_that_leaves_the_chain_before_its_credit_is_cancelled(world: World, alice: User):
    coin = world.use.coin
    txid, operation = deposit_of(world, alice)
    world.mine(1)
    looked(coin, 1)
    assert balances(coin, alice) == [(0, 0)]

    world.undo(txid, 1)
    world.mine(3)
    looked(coin)

    assert state_of(operation) == Operation.Status.CANCELLED
    assert (balances(coin, alice), books(coin)) == ([(0, 0)], {})
    assert not Freeze.objects.exists()


@pytest.mark.parametrize("depth", [1, 3])
def test_a_deposit_that_only_changes_its_block_is_credited_once(world: World, alice: User, depth: int):
    coin = world.use.coin
    _, operation = deposit_of(world, alice)
    world.mine(depth)
    looked(coin, 1)
    world.node.reorg(depth)
    looked(coin)
    world.mine(3)
    looked(coin)

    assert state_of(operation) == Operation.Status.DONE
    assert balances(coin, alice) == [(AMOUNT, 0)]
    assert Deposit.objects.count() == 1
    assert not Freeze.objects.filter(ended_at=None).exists()


# -- after its credit --


@pytest.mark.parametrize("depth", [3, 5])
def test_a_credited_deposit_that_leaves_the_chain_holds_its_owner_and_debits_nobody(
    world: World, alice: User, bob: User, depth: int
):
    coin = world.use.coin
    txid, operation = deposit_of(world, alice)
    world.mine(depth)
    looked(coin, 1)
    assert balances(coin, alice) == [(AMOUNT, 0)]

    world.undo(txid, depth)
    world.mine(1)
    looked(coin)

    assert (balances(coin, alice), books(coin)) == ([(AMOUNT, 0)], {"user": AMOUNT, "hot": -AMOUNT})
    assert Deposit.objects.get().state == Deposit.State.VANISHED
    freeze = Freeze.objects.get(ended_at=None)
    assert (freeze.cause, freeze.user) == (Freeze.Cause.VANISHED, alice)
    assert {"deposit_vanished", "payouts_frozen"} <= set(Event.objects.values_list("name", flat=True))
    for to in ("bob", world.payee(1)[0]):
        with pytest.raises(NotAllowed, match="on hold"):
            send(alice, coin, to, AMOUNT // 10)
    assert balances(coin, alice, bob) == [(AMOUNT, 0), (0, 0)]
    assert signed_in(alice).get(f"/activity/{operation.pk}/").status_code == 200


# -- shapes of a deposit --


def test_two_outputs_to_one_address_are_credited_once_each(world: World, alice: User):
    coin = world.use.coin
    txid = world.pay_twice(address_of(alice, coin), AMOUNT)
    seen(coin, txid)
    world.mine(3)
    looked(coin)

    assert balances(coin, alice) == [(2 * AMOUNT, 0)]
    assert books(coin) == {"user": 2 * AMOUNT, "hot": -2 * AMOUNT}


def test_a_deposit_its_sender_locked_is_credited_when_it_can_be_spent(xmr: MoneroWorld, alice: User):
    coin = xmr.use.coin
    until = xmr.node.height() + 16
    operation = seen(coin, xmr.pay(address_of(alice, coin), AMOUNT, unlock_time=until))
    xmr.mine(LOCK)
    looked(coin)
    assert (balances(coin, alice), state_of(operation)) == ([(0, 0)], Operation.Status.PENDING)
    assert Deposit.objects.get().locked

    xmr.mine(until - xmr.node.height() + 1)
    looked(coin)
    assert (balances(coin, alice), state_of(operation)) == ([(AMOUNT, 0)], Operation.Status.DONE)


# -- the hot wallet used by another hand --


@pytest.fixture
def filled(world: World, alice: User) -> World:
    """With money of alice's that the hot wallet can spend."""
    coin = world.use.coin
    seen(coin, world.pay(address_of(alice, coin), MUCH[coin.symbol]))
    world.mine(LOCK)
    looked(coin, 1)
    assert balances(coin, alice) == [(MUCH[coin.symbol], 0)]
    return world


def key_alarm(coin: Coin) -> Freeze:
    def rung() -> Freeze | None:
        scan_now(coin)
        return Freeze.objects.filter(cause=Freeze.Cause.KEY_ALARM).first()

    return wait_for("the key alarm", rung)


def test_coins_sent_with_the_nodes_command_line_ring_the_alarm_and_stop_payouts(
    filled: World, alice: User, bob: User, manager: User
):
    coin = filled.use.coin
    address, amount = filled.payee(7)
    send(alice, coin, address, amount)
    txid = filled.spend_by_hand(filled.payee(8)[0], AMOUNT)
    freeze = key_alarm(coin)
    pay_now(coin)
    filled.mine(LOCK)
    pay_now(coin)

    assert (freeze.wallet, freeze.ended_at) == (filled.use.wallet, None)
    assert txid in freeze.reason
    assert address not in filled.paid()
    assert balances(coin, alice) == [(MUCH[coin.symbol] - amount, amount)]
    with pytest.raises(CoinUnavailable, match="paused"):
        send(alice, coin, address, amount)
    send(alice, coin, "bob", 5)

    wallets.end_freeze(user=manager, freeze_id=freeze.pk, reason="It was me.")
    looked(coin)
    pay_now(coin)
    filled.mine(1)
    assert filled.paid()[address] == [amount]


def test_a_payment_of_the_hot_wallet_to_a_member_is_no_deposit(filled: World, alice: User, bob: User):
    """No coins came in: whoever holds the node's keys only moved ours from one of our addresses to another."""
    coin = filled.use.coin
    before = books(coin)
    txid = filled.spend_by_hand(address_of(bob, coin), AMOUNT)
    freeze = key_alarm(coin)
    filled.mine(LOCK)
    looked(coin)

    assert txid in freeze.reason
    assert balances(coin, bob) == [(0, 0)]
    assert books(coin) == before


def test_a_withdrawal_to_a_members_address_stays_inside(filled: World, alice: User, bob: User):
    coin = filled.use.coin
    send(alice, coin, address_of(bob, coin), AMOUNT)
    pay_now(coin)

    assert balances(coin, bob) == [(AMOUNT, 0)]
    assert books(coin) == {"user": MUCH[coin.symbol], "hot": -MUCH[coin.symbol]}
