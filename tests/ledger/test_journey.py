"""The whole job on a simulated chain: deposit, move, withdraw, and the books after each step."""

from __future__ import annotations

import pytest

from ledger import queries
from ledger.models import Deposit, Operation, Withdrawal
from tests.support.money import (
    address_of,
    balances,
    blocks,
    books,
    chain,
    charge,
    make_coin,
    node,
    pay_now,
    scan_now,
    send,
)

pytestmark = pytest.mark.both_databases


def test_a_deposit_is_moved_and_withdrawn_and_every_step_stands_in_the_books(coin, alice, bob, clock):
    charge(coin, "move", fixed=5)
    charge(coin, "withdrawal", fixed=50, ppm=10_000)
    outside = make_coin("OUT", prefix="tst")
    away = address_of(alice, outside)

    chain(coin).mint(address_of(alice, coin), 10_000)
    scan_now(coin)
    assert queries.balance(alice, coin).incoming == 10_000
    assert balances(coin, alice) == [(0, 0)]
    assert books(coin) == {}

    blocks(3, clock)
    scan_now(coin)
    assert balances(coin, alice) == [(10_000, 0)]
    assert books(coin) == {"hot": -10_000, "user": 10_000}

    send(alice, coin, "bob", 1_000)
    assert balances(coin, alice, bob) == [(8_995, 0), (1_000, 0)]
    assert books(coin) == {"hot": -10_000, "user": 9_995, "fee_income": 5}

    asked = send(alice, coin, away, 2_000)
    assert balances(coin, alice) == [(8_995 - 2_070, 2_070)]
    assert asked.status == Operation.Status.PENDING

    pay_now(coin)
    assert books(coin) == {"hot": -10_000, "user": 7_925, "held": 70, "transit": 2_000, "fee_income": 5}

    blocks(3, clock)
    pay_now(coin)
    asked.refresh_from_db()
    assert (asked.status, asked.withdrawal.state) == (Operation.Status.DONE, Withdrawal.State.DONE)
    assert books(coin) == {"hot": -7_990, "user": 7_925, "fee_income": 75, "network_fee": -10}
    assert node(coin).funds([]).total == 7_990
    assert [row.txid for row in node(coin).transfer(asked.txid)] == [asked.txid]


def test_scanning_again_credits_nothing_again(coin, alice, clock):
    chain(coin).mint(address_of(alice, coin), 10_000)
    blocks(5, clock)
    for _ in range(3):
        scan_now(coin)

    assert balances(coin, alice) == [(10_000, 0)]
    assert Deposit.objects.count() == 1


def test_a_lost_cursor_credits_nothing_again(coin, alice, clock):
    from tests.support.money import use_of

    chain(coin).mint(address_of(alice, coin), 10_000)
    blocks(5, clock)
    scan_now(coin)
    wallet = use_of(coin).wallet
    wallet.cursor = ""
    wallet.save(update_fields=["cursor"])
    scan_now(coin)

    assert balances(coin, alice) == [(10_000, 0)]
