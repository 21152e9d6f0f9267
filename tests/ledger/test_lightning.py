"""Withdrawals to invoices, on a simulated Lightning network: each by itself, what the route left over comes back."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from accounts.models import User
from adapters import registry
from adapters.base import AddressRequest
from adapters.demo_invoice import DemoInvoice
from ledger import posting
from ledger.models import Address, Coin, Dispatch, Kind, Operation
from ledger.services import addresses, wallets
from tests.support.databases import run_root
from tests.support.money import balances, books, pay_now, scan_now, send, switch, use_of
from wallets_site.base.clock import now

COIN = 1_000_000  # millisatoshi


@pytest.fixture
def coin(site) -> Coin:
    made = Coin.objects.create(symbol="LNBTC", name="Lightning", decimals=11, confirmations=1, pool_size=2)
    file = Path(tempfile.mkdtemp(prefix="chain-", dir=run_root())) / "LNBTC.sqlite3"
    wallets.connect(coin=made, name="LNBTC node", kind="demo_ln", options={"chain_file": str(file), "fee": 100})
    return made


def node(coin: Coin) -> DemoInvoice:
    return cast("DemoInvoice", registry.open(use_of(coin).wallet))


def outside(coin: Coin, amount: int) -> str:
    other = DemoInvoice(replace(node(coin).options, wallet="elsewhere"))
    return other.new_address(AddressRequest(1, amount=amount)).address


def ask(user: User, coin: Coin, amount: int) -> Address:
    """An invoice in this person's hands."""
    use = use_of(coin)
    number = addresses.allot_number(use.wallet_id)
    made = node(coin).new_address(AddressRequest(number, amount=amount))
    account = posting.account(coin, Kind.USER, owner_id=user.pk)
    return Address.objects.create(
        coin=coin, wallet=use.wallet, account=account, number=number, address=made.address, ref=made.ref,
        amount=amount, expires_at=made.expires,
    )  # fmt: skip


def fill(user: User, coin: Coin, amount: int) -> None:
    node(coin).faucet(ask(user, coin, amount).address, amount)
    assert scan_now(coin)


def status(operation: Operation) -> str:
    operation.refresh_from_db()
    return str(operation.status)


def test_a_paid_invoice_is_credited_to_its_owner_once(coin, alice):
    own = ask(alice, coin, 3 * COIN)
    scan_now(coin)
    assert balances(coin, alice) == [(0, 0)]
    node(coin).faucet(own.address, 3 * COIN)

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

    send(alice, coin, own.address, COIN)
    pay_now(coin)
    scan_now(coin)

    assert balances(coin, alice, bob) == [(2 * COIN, 0), (COIN, 0)]
    assert node(coin).funds(()).total == 3 * COIN
    assert not Dispatch.objects.exists()
    assert own.expires_at is not None
    assert own.expires_at > now()
