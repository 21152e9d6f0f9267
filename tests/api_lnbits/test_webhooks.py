"""Webhooks of invoices: one push, written with the money, as a JSON object that is signed."""

from __future__ import annotations

import json

import pytest

from ledger.models import Push
from tests.api_lnbits.client import admin_of, purse_of
from tests.support.lightning import node
from tests.support.money import scan_now

HOOK = "https://shop.example/paid"


@pytest.fixture
def till(coin, bob):
    return admin_of(purse_of(bob, "till"), bob)


def ask(program, **more):
    return program.ok(
        "POST", "/api/v1/payments", {"out": False, "amount": 7, "memo": "tea", "webhook": HOOK, **more}, 201
    )


def test_a_payment_from_the_network_is_told_once(admin, coin, shop, alice):
    made = ask(admin, extra={"tag": "shop"})
    assert made["webhook"] == HOOK
    assert not Push.objects.exists()
    node(coin).faucet(made["bolt11"], 7000)
    for _ in range(3):
        scan_now(coin)

    push = Push.objects.get()
    said = json.loads(push.body)
    assert (push.url, push.user) == (HOOK, alice)
    assert isinstance(said, dict)
    assert (said["payment_hash"], said["amount"], said["status"], said["pending"]) == (
        made["payment_hash"], 7000, "success", False,
    )  # fmt: skip
    assert (said["wallet_id"], said["memo"], said["extra"]) == (shop.ident, "tea", {"tag": "shop"})


@pytest.mark.both_databases
def test_a_payment_of_another_member_is_told_once(admin, till, coin):
    filled = admin.ok("POST", "/api/v1/payments", {"out": False, "amount": 100, "memo": "x"}, 201)
    node(coin).faucet(filled["bolt11"], 100_000)
    scan_now(coin)
    made = ask(till)

    admin.ok("POST", "/api/v1/payments", {"out": True, "bolt11": made["bolt11"]}, 201)

    assert [json.loads(push.body)["payment_hash"] for push in Push.objects.all()] == [made["payment_hash"]]


def test_an_invoice_without_a_webhook_tells_nobody(admin, coin):
    made = ask(admin, webhook="")
    assert made["webhook"] is None
    node(coin).faucet(made["bolt11"], 7000)
    scan_now(coin)
    assert not Push.objects.exists()
