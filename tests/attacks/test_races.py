"""The same thing, or things that exclude each other, done by many at the same moment."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts import api_keys
from accounts.models import User
from adapters.demo import encode_address
from ledger.models import Operation
from ledger.services import confirmations
from tests.api.callers import Program
from tests.api3.client import Plugin
from tests.api3.conftest import change
from tests.support.factories import make_user
from tests.support.money import balances, books, fund, send
from tests.support.threads import at_once
from wallets_site.base import throttle

OUTSIDE = encode_address("tst", b"\x09" * 20)
pytestmark = pytest.mark.both_databases


def pay(program: Program, number: int, amount: str = "1", to: str = "bob") -> int:
    client = Client()
    return int(
        client.post(
            "/api/v1/sends", json.dumps({"coin": "TST", "to": to, "amount": amount}), content_type="application/json",
            headers={"Authorization": f"Bearer {program.key}", "Idempotency-Key": f"race-{number}"},
        ).status_code
    )  # fmt: skip


def test_moves_and_withdrawals_of_one_balance_at_once_spend_it_once(site_row, rich, bob, coin):
    """10 coins, 20 who want one each and its fee: ten get it, and the books agree."""
    shop = Program(rich, "send", "withdraw")
    said = at_once(20, lambda number: pay(shop, number, to="bob" if number % 2 else OUTSIDE))
    assert said.count(201) in (9, 10)  # the reserve of the network's fee may leave less than one
    assert said.count(409) == 20 - said.count(201)
    assert 0 <= balances(coin, rich)[0][0] < 10**8
    assert sum(sum(row) for row in balances(coin, rich, bob)) == 10**9
    books(coin)


def test_a_ring_of_five_who_pay_each_other_at_once_never_deadlocks(coin):
    ring = [make_user(f"ring{number}") for number in range(5)]
    for person in ring:
        fund(person, coin, 1_000_000)
    said = at_once(20, lambda number: send(ring[number % 5], coin, ring[(number + 1) % 5].username or "", 1000).pk)
    assert [each for each in said if isinstance(each, Exception)] == []
    assert sum(row[0] for row in balances(coin, *ring)) == 5_000_000


def test_a_link_that_two_browsers_press_at_once_counts_once(site_row, rich, bob, coin):
    change(confirm_move_user=True)
    Plugin().sign_in(rich).move("bob", "1")
    row = Operation.objects.get(incoming=False, kind="move")
    link = f"/?__wallets_confirm={confirmations.token_of(row)}"
    said = at_once(6, lambda _: Client().post(link).status_code)
    assert sorted(said, key=str) == [200, 410, 410, 410, 410, 410]
    assert balances(coin, bob) == [(100_000_000, 0)]


def test_nothing_is_paid_by_a_key_after_its_end(rich, bob, coin):
    """Revoked while requests fly: whatever was answered 201 is in the books, and nothing after."""
    shop = Program(rich, "send")

    def do(number: int) -> int:
        if number == 5:
            api_keys.revoke(user=rich, key_id=shop.row.pk)
            return 0
        return pay(shop, number, "0.1")

    said = at_once(12, do)
    paid = said.count(201)
    assert set(said) <= {0, 201, 401}
    assert balances(coin, bob) == [(paid * 10_000_000, 0)]
    assert pay(shop, 99) == 401


def test_nothing_is_paid_by_somebody_shut_out(rich, bob, coin):
    shop = Program(rich, "send")

    def do(number: int) -> int:
        if number == 5:
            User.objects.filter(pk=rich.pk).update(is_active=False)
            return 0
        return pay(shop, number, "0.1")

    said = at_once(12, do)
    assert set(said) <= {0, 201, 401, 403}
    assert balances(coin, bob) == [(said.count(201) * 10_000_000, 0)]
    assert pay(shop, 99) == 401


def test_thirty_at_once_are_counted_exactly(site):
    said = at_once(30, lambda _: throttle.count("somebody", 3600).used)
    assert sorted(said, key=str) == sorted(range(1, 31), key=str)
