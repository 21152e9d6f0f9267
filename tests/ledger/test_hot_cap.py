"""More in the hot wallet than should be: an alarm, and what to move to cold."""

from __future__ import annotations

import pytest

from ledger.drains import reconcile
from ledger.models import Coin, Event
from ledger.services import hot_cap
from tests.ledger.test_lifecycle import AWAY, change
from tests.support.money import fund, pay_now, send


@pytest.fixture
def capped(coin, alice):
    change(confirm_withdraw_admin=False)
    Coin.objects.filter(pk=coin.pk).update(hot_cap=800)
    fund(alice, coin, 700)
    return Coin.objects.get(pk=coin.pk)


def test_below_the_cap_nobody_is_told(capped):
    reconcile.reconcile(capped.pk)
    assert hot_cap.proposal(capped) is None
    assert not Event.objects.filter(name="hot_wallet_full").exists()


def test_above_it_managers_read_once_an_hour_what_to_move(capped, alice):
    fund(alice, capped, 500)
    for _ in range(2):
        reconcile.reconcile(capped.pk)
    said = Event.objects.get(name="hot_wallet_full").data
    found = hot_cap.proposal(capped)
    assert found is not None
    assert (found.held, found.cap, found.move) == (1_200, 800, 600)
    assert said["coin"] == "TST"
    assert "Send 0.000006 TST to your cold address" in said["reason"]


def test_what_is_queued_stays_for_its_payouts(capped, alice):
    fund(alice, capped, 500)
    send(alice, capped, AWAY, 350)
    reconcile.reconcile(capped.pk)
    found = hot_cap.proposal(capped)
    assert found is not None
    assert found.move == 600 - 350
    pay_now(capped)


def test_without_a_cap_nothing_is_looked_at(coin, alice):
    fund(alice, coin, 10**9)
    reconcile.reconcile(coin.pk)
    assert hot_cap.look(coin) is None
