"""Amounts of 29 decimals, typed, shown, summed and exported: not one raw unit is rounded on any road."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from ledger.models import Coin
from tests.accounts.people import signed_in
from tests.adapters.banano.test_ledger import connect, tidy
from tests.adapters.banano.world import BananoWorld
from tests.pages.reading import amounts_of, text_of, value_of
from tests.support.money import address_of, balances, scan_now

PAID_IN = "340282366.92093846346337460743176821145"  # 2^125 or so: 38 digits, no double and no 64 bits hold it
SENT = "0.00000000000000000000000000001"
WITHDRAWN = "1.10000000000000000000000000007"
LEFT = "340282365.82093846346337460743176821137"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BananoWorld]:
    world = BananoWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def coin(site: object, world: BananoWorld) -> Coin:
    return connect(world.node)


def raw(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(29, "0"))


def send(browser: Client, to: str, amount: str) -> None:
    where = browser.post("/send/BAN/", {"to": to, "amount": amount, "comment": ""})["Location"]
    review = browser.get(where)
    assert amounts_of(review)[0] == f"{amount} BAN"
    assert browser.post(where, {"quote": value_of(review, "quote")}).status_code == 302


def test_twenty_nine_decimals_stay_exact_on_every_road(world: BananoWorld, coin: Coin, alice: User, bob: User):
    at_alice, at_bob = signed_in(alice), signed_in(bob)
    world.deposit(address_of(alice, coin), raw(PAID_IN))
    scan_now(coin)
    send(at_alice, "bob", SENT)
    outside = world.outside_address()
    send(at_alice, outside, WITHDRAWN)
    for _ in range(3):
        tidy(coin, world)

    assert world.arrived(outside) == [raw(WITHDRAWN)]
    assert balances(coin, alice, bob) == [(raw(LEFT), 0), (1, 0)]
    assert raw(PAID_IN) == raw(LEFT) + raw(SENT) + raw(WITHDRAWN)

    # shown
    assert f"{LEFT} BAN" in amounts_of(at_alice.get("/"))
    assert f"{SENT} BAN" in amounts_of(at_bob.get("/"))
    activity = amounts_of(at_alice.get("/activity/?coin=BAN"))
    assert {f"{one} BAN" for one in (PAID_IN, SENT, WITHDRAWN)} <= set(activity)
    assert "confirmed" in text_of(at_alice.get(f"/activity/{_withdrawal(at_alice)['id']}/"))

    # by the API
    (account,) = at_alice.get("/api/v1/accounts").json()["accounts"]
    assert (account["available"], account["balance"]) == (LEFT, LEFT)
    assert _withdrawal(at_alice)["amount"] == WITHDRAWN
    too_fine = {"coin": "BAN", "to": "bob", "amount": SENT + "1"}
    refused = at_alice.post("/api/v1/sends/preview", json.dumps(too_fine), "application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_amount")
    as_number = at_alice.post("/api/v1/sends/preview", '{"coin":"BAN","to":"bob","amount":1}', "application/json")
    assert as_number.status_code == 400

    # exported
    sheet = _csv(b"".join(at_alice.get("/activity/activity.csv").streaming_content).decode())  # type: ignore[attr-defined]
    assert any(LEFT in line or PAID_IN in line for line in sheet)
    books = io.StringIO()
    call_command("ledger_export", stdout=books)
    for amount in (PAID_IN, SENT, WITHDRAWN):
        assert amount in books.getvalue()
    trial = io.StringIO()
    call_command("ledger_export", "--format", "trial", stdout=trial)
    assert LEFT in trial.getvalue()


def _withdrawal(browser: Client) -> dict[str, str]:
    rows = browser.get("/api/v1/operations").json()["operations"]
    return dict(next(row for row in rows if row["kind"] == "withdraw"))


def _csv(text: str) -> list[str]:
    return [" ".join(row) for row in csv.reader(io.StringIO(text))]
