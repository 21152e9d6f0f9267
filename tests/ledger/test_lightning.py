"""Withdrawals to invoices, on a simulated Lightning network: each by itself, what the route left over comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base import AddressRequest
from adapters.codecs import bolt11
from adapters.demo_invoice import DemoInvoice
from ledger import queries, tasks
from ledger.drains.scan import Watch
from ledger.models import Address, Coin, Dispatch, Operation
from ledger.services import addresses, wallets
from tests.support.lightning import COIN, ask, fill, lightning_coin, node, outside, pay, pay_in
from tests.support.money import balances, books, chores_now, pay_now, scan_now, send, switch, use_of
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest


@pytest.fixture
def coin(site) -> Coin:
    return lightning_coin()


def status(operation: Operation) -> str:
    operation.refresh_from_db()
    return str(operation.status)


def test_a_paid_invoice_is_credited_to_its_owner_once(coin, alice):
    own = ask(alice, coin, 3 * COIN)
    scan_now(coin)
    assert balances(coin, alice) == [(0, 0)]
    node(coin).faucet(own.bolt11, 3 * COIN)

    for _ in range(3):
        scan_now(coin)

    assert balances(coin, alice) == [(3 * COIN, 0)]
    assert books(coin) == {"hot": -3 * COIN, "user": 3 * COIN}


def test_a_withdrawal_costs_what_the_route_cost_and_the_rest_of_its_reserve_comes_back(coin, alice):
    fill(alice, coin, 3 * COIN)
    asked = send(alice, coin, outside(coin, COIN), COIN)
    assert balances(coin, alice) == [(2 * COIN - 10_000, COIN + 10_000)]

    pay_now(coin)

    assert status(asked) == Operation.Status.DONE
    assert balances(coin, alice) == [(2 * COIN - 100, 0)]
    assert -books(coin)["hot"] == node(coin).funds(()).total == 2 * COIN - 100


def test_an_invoice_that_hangs_holds_up_nobody_else(coin, alice, bob, clock):
    fill(alice, coin, 3 * COIN)
    fill(bob, coin, 3 * COIN)
    hanging = send(alice, coin, outside(coin, COIN), COIN)
    switch(coin, hold_seconds=600)
    pay_now(coin)
    switch(coin, hold_seconds=0)

    other = send(bob, coin, outside(coin, COIN), COIN)
    pay_now(coin)

    assert (status(hanging), status(other)) == (Operation.Status.PENDING, Operation.Status.DONE)
    clock.shift(timedelta(seconds=601))
    pay_now(coin)
    assert status(hanging) == Operation.Status.DONE
    assert balances(coin, alice, bob) == [(2 * COIN - 100, 0), (2 * COIN - 100, 0)]


def test_a_payment_that_waits_for_funds_holds_up_no_smaller_one(coin, alice, bob):
    fill(alice, coin, 9 * COIN)
    fill(bob, coin, 9 * COIN)
    DemoInvoice(node(coin).options).network.pay_invoice("main", bolt11.decode(outside(coin, 14 * COIN)))
    large = [send(alice, coin, outside(coin, 4 * COIN), 4 * COIN) for _ in range(2)]
    small = send(bob, coin, outside(coin, COIN), COIN)

    pay_now(coin)

    assert [status(each) for each in (*large, small)] == ["pending", "pending", "done"]
    assert "Waiting for funds" in large[0].reason
    node(coin).faucet(node(coin).new_address(AddressRequest(99, amount=9 * COIN)).address, 9 * COIN)
    pay_now(coin)
    assert [status(each) for each in large] == ["done", "done"]


def test_an_invoice_that_another_withdrawal_tried_is_never_tried_again(coin, alice):
    """As on a server that forgets failed payments: it would take the second one."""
    fill(alice, coin, 3 * COIN)
    text = outside(coin, COIN)
    asked = send(alice, coin, text, COIN)
    Dispatch.objects.create(
        wallet=use_of(coin).wallet, coin=coin, lane="payment", ident=bolt11.decode(text).payment_hash, slot="old",
        blob="", fee=0, state=Dispatch.State.DEAD,
    )  # fmt: skip

    pay_now(coin)

    assert (status(asked), asked.reason[:25]) == ("failed", "This invoice was paid or ")
    assert balances(coin, alice) == [(3 * COIN, 0)]
    assert Dispatch.objects.count() == 1


def test_invoices_are_watched_until_nothing_can_come_of_them(coin, alice, bob, clock):
    paid, expired, inside = (ask(alice, coin, COIN, expires_in=3600) for _ in range(3))
    fill(bob, coin, 3 * COIN)
    pay(bob, coin, inside.bolt11)
    pay_in(coin, paid)
    scan_now(coin)

    def watched() -> dict[str, bool]:
        return {one.ref: one.settled for one in Watch(use_of(coin).wallet)}

    names = [each.payment_hash for each in (paid, expired, inside)]
    assert [watched().get(name) for name in names] == [True, False, False]
    clock.shift(timedelta(days=3))
    assert [watched().get(name) for name in names] == [None, False, False]
    clock.shift(timedelta(days=14))
    assert watched() == {}


def test_a_hint_is_a_look_at_that_invoice_alone(coin, alice):
    made = ask(alice, coin, COIN)
    pay_in(coin, made)

    for _ in range(2):
        tasks.look(use_of(coin).wallet_id, made.address_id)

    assert balances(coin, alice) == [(COIN, 0)]
    made.refresh_from_db()
    assert made.status == "paid"


def test_a_hint_that_comes_too_early_or_finds_no_node_changes_nothing(coin, alice):
    made = ask(alice, coin, COIN)
    tasks.look(use_of(coin).wallet_id, made.address_id)
    switch(coin, outage=True)
    tasks.look(use_of(coin).wallet_id, made.address_id)

    assert balances(coin, alice) == [(0, 0)]


def test_a_coin_of_invoices_has_no_pool_and_gives_no_address(coin, alice):
    chores_now(coin)

    with pytest.raises(InvalidRequest, match="invoice"):
        addresses.assign_address(user=alice, coin=coin, key="k")
    assert not Address.objects.exists()
    ask(alice, coin, COIN)
    assert queries.addresses(alice, coin) == []


def test_a_lost_answer_is_looked_up_and_paid_once(coin, alice):
    fill(alice, coin, 3 * COIN)
    invoice = outside(coin, COIN)
    asked = send(alice, coin, invoice, COIN)
    switch(coin, unclear_sends=True)

    pay_now(coin)

    assert status(asked) == Operation.Status.DONE
    assert node(coin).funds(()).total == 2 * COIN - 100
    assert Dispatch.objects.get().attempts == 1


def test_a_lost_call_is_sent_again_and_paid_once(coin, alice):
    fill(alice, coin, 3 * COIN)
    asked = send(alice, coin, outside(coin, COIN), COIN)
    switch(coin, lose_sends=True)
    pay_now(coin)
    assert status(asked) == Operation.Status.PENDING
    switch(coin, lose_sends=False)

    pay_now(coin)

    assert status(asked) == Operation.Status.DONE
    assert Dispatch.objects.get().attempts == 2
    assert node(coin).funds(()).total == 2 * COIN - 100


def test_a_payment_that_finds_no_way_gives_everything_back(coin, alice):
    fill(alice, coin, 3 * COIN)
    switch(coin, refuse_sends=True)
    asked = send(alice, coin, outside(coin, COIN), COIN)

    for _ in range(4):
        pay_now(coin)

    assert status(asked) == Operation.Status.FAILED
    assert balances(coin, alice) == [(3 * COIN, 0)]
    assert books(coin) == {"hot": -3 * COIN, "user": 3 * COIN}


def test_an_invoice_that_expires_in_the_queue_gives_everything_back(coin, alice, clock):
    fill(alice, coin, 3 * COIN)
    asked = send(alice, coin, outside(coin, COIN), COIN)
    clock.shift(timedelta(hours=2))

    pay_now(coin)

    assert status(asked) == Operation.Status.FAILED
    assert balances(coin, alice) == [(3 * COIN, 0)]


def test_an_invoice_of_a_member_is_settled_inside(coin, alice, bob):
    fill(alice, coin, 3 * COIN)
    own = ask(bob, coin, COIN)

    send(alice, coin, own.bolt11, COIN)
    pay_now(coin)
    scan_now(coin)

    assert balances(coin, alice, bob) == [(2 * COIN, 0), (COIN, 0)]
    assert node(coin).funds(()).total == 3 * COIN
    assert not Dispatch.objects.exists()
    assert own.expires_at is not None
    assert own.expires_at > now()


def test_a_coin_whose_decimals_would_be_misread_is_not_connected(site):
    bitcoin = Coin.objects.create(symbol="BTC", name="Bitcoin", decimals=8)

    with pytest.raises(InvalidRequest, match="11 decimals"):
        wallets.connect(coin=bitcoin, name="node", kind="demo_ln", options={"chain_file": "unused"})
    assert not bitcoin.wallets.exists()
