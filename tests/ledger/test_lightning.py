"""Withdrawals to invoices, on a simulated Lightning network: each by itself, what the route left over comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.models import Coin, Dispatch, Operation
from tests.support.lightning import COIN, ask, fill, lightning_coin, node, outside
from tests.support.money import balances, books, pay_now, scan_now, send, switch
from wallets_site.base.clock import now


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
