"""Purses are accounts beside the main one. This API knows the main account alone, in its balance and in its lists."""

from __future__ import annotations

import pytest

from tests.api3.client import Plugin
from tests.support.lightning import COIN, ask, fill, lightning_coin, pay, stands

pytestmark = pytest.mark.usefixtures("site_row")


def test_what_a_purse_does_is_neither_in_the_balance_nor_in_the_list(alice, bob, at_alice: Plugin):
    coin = lightning_coin()
    fill(alice, coin, 5 * COIN)
    fill(alice, coin, 3 * COIN, number=1)
    pay(alice, coin, ask(bob, coin, COIN).bolt11, number=1)
    pay(alice, coin, ask(bob, coin, 2 * COIN).bolt11)
    assert (stands(alice, coin), stands(alice, coin, number=1)) == ((3 * COIN, 0), (2 * COIN, 0))

    rows = at_alice.transactions("LNBTC")

    assert [row["amount"] for row in rows] == ["-0.0000200000", "0.0000500000"]
    assert at_alice.coin("LNBTC")["balance"] == "0.00003"


def test_what_goes_over_to_a_purse_leaves_the_main_account_in_both(alice, at_alice: Plugin):
    coin = lightning_coin()
    fill(alice, coin, 5 * COIN)
    pay(alice, coin, ask(alice, coin, 4 * COIN, number=1).bolt11)

    assert [row["amount"] for row in at_alice.transactions("LNBTC")] == ["-0.0000400000", "0.0000500000"]
    assert at_alice.coin("LNBTC")["balance"] == "0.00001"
