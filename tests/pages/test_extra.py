"""Payment ids on the pages and in the API: asked for, explained, warned about, and never given twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from adapters.forknote.addresses import integrated
from adapters.forknote.options import PAYMENT_ID
from ledger.models import Coin, Operation
from ledger.services import addresses
from tests.adapters.forknote.forknote_world import ForknoteWorld
from tests.adapters.forknote.test_forknote_site import COIN, connect, fund
from tests.pages.reading import errors_beside, text_of, value_of
from tests.support.money import balances

ID = "ab" * 31 + "0f"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ForknoteWorld]:
    world = ForknoteWorld("camel", tmp_path)
    yield world
    world.close()


@pytest.fixture
def frk(site: object, world: ForknoteWorld) -> Coin:
    return connect(world)


@pytest.fixture
def rich(world: ForknoteWorld, frk: Coin, alice: User) -> User:
    fund(world, frk, alice, 5 * COIN)
    return alice


def typed(client: Client, to: str, **more: str):
    return client.post("/send/FRK/", {"to": to, "amount": "1", "comment": "", "extra": "", **more})


def test_the_send_form_asks_for_a_payment_id_and_says_what_it_is(rich: User, at_alice: Client):
    page = text_of(at_alice.get("/send/FRK/"))

    assert "Payment id optional" in page
    assert "64 digits (0 to 9, a to f) that tell the recipient whose payment this is." in page


def test_a_coin_without_payment_ids_asks_for_none(coin: Coin, at_alice: Client):
    assert 'name="extra"' not in at_alice.get("/send/TST/").content.decode()


def test_the_review_warns_where_no_payment_id_was_given(rich: User, at_alice: Client, world: ForknoteWorld):
    with_id, without = (
        text_of(at_alice.get(typed(at_alice, world.outside_address(), extra=extra)["Location"])) for extra in (ID, "")
    )

    assert "This payment has no payment id." in without
    assert "This payment has no payment id." not in with_id
    assert f"With payment id {ID}" in with_id


def test_a_wrong_payment_id_is_refused_beside_its_field_and_what_was_typed_stays(
    rich: User, at_alice: Client, world: ForknoteWorld, frk: Coin
):
    to = world.outside_address()
    page = typed(at_alice, to, extra="ab")

    assert errors_beside(page, "extra") == ["The payment id must be 64 hex digits (0-9, a-f)."]
    assert (value_of(page, "to"), value_of(page, "extra")) == (to, "ab")
    assert balances(frk, rich) == [(5 * COIN, 0)]


def test_an_integrated_address_needs_no_payment_id_and_takes_none_beside_it(
    rich: User, at_alice: Client, world: ForknoteWorld, frk: Coin
):
    plain = world.outside_address()
    both = integrated(plain, ID)

    assert errors_beside(typed(at_alice, both, extra=ID), "extra") == [
        "This address has its payment id built in. Leave the other one out."
    ]
    where = typed(at_alice, both)["Location"]
    review = at_alice.get(where)
    assert f"With payment id {ID}" in text_of(review)
    at_alice.post(where, {"quote": value_of(review, "quote")})
    sent = Operation.objects.get(kind="withdraw")
    assert (sent.address, sent.extra) == (plain, ID)


def test_a_payment_link_fills_address_and_payment_id_and_another_amount_is_told(
    rich: User, at_alice: Client, world: ForknoteWorld
):
    plain = world.outside_address()
    review = at_alice.get(typed(at_alice, f"forknote:{plain}?payment_id={ID}&amount=2.5")["Location"])

    assert f"With payment id {ID}" in text_of(review)
    assert "The payment link asks for 2.5 FRK, and you send another amount." in text_of(review)


def test_the_receive_page_shows_address_payment_id_code_and_why(
    site: object, world: ForknoteWorld, alice: User, at_alice: Client
):
    coin = connect(world, receive=PAYMENT_ID)
    held = addresses.assign_address(user=alice, coin=coin, key="first")
    page = at_alice.get("/receive/FRK/")
    html = page.content.decode()

    assert f'data-copy="{held.address}"' in html
    assert f'data-copy="{held.extra}"' in html
    assert f'data-copy="forknote:{held.address}?payment_id={held.extra}"' in html
    assert 'role="img"' in html
    assert "Everybody here shares this address: the payment id alone tells that the coins are yours." in text_of(page)


# -- the API keeps the same rules --


def ask(client: Client, path: str, **body: str):
    return client.post(f"/api/v1/{path}", json.dumps({"coin": "FRK", "amount": "1", **body}), "application/json")


def test_the_api_says_what_the_second_part_is(rich: User, at_alice: Client, coin: Coin):
    told = {one["symbol"]: one["extra"] for one in at_alice.get("/api/v1/coins").json()["coins"]}

    assert told["FRK"]["name"] == "Payment id"
    assert told["TST"] is None


def test_the_api_warns_refuses_and_takes_apart_in_the_same_words(rich: User, at_alice: Client, world: ForknoteWorld):
    plain = world.outside_address()
    both = integrated(plain, ID)

    said = ask(at_alice, "sends/preview", to=plain).json()
    assert said["warnings"][0].startswith("This payment has no payment id.")
    said = ask(at_alice, "sends/preview", to=both).json()
    assert (said["address"], said["extra"], said["warnings"]) == (plain, ID, [])
    for to, extra in ((plain, "ab"), (both, ID)):
        answer = ask(at_alice, "sends/preview", to=to, extra=extra)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_extra")
