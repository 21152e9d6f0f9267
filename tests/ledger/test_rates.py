from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.drains import rates as rates_drain
from ledger.models import Rate, RatePoint
from ledger.services import rates
from tests.support.money import make_coin
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidAmount, InvalidRequest


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("64.2", 64_200_000_000_000),
        (Decimal("0.004"), 4_000_000_000),
        (1, 1_000_000_000_000),
        (Decimal("4e-7"), 400_000),
        ("0.0000000000019", 1),
    ],
)
def test_a_price_is_read_without_losing_a_digit(text, price):
    assert rates.parse_price(text) == price


@pytest.mark.parametrize("text", ["", "0", "-1", "NaN", "1e99999", "1,5", True, None, [], "9" * 60])
def test_what_is_no_price_is_refused(text):
    with pytest.raises(InvalidAmount):
        rates.parse_price(text)


@pytest.mark.parametrize(
    ("amount", "decimals", "price", "cents"),
    [
        (150_000_000, 8, 64_200_000_000_000, 9630),
        (1, 8, 64_200_000_000_000, 0),
        (10**29, 29, 4_000_000_000, 0),
        (10**31, 29, 4_000_000_000, 40),
        (5, 1, 10**10, 1),  # half a cent is rounded up
        (10**50 - 1, 0, 10**12, 10**52 - 100),
    ],
)
def test_a_value_is_exact_to_the_hundredth(amount, decimals, price, cents):
    assert rates.value_of(amount, decimals, price) == cents


def test_an_answer_of_a_source_is_taken_by_name_or_symbol_and_rubbish_left_out(site):
    make_coin("LTC")
    make_coin("XMR")
    said = {"ltccoin": {"eur": Decimal("64.2"), "usd": "rubbish", "xxx": 1}, "XMR": {"EUR": 150}, "doge": 3}

    assert rates.take(said, source="example.com") == 2

    assert {(row.coin.symbol, row.currency, row.price) for row in Rate.objects.all()} == {
        ("LTC", "EUR", 64_200_000_000_000),
        ("XMR", "EUR", 150_000_000_000_000),
    }


@pytest.mark.parametrize("said", [None, [], "x", {"tstcoin": 5}, {"tstcoin": {"eur": None}}])
def test_an_answer_that_names_nothing_changes_nothing(site, said):
    coin = make_coin()
    rates.set_rate(coin=coin, currency="EUR", price=10**12)

    assert rates.take(said, source="example.com") == 0
    assert Rate.objects.get().price == 10**12


def test_the_change_over_a_day_and_the_age_are_told(site):
    coin, other = make_coin(), make_coin("OTH")
    rates.set_rate(coin=coin, currency="EUR", price=100 * 10**12, at=now() - timedelta(hours=25))
    rates.set_rate(coin=coin, currency="EUR", price=103 * 10**12, at=now() - timedelta(minutes=61))

    known = rates.current("EUR")
    total = rates.total([(coin, 2 * 10**8), (other, 5)], "EUR", known)

    assert known[coin.pk].change == 300
    assert total is not None
    assert (total.value, total.change, total.missing, total.is_stale) == (20_600, 300, ("OTH",), True)
    assert rates.total([(other, 5)], "EUR", known) is None


def test_a_currency_the_site_does_not_show_is_refused(site):
    with pytest.raises(InvalidRequest):
        rates.set_rate(coin=make_coin(), currency="XXX", price=1)
    assert Rate.objects.count() == 0


def test_no_source_means_no_call(site):
    assert not rates_drain.is_due()
    assert rates_drain.refresh() == 0


def test_a_source_inside_the_house_is_not_asked(site, settings):
    settings.WALLETS_RATES_URL = "http://127.0.0.1:8080/rates"
    assert rates_drain.is_due()

    assert rates_drain.refresh() == 0

    assert not rates_drain.is_due()
    assert RatePoint.objects.count() == 0
