"""The whole ledger over a stand-in walletd, through the same drains that the worker runs."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from adapters import registry
from adapters.forknote.options import PAYMENT_ID
from ledger import nodes
from ledger.drains import chores, steps
from ledger.models import Address, Coin, Deposit, Dispatch, Event, Freeze, Operation
from ledger.services import addresses, sending, wallets
from tests.adapters.forknote.conftest import MakeWorld
from tests.adapters.forknote.forknote_world import FEE, ForknoteWorld
from tests.api3.client import with_key
from tests.support.databases import Database
from tests.support.money import address_of, balances, books, chores_now, fresh_key, pay_now, proof_of, scan_now, use_of
from tests.support.processes import wait_for
from wallets_site.base.errors import CoinUnavailable, InvalidRequest

COIN = 100_000_000


def connect(world: ForknoteWorld, **options: Any) -> Coin:
    coin = Coin.objects.create(symbol="FRK", name="Forknote", decimals=8, confirmations=2, pool_size=2)
    values = {**world._settings, **options}
    wallets.connect(coin=coin, name="forknote node", kind="forknote", options=values)
    return coin


def withdraw(user: User, coin: Coin, to: str, amount: int, extra: str = "") -> Operation:
    quote = sending.preview_send(user=user, coin=coin, to=to, amount=amount, extra=extra)
    return sending.request_send(user=user, quote=quote, proof=proof_of(user), key=fresh_key())


def fund(world: ForknoteWorld, coin: Coin, user: User, amount: int) -> str:
    txid = world.fund(address_of(user, coin), amount)
    world.mine(3)
    scan_now(coin)
    return txid


@pytest.fixture(params=["snake", "camel"])
def world(request: pytest.FixtureRequest, site: Database, make_world: MakeWorld) -> ForknoteWorld:
    return make_world(request.param)


@pytest.fixture
def coin(world: ForknoteWorld) -> Coin:
    return connect(world)


class _Died(Exception):
    pass


def die(step: str) -> None:
    """Stands for a worker that dies when the network has the payment and we have not written that down."""
    if step == steps.SENT:
        raise _Died


def test_a_deposit_and_a_withdrawal(world: ForknoteWorld, coin: Coin, alice: User, bob: User):
    fund(world, coin, alice, 5 * COIN)
    assert balances(coin, alice) == [(5 * COIN, 0)]
    outside = world.outside_address()
    operation = withdraw(alice, coin, outside, 2 * COIN)
    pay_now(coin)
    world.mine(2)
    scan_now(coin)
    pay_now(coin)
    operation.refresh_from_db()

    assert operation.status == Operation.Status.DONE
    assert world.arrived(outside) == [2 * COIN]
    assert balances(coin, alice) == [(3 * COIN, 0)]
    assert books(coin)["hot"] == -(3 * COIN - FEE)
    assert registry.open(use_of(coin).wallet).funds(()).total == 3 * COIN - FEE
    assert not Freeze.objects.exists()
    assert Deposit.objects.count() == 1


@pytest.mark.parametrize("extra", ["", "AB" * 32])
def test_a_worker_that_dies_after_the_send_pays_once_and_raises_no_alarm(
    world: ForknoteWorld, coin: Coin, alice: User, settings: Any, extra: str
):
    fund(world, coin, alice, 5 * COIN)
    outside = world.outside_address()
    withdraw(alice, coin, outside, COIN, extra)
    settings.WALLETS_STEP_HOOK = f"{__name__}.die"
    with pytest.raises(_Died):
        pay_now(coin)
    settings.WALLETS_STEP_HOOK = ""
    scan_now(coin)
    row = Dispatch.objects.get()
    assert (row.attempts, row.outcome, row.txid) == (1, "", "")
    assert not Freeze.objects.exists()

    pay_now(coin)
    world.mine(3)
    scan_now(coin)
    pay_now(coin)
    row.refresh_from_db()

    assert row.state == Dispatch.State.FINAL
    assert world.arrived(outside) == [COIN]
    assert not Freeze.objects.exists()


def test_coins_that_leave_without_us_raise_the_key_alarm(world: ForknoteWorld, coin: Coin, alice: User):
    fund(world, coin, alice, 5 * COIN)
    txid = world.steal(world.outside_address(), COIN)
    scan_now(coin)

    freeze = Freeze.objects.get()
    assert (freeze.cause, freeze.subject) == ("key_alarm", f"{use_of(coin).wallet_id}:{txid}")


def test_a_credited_deposit_that_is_double_spent_freezes_its_owner(world: ForknoteWorld, coin: Coin, alice: User):
    txid = fund(world, coin, alice, COIN)
    world.node.fork(depth=3, blocks=4, drop=[txid])
    world.node.sync()
    scan_now(coin)

    assert Deposit.objects.get().state == Deposit.State.VANISHED
    assert Freeze.objects.get().user == alice
    assert balances(coin, alice) == [(COIN, 0)]


def test_an_uncredited_deposit_that_is_double_spent_is_cancelled(world: ForknoteWorld, coin: Coin, alice: User):
    txid = world.fund(address_of(alice, coin), COIN)
    world.mine(1)
    scan_now(coin)
    world.node.fork(depth=1, blocks=2, drop=[txid])
    world.node.sync()
    scan_now(coin)

    assert Operation.objects.get().status == Operation.Status.CANCELLED
    assert balances(coin, alice) == [(0, 0)]
    assert not Freeze.objects.exists()


def test_lost_addresses_are_told_to_staff_once_an_hour(world: ForknoteWorld, coin: Coin, alice: User):
    lost = address_of(alice, coin)
    scan_now(coin)
    world.node.ask("delete_address" if world.dialect == "snake" else "deleteAddress", address=lost)
    for _ in range(2):
        scan_now(coin)

    (event,) = Event.objects.filter(name="address_lost")
    assert event.data == {"wallet": "forknote node", "addresses": [lost], "count": 1}


def test_without_verified_addresses_no_number_is_used_up(site: Database, make_world: MakeWorld, alice: User):
    world = make_world("snake", verified_addresses=2)
    coin = connect(world)
    for _ in range(3):
        chores_now(coin)
    held = Address.objects.get()
    addresses.assign_address(user=alice, coin=coin, key="a")
    with pytest.raises(CoinUnavailable, match="No fresh address"):
        addresses.assign_address(user=alice, coin=coin, key="b")
    assert use_of(coin).next_number == 2

    wallet = use_of(coin).wallet
    wallets.configure(wallet=wallet, options={**wallet.read_options(), "verified_addresses": 4})
    assert chores.fill_pool(use_of(coin)) == 2
    assert [row.ref for row in Address.objects.order_by("pk")] == ["1", "2", "3"]
    assert held.ref == "1"


# -- one address for all --


@pytest.fixture
def shared(world: ForknoteWorld) -> Coin:
    return connect(world, receive=PAYMENT_ID)


def test_users_who_share_an_address_are_told_apart_by_payment_id(
    world: ForknoteWorld, shared: Coin, alice: User, bob: User
):
    held = [addresses.assign_address(user=user, coin=shared, key="first") for user in (alice, bob)]
    assert held[0].address == held[1].address
    for number, address in enumerate(held, 1):
        world.node.pay(destinations=[[address.address, number * COIN]], payment_id=address.extra)
    world.node.pay(destinations=[[held[0].address, 7 * COIN]])
    world.mine(3)
    scan_now(shared)

    assert balances(shared, alice, bob) == [(COIN, 0), (2 * COIN, 0)]
    assert books(shared)["suspense"] == 7 * COIN
    assert f"?payment_id={held[1].extra}" in nodes.payment_uri(held[1], None)
    shown = with_key(alice).coin(held[1].coin.symbol)
    assert shown["deposit_extra"] == held[0].extra
    assert shown["deposit_address_qrcode_uri"] == nodes.payment_uri(held[0], None)


def test_a_payment_to_a_users_payment_id_is_a_move_to_that_user(
    world: ForknoteWorld, shared: Coin, alice: User, bob: User
):
    held = [addresses.assign_address(user=user, coin=shared, key="first") for user in (alice, bob)]
    world.node.pay(destinations=[[held[0].address, 5 * COIN]], payment_id=held[0].extra)
    world.mine(3)
    scan_now(shared)

    withdraw(alice, shared, held[1].address, COIN, held[1].extra.upper())

    assert balances(shared, alice, bob) == [(4 * COIN, 0), (COIN, 0)]


def test_a_payment_to_the_shared_address_without_a_payment_id_comes_back(
    world: ForknoteWorld, shared: Coin, alice: User
):
    held = addresses.assign_address(user=alice, coin=shared, key="first")
    world.node.pay(destinations=[[held.address, 5 * COIN]], payment_id=held.extra)
    world.mine(3)
    scan_now(shared)
    operation = withdraw(alice, shared, held.address, COIN)
    pay_now(shared)
    operation.refresh_from_db()

    assert operation.status == Operation.Status.FAILED
    assert balances(shared, alice) == [(5 * COIN, 0)]


def test_a_wrong_payment_id_is_refused_before_anything_is_held(world: ForknoteWorld, coin: Coin, alice: User):
    fund(world, coin, alice, 5 * COIN)

    with pytest.raises(InvalidRequest, match="64 hex digits"):
        withdraw(alice, coin, world.outside_address(), COIN, "ab")
    assert balances(coin, alice) == [(5 * COIN, 0)]


# -- addresses that must survive a crash first --


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_addresses_are_released_once_they_survived_a_restart(site: Database, make_world: MakeWorld, end: str):
    world = make_world("snake", verified_addresses=30)
    coin = connect(world, url=world.node.url)
    said = io.StringIO()
    errors: list[str] = []

    def run() -> None:
        try:
            call_command(
                "forknote_addresses", "forknote node", "--make", "5", "--verify", "--pause-ms", "20", stdout=said
            )
        except CommandError as error:
            errors.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    wait_for("the command to ask for the restart", lambda: "Now stop walletd" in said.getvalue())
    getattr(world.node, end)()
    wait_for("the command to notice", lambda: "has stopped" in said.getvalue())
    world.node.start()
    thread.join()

    kept = 35 if end == "stop" else 30
    assert f"{kept} addresses survived" in said.getvalue()
    assert errors == ([] if end == "stop" else ["walletd lost 5 addresses, first number 30."])
    assert use_of(coin).wallet.read_options()["verified_addresses"] == kept


def test_only_a_snake_wallet_has_addresses_to_verify(site: Database, make_world: MakeWorld):
    connect(make_world("camel"))

    with pytest.raises(CommandError, match="does not need it"):
        call_command("forknote_addresses", "forknote node")
    with pytest.raises(CommandError, match="no wallet of this name"):
        call_command("forknote_addresses", "another")
