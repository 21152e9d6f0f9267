from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.services import holds
from tests.support.money import balances, books, fund, proof_of
from wallets_site.base.clock import now
from wallets_site.base.errors import IdempotencyConflict, InsufficientFunds, InvalidRequest, NotFound, WrongState

pytestmark = pytest.mark.both_databases


@pytest.fixture
def held(coin, alice, bob, charlie):
    fund(alice, coin, 1_000)
    return place(alice, coin, 600)


def place(person, coin, amount, key="h", minutes=60):
    return holds.place_hold(
        user=person, coin=coin, amount=amount, expires_at=now().replace(microsecond=0) + timedelta(minutes=minutes),
        proof=proof_of(person), key=key,
    )  # fmt: skip


def test_a_hold_sets_money_aside(held, coin, alice):
    assert balances(coin, alice) == [(400, 600)]
    assert books(coin) == {"hot": -1_000, "user": 400, "held": 600}


def test_it_is_captured_in_parts_and_the_rest_goes_back(held, coin, alice, bob, charlie):
    holds.capture_hold(user=alice, hold_id=held.pk, to=bob, amount=100, key="a")
    again = holds.capture_hold(user=alice, hold_id=held.pk, to=bob, amount=100, key="a")
    assert again.left == 500
    with pytest.raises(WrongState):
        holds.capture_hold(user=alice, hold_id=held.pk, to=bob, amount=501, key="b")
    done = holds.capture_hold(user=alice, hold_id=held.pk, to=charlie, amount=200, key="c", last=True)

    assert (done.state, done.left) == ("closed", 0)
    assert balances(coin, alice, bob, charlie) == [(700, 0), (100, 0), (200, 0)]


def test_it_is_given_back_once(held, coin, alice, bob):
    for _ in range(2):
        holds.release_hold(user=alice, hold_id=held.pk)
    assert balances(coin, alice) == [(1_000, 0)]
    with pytest.raises(WrongState):
        holds.capture_hold(user=alice, hold_id=held.pk, to=bob, amount=1, key="x")
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_it_runs_out_by_itself(held, coin, alice, bob, clock):
    holds.capture_hold(user=alice, hold_id=held.pk, to=bob, amount=100, key="a")
    assert holds.expire_holds() == 0
    clock.shift(timedelta(hours=2))
    with pytest.raises(WrongState):
        holds.capture_hold(user=alice, hold_id=held.pk, to=bob, amount=1, key="late")
    assert (holds.expire_holds(), holds.expire_holds()) == (1, 0)
    assert balances(coin, alice, bob) == [(900, 0), (100, 0)]


def test_the_same_key_places_one_hold(coin, alice, clock):
    fund(alice, coin, 1_000)
    first, second = place(alice, coin, 600), place(alice, coin, 600)
    assert first.pk == second.pk
    with pytest.raises(IdempotencyConflict):
        place(alice, coin, 601)
    assert balances(coin, alice) == [(400, 600)]


def test_more_than_available_or_a_past_end_is_refused(coin, alice):
    fund(alice, coin, 1_000)
    with pytest.raises(InsufficientFunds):
        place(alice, coin, 1_001)
    with pytest.raises(InvalidRequest):
        place(alice, coin, 1, key="p", minutes=-1)
    assert balances(coin, alice) == [(1_000, 0)]


def test_nobody_else_touches_a_hold(held, coin, alice, bob):
    with pytest.raises(NotFound):
        holds.release_hold(user=bob, hold_id=held.pk)
    with pytest.raises(NotFound):
        holds.capture_hold(user=bob, hold_id=held.pk, to=bob, amount=1, key="x")
    assert balances(coin, alice, bob) == [(400, 600), (0, 0)]
