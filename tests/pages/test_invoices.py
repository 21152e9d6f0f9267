"""The pages of a coin of invoices."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.models import Invoice, Operation
from ledger.services import invoices
from tests.pages.reading import amounts_of, errors_beside, text_of, value_of
from tests.support.lightning import COIN, ask, fill, lightning_coin, outside, pay, pay_in, signed_anew
from tests.support.money import balances, pay_now, scan_now, switch

SAT = "0.00000001"


@pytest.fixture
def lnbtc(site):
    return lightning_coin()


def order(visitor, **fields):
    key = value_of(visitor.get("/receive/LNBTC/"), "key")
    said = {"key": key, "amount": "0.00001", "memo": "Tea for two", "lifetime": "3600", **fields}
    return visitor.post("/receive/LNBTC/new-invoice/", said)


def test_the_receive_page_asks_for_an_amount_and_makes_no_address(lnbtc, alice, at_alice):
    page = text_of(at_alice.get("/receive/LNBTC/"))

    assert "Ask for an amount" in page
    assert f"One satoshi is {SAT} LNBTC." in page
    assert "None yet." in page
    assert not Invoice.objects.exists()


def test_an_invoice_shows_its_amount_its_memo_its_code_and_its_end(lnbtc, alice, at_alice):
    answer = order(at_alice)
    made = Invoice.objects.get()
    assert answer["Location"] == f"/receive/LNBTC/invoices/{made.payment_hash}/"

    page = at_alice.get(answer["Location"])

    html = page.content.decode()
    assert (made.amount, made.memo) == (COIN, "Tea for two")
    assert f'data-copy="{made.bolt11}"' in html
    assert f'data-ends="{made.expires_at.isoformat()}"' in html
    assert 'aria-label="QR code with this invoice as a payment link"' in html
    assert "Waiting for the payment." in text_of(page)
    assert "0.00001 LNBTC" in amounts_of(page)


def test_the_button_makes_one_invoice_however_often_it_is_pressed(lnbtc, alice, at_alice):
    key = value_of(at_alice.get("/receive/LNBTC/"), "key")

    places = {order(at_alice, key=key)["Location"] for _ in range(2)}

    assert len(places) == Invoice.objects.count() == 1


@pytest.mark.parametrize(
    "amount", ["0", "-5", "abc", "1.9e3", "0.000000015", "0.000000000001", "", "true", "null", "1" + "0" * 30]
)
def test_a_bad_amount_is_refused_beside_its_field_or_above_the_form(lnbtc, alice, at_alice, amount):
    page = order(at_alice, amount=amount)

    assert page.status_code == 200
    assert errors_beside(page, "amount") or "refuses this" in text_of(page)
    assert not Invoice.objects.exists()


@pytest.mark.parametrize("fields", [{"memo": "x" * 640}, {"memo": "é" * 400}, {"lifetime": "5"}, {"lifetime": ""}])
def test_what_no_invoice_can_say_is_refused(lnbtc, alice, at_alice, fields):
    assert order(at_alice, **fields).status_code == 200
    assert not Invoice.objects.exists()


def test_a_node_that_does_not_answer_is_said_and_what_was_typed_is_kept(lnbtc, alice, at_alice):
    switch(lnbtc, outage=True)

    page = order(at_alice)

    assert "does not answer just now" in text_of(page)
    assert value_of(page, "memo") == "Tea for two"


def test_it_shows_as_paid_once_it_is_and_leads_to_the_payment(lnbtc, alice, at_alice):
    made = ask(alice, lnbtc, COIN)
    here = f"/receive/LNBTC/invoices/{made.payment_hash}/"
    assert "Waiting" in text_of(at_alice.get(here + "live/"))

    assert at_alice.post(here + "test-coins/")["Location"] == here
    scan_now(lnbtc)

    made.refresh_from_db()
    page = at_alice.get(here + "live/")
    assert "Paid" in text_of(page)
    assert f'href="/activity/{made.operation_id}/"' in page.content.decode()
    assert "hx-get" not in page.content.decode()
    assert balances(lnbtc, alice) == [(COIN, 0)]


def test_an_expired_one_offers_to_ask_again(lnbtc, alice, at_alice, clock):
    made = ask(alice, lnbtc, COIN, memo="Tea & cake", expires_in=60)
    clock.shift(timedelta(seconds=61))

    page = at_alice.get(f"/receive/LNBTC/invoices/{made.payment_hash}/")

    assert "It expired" in text_of(page)
    assert 'href="/receive/LNBTC/?amount=0.00001&amp;memo=Tea%20%26%20cake"' in page.content.decode()
    again = at_alice.get("/receive/LNBTC/", {"amount": "0.00001", "memo": "Tea & cake"})
    assert (value_of(again, "amount"), value_of(again, "memo")) == ("0.00001", "Tea & cake")


def test_nobody_sees_the_invoice_of_somebody_else(lnbtc, alice, bob, at_bob):
    here = f"/receive/LNBTC/invoices/{ask(alice, lnbtc, COIN).payment_hash}/"

    for place in (here, here + "live/"):
        assert at_bob.get(place).status_code == 404
    assert at_bob.post(here + "test-coins/")["Location"] == here
    assert scan_now(lnbtc)
    assert balances(lnbtc, alice) == [(0, 0)]


def test_invoices_are_listed_page_by_page_with_what_became_of_them(lnbtc, alice, at_alice, monkeypatch):
    monkeypatch.setattr(invoices, "PAGE", 2)
    _, second, third = (ask(alice, lnbtc, COIN, memo=name) for name in ("first", "second", "third"))
    pay_in(lnbtc, third)
    scan_now(lnbtc)

    page = text_of(at_alice.get("/receive/LNBTC/"))
    assert page.index("third") < page.index("second")
    assert ("Paid" in page, "Waiting" in page, "first" in page) == (True, True, False)
    older = text_of(at_alice.get("/receive/LNBTC/", {"before": second.pk}))
    assert "first" in older
    assert "Newest" in older


# Paying ----------------------------------------------------------------------------------------------
def review(visitor, to, **more):
    answer = visitor.post("/send/LNBTC/", {"to": to, "amount": "", "comment": "", **more})
    return answer if answer.status_code != 302 else visitor.get(answer["Location"])


def test_a_pasted_invoice_is_priced_with_its_own_amount_memo_and_end(lnbtc, alice, at_alice):
    fill(alice, lnbtc, 5 * COIN)

    page = review(at_alice, "lightning:" + outside(lnbtc, COIN, "Tea for two").upper())

    words = text_of(page)
    assert "Tea for two" in words
    assert "It can be paid until" in words
    assert {"0.00001 LNBTC", "0.0000001 LNBTC", "0.0000101 LNBTC"} <= set(amounts_of(page))
    done = at_alice.post(page.request["PATH_INFO"], {"quote": value_of(page, "quote")})
    pay_now(lnbtc)
    operation = Operation.objects.get(kind="withdraw")
    assert done["Location"] == f"/activity/{operation.pk}/"
    assert (operation.status, operation.comment) == ("done", "Tea for two")


def test_an_invoice_of_a_member_is_paid_at_once(lnbtc, alice, bob, at_alice):
    fill(alice, lnbtc, 5 * COIN)
    made = ask(bob, lnbtc, COIN)

    page = review(at_alice, made.bolt11)
    at_alice.post(page.request["PATH_INFO"], {"quote": value_of(page, "quote")})

    assert "of a member of this site. It is paid at once." in text_of(page)
    assert balances(lnbtc, alice, bob) == [(4 * COIN, 0), (COIN, 0)]


def test_invoices_that_cannot_be_paid_are_refused_in_words_and_nothing_moves(lnbtc, alice, bob, at_alice, clock):
    fill(alice, lnbtc, 50 * COIN)
    expired, paid, fresh = (ask(bob, lnbtc, COIN, expires_in=seconds) for seconds in (60, 3600, 3600))
    pay(alice, lnbtc, paid.bolt11)
    clock.shift(timedelta(seconds=61))
    corrupted = fresh.bolt11[:-1] + ("q" if fresh.bolt11[-1] != "q" else "p")
    cases = {
        expired.bolt11: "expired", paid.bolt11: "paid before", corrupted: "not a Lightning invoice",
        signed_anew(fresh, 9 * COIN): "changed", "lnbc1" + fresh.bolt11[5:]: "not a Lightning invoice",
    }  # fmt: skip

    for text, words in cases.items():
        page = review(at_alice, text)
        assert words in text_of(page), text
    assert "exactly" in text_of(review(at_alice, fresh.bolt11, amount="0.00002"))

    assert balances(lnbtc, alice, bob) == [(49 * COIN, 0), (COIN, 0)]
    assert Operation.objects.filter(incoming=False).count() == 1


def test_a_member_needs_an_amount(lnbtc, alice, bob, at_alice):
    fill(alice, lnbtc, 5 * COIN)

    assert errors_beside(review(at_alice, "bob"), "amount")
    assert balances(lnbtc, alice, bob) == [(5 * COIN, 0), (0, 0)]
