"""What haste costs, and amounts typed in a currency."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from adapters.demo import encode_address
from ledger.models import Coin, Dispatch, Operation, Withdrawal
from ledger.services import rates
from tests.pages.reading import errors_beside, text_of, value_of
from tests.support.money import balances, blocks, books, charge, pay_now
from wallets_site.base.clock import now

AWAY = encode_address("tst", b"\x05" * 20)


def typed(client: Client, to: str = AWAY, amount: str = "1", **more: str):
    return client.post("/send/TST/", {"to": to, "amount": amount, "comment": "", **more})


def test_the_review_offers_each_level_and_what_it_adds(coin: Coin, rich: User, at_alice: Client):
    charge(coin, "withdrawal", fixed=1_000)
    where = typed(at_alice)["Location"]

    review = text_of(at_alice.get(where))

    assert "Slowincluded Normalincluded Fast+0.0000002 TST" in review
    assert "The network takes about 5 seconds." in review


def test_a_dear_level_is_paid_by_who_wants_it_and_reaches_the_network(coin, rich, at_alice, clock):
    charge(coin, "withdrawal", fixed=1_000)
    where = typed(at_alice)["Location"]
    at_alice.post(where, {"level": "fast"})
    review = at_alice.get(where)
    assert "Fee 0.0000102 TST" in text_of(review)

    at_alice.post(where, {"quote": value_of(review, "quote")})

    row = Withdrawal.objects.get()
    assert (row.level, row.fee) == ("fast", 1_020)
    assert balances(coin, rich) == [(899_998_980, 100_001_020)]
    pay_now(coin)
    blocks(4, clock)
    pay_now(coin)
    assert Operation.objects.get(kind="withdraw").status == "done"
    assert Dispatch.objects.get().fee == 30
    assert books(coin)["network_fee"] == -30
    assert books(coin)["fee_income"] == 1_020


def test_all_of_it_by_a_dear_level_leaves_nothing(coin, rich, at_alice):
    charge(coin, "withdrawal", fixed=1_000)
    where = typed(at_alice, max="1")["Location"]
    at_alice.post(where, {"level": "fast"})

    assert "The recipient gets 9.9999898 TST" in text_of(at_alice.get(where))


def test_a_level_that_does_not_exist_changes_nothing(coin, rich, at_alice):
    where = typed(at_alice)["Location"]

    page = at_alice.post(where, {"level": "<b>warp"}, follow=True)

    assert "This coin has no such fee level." in text_of(page)
    assert "The recipient gets 1 TST" in text_of(page)


def test_a_member_is_paid_without_a_network(coin, rich, bob, at_alice):
    assert "Speed" not in text_of(at_alice.get(typed(at_alice, to="bob")["Location"]))


def test_the_api_names_levels_and_takes_them(coin, rich, at_alice):
    def ask(path: str, key: str = "k", **body: str):
        said = json.dumps({"coin": "TST", "to": AWAY, "amount": "1", **body})
        return at_alice.post(f"/api/v1/{path}", said, "application/json", headers={"Idempotency-Key": key})

    assert at_alice.get("/api/v1/coins").json()["coins"][0]["fee_levels"] == ["slow", "normal", "fast"]
    preview = ask("withdrawals/preview", level="fast").json()
    assert (preview["level"], preview["fee"], preview["wait"]) == ("fast", "0.0000002", "about 5 seconds")
    assert ask("withdrawals/preview", level="warp").status_code == 400
    first, again = ask("withdrawals", level="fast"), ask("withdrawals", level="fast")
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    assert ask("withdrawals", level="slow").json()["code"] == "idempotency_conflict"
    assert Withdrawal.objects.get().level == "fast"


# -- in a currency --


@pytest.fixture
def worth(coin: Coin) -> None:
    rates.set_rate(coin=coin, currency="EUR", price=80 * 10**12)


def test_an_amount_in_a_currency_becomes_coins_rounded_down(coin, rich, bob, worth, at_alice):
    page = text_of(at_alice.get("/send/TST/lookup/?to=bob&amount=10&unit=currency"))
    review = at_alice.get(typed(at_alice, to="bob", amount="10", unit="currency")["Location"])

    assert "That is 0.125 TST" in page
    assert "The recipient gets 0.125 TST" in text_of(review)
    assert rates.amount_of(1_000, 8, 30 * 10**12) == 33_333_333


@pytest.mark.parametrize("amount", ["1,5", "0.001", "0", "-1", "x"])
def test_what_is_no_amount_of_a_currency_is_said_beside_it_and_stays(coin, rich, bob, worth, at_alice, amount):
    page = typed(at_alice, to="bob", amount=amount, unit="currency")

    assert errors_beside(page, "amount")
    assert value_of(page, "amount") == amount
    assert 'value="currency" selected' in page.content.decode()
    assert balances(coin, rich) == [(1_000_000_000, 0)]


def test_an_old_rate_is_not_used_to_pay(coin, rich, worth, at_alice):
    assert 'name="unit"' in at_alice.get("/send/TST/").content.decode()
    rates.set_rate(coin=coin, currency="EUR", price=80 * 10**12, at=now() - timedelta(days=2))

    assert 'name="unit"' not in at_alice.get("/send/TST/").content.decode()
