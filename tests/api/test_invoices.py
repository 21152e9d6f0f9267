"""Invoices over the REST API."""

from __future__ import annotations

import pytest

from ledger.models import Address, Invoice, Operation
from tests.api.callers import Program
from tests.support.lightning import COIN, ask, fill, lightning_coin, outside, pay, pay_in, signed_anew
from tests.support.money import balances, scan_now, switch

ORDER = {"coin": "LNBTC", "amount": "0.00001", "memo": "Order 1042", "expires_in": 600}


@pytest.fixture
def lnbtc(site):
    return lightning_coin()


@pytest.fixture
def shop(lnbtc, alice) -> Program:
    return Program(alice, "read", "receive", "send", "withdraw")


def test_an_invoice_is_made_read_and_listed_and_turns_to_paid(lnbtc, alice, shop):
    answer = shop.post("invoices", ORDER)
    made = Invoice.objects.get()

    assert answer.status_code == 201
    said = answer.json()
    assert (said["payment_hash"], said["invoice"]) == (made.payment_hash, made.bolt11)
    assert (said["amount"], said["memo"], said["status"]) == ("0.00001", "Order 1042", "open")
    assert (said["paid"], said["operation"]) == (None, None)
    assert shop.get(f"invoices/{made.payment_hash}").json() == said
    assert shop.get("invoices?coin=LNBTC").json() == {"invoices": [said], "next_before": None}

    pay_in(lnbtc, made)
    scan_now(lnbtc)

    said = shop.get(f"invoices/{made.payment_hash}").json()
    assert (said["status"], said["operation"]) == ("paid", Operation.objects.get().pk)
    assert balances(lnbtc, alice) == [(COIN, 0)]


def test_each_operation_names_its_purse_in_lists_and_in_the_feed(lnbtc, alice, bob, shop):
    fill(alice, lnbtc, 5 * COIN)
    fill(alice, lnbtc, 3 * COIN, number=2)
    pay(alice, lnbtc, ask(bob, lnbtc, COIN).bolt11, number=2)

    rows = shop.get("operations").json()["operations"]
    assert [(row["amount"], row["purse"]) for row in rows] == [("0.00001", 2), ("0.00003", 2), ("0.00005", 0)]
    assert shop.get(f"operations/{rows[0]['id']}").json()["purse"] == 2
    told = [item["data"]["operation"] for item in shop.get("events?after=0").json()["events"]
            if item["name"] == "deposit_credited"]  # fmt: skip
    assert [(one["amount"], one["purse"]) for one in told] == [("0.00005", 0), ("0.00003", 2)]


def test_the_same_key_is_the_same_invoice(shop):
    answers = [shop.post("invoices", ORDER, key="order-1042") for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert shop.post("invoices", {**ORDER, "amount": "0.00002"}, key="order-1042").status_code == 409
    assert Invoice.objects.count() == 1


@pytest.mark.parametrize(
    "amount",
    ["0", "-5", "abc", "1.9e3", "0.000000015", "0.00000000500", "true", "", "1" + "0" * 30, None, True, 1.9, 0.5, 1000],
)
def test_a_bad_amount_makes_no_invoice(shop, amount):
    answer = shop.post("invoices", {**ORDER, "amount": amount})

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert not Address.objects.exists()


@pytest.mark.parametrize(
    "what",
    [
        {"memo": "x" * 640}, {"memo": "é" * 400}, {"expires_in": 0}, {"expires_in": 10**9}, {"expires_in": "soon"},
        {"description_hash": "zz"}, {"coin": "NOPE"}, {"surprise": 1},
    ],
)  # fmt: skip
def test_what_no_invoice_can_say_is_refused(shop, what):
    assert shop.post("invoices", {**ORDER, **what}).status_code in (400, 404)
    assert not Address.objects.exists()


def test_a_node_that_does_not_answer_is_said(lnbtc, shop):
    switch(lnbtc, outage=True)

    assert shop.post("invoices", ORDER).status_code == 503


def test_nobody_reads_the_invoice_of_somebody_else(lnbtc, bob, shop):
    made = ask(bob, lnbtc, COIN)

    assert shop.get(f"invoices/{made.payment_hash}").status_code == 404
    assert shop.get("invoices?coin=LNBTC").json()["invoices"] == []


def test_an_invoice_is_paid_without_naming_its_amount_again(lnbtc, alice, bob, shop):
    fill(alice, lnbtc, 5 * COIN)
    made, bill = ask(bob, lnbtc, COIN), outside(lnbtc, COIN)

    first = shop.post("sends", {"coin": "LNBTC", "to": made.bolt11}, key="one")
    again = shop.post("sends", {"coin": "LNBTC", "to": made.bolt11}, key="one")
    second = shop.post("sends", {"coin": "LNBTC", "to": bill, "amount": "0.00001"})

    assert (first.status_code, first.json()["kind"], first.json()["amount"]) == (201, "move", "0.00001")
    assert first.json()["payment_hash"] == made.payment_hash
    assert again.json()["id"] == first.json()["id"]
    assert (second.status_code, second.json()["kind"]) == (201, "withdraw")
    assert balances(lnbtc, bob) == [(COIN, 0)]


def test_invoices_that_cannot_be_paid_are_refused_and_nothing_moves(lnbtc, alice, bob, shop):
    fill(alice, lnbtc, 50 * COIN)
    paid, fresh = ask(bob, lnbtc, COIN), ask(bob, lnbtc, COIN)
    pay(alice, lnbtc, paid.bolt11)
    cases = [
        (paid.bolt11, None, 409), (signed_anew(fresh, 9 * COIN), None, 400), (fresh.bolt11[:-1] + "b", None, 400),
        (fresh.bolt11, "0.00002", 400), ("bob", None, 400), ("lnbc1", None, 400),
    ]  # fmt: skip

    for to, amount, status in cases:
        body = {"coin": "LNBTC", "to": to, **({"amount": amount} if amount else {})}
        assert shop.post("sends", body).status_code == status, to

    assert balances(lnbtc, alice, bob) == [(49 * COIN, 0), (COIN, 0)]
    assert Operation.objects.filter(incoming=False).count() == 1
