"""Invoices of ours: what the server may answer when one is made, and how often each is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from adapters.base import AddressRequest, Hint, NodeDown, NodeRefused, Watched
from adapters.codecs import bolt11
from adapters.lnbits.receipts import is_due
from tests.adapters.invoice_contract import foreign, incoming, outgoing
from tests.adapters.lnbits.test_outcomes import COIN, server
from tests.adapters.lnbits.world import LnbitsWorld
from tests.lnbits.front import Answered, Call
from tests.lnbits.stand_in import Row
from wallets_site.base.clock import now

REPLIES = Path(__file__).parent / "replies"
HASH = "ab" * 32
MINUTE, HOUR, DAY = 60, 3600, 86_400


def creating(world: LnbitsWorld, change: dict[str, Any], status: int = 201) -> None:
    """The server's answer to a new invoice, with these fields changed."""

    def answer(call: Call) -> Answered | None:
        if call.method != "POST":
            return None
        _, raw = world.front.upstream(call)
        return status, json.dumps({**json.loads(raw), **change}).encode()

    world.front.instead = answer


# -- making one --


def test_the_server_is_asked_in_satoshi_with_the_invoice_key(either: LnbitsWorld):
    either.ask(7_000, memo="Pie")

    (call,) = [call for call in either.front.calls if call.method == "POST"]
    assert call.key == either.hot.invoice
    assert call.body == {"out": False, "amount": 7, "unit": "sat", "memo": "Pie", "expiry": 3600}


def test_without_a_memo_one_is_made_up(either: LnbitsWorld):
    assert bolt11.decode(either.ask(COIN).address).description == "Deposit 1"


def damaged(text: str) -> str:
    """The same but for its last character."""
    return text[:-1] + ("p" if text.endswith("q") else "q")


@pytest.mark.parametrize("names", [["payment_request"], ["bolt11"], ["bolt11", "payment_request"]])
def test_the_invoice_may_stand_under_either_name(new: LnbitsWorld, names: list[str]):
    """0.2 to 0.12: payment_request. 1.0 to 1.3.0: bolt11. Later: both."""
    both = {"bolt11": None, "payment_request": None}
    text = foreign("bc")
    named = dict.fromkeys(names, text) | {"payment_hash": bolt11.decode(text).payment_hash}
    creating(new, {**both, **named})
    adapter = new.make_adapter(invoice_key="")

    assert adapter.new_address(AddressRequest(1, amount=COIN)).address == text


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"bolt11": foreign("bc", 2 * COIN)}, "another amount"),
        ({"bolt11": foreign("tb")}, "on the network 'test'"),
        ({"bolt11": foreign("bc", None)}, "another amount"),
        ({"bolt11": foreign("bc", timestamp=1_600_000_000)}, "another time"),
        ({"bolt11": foreign("bc", timestamp=int(now().timestamp()) + HOUR)}, "another time"),
        ({"bolt11": damaged(foreign("bc"))}, "checksum"),
        ({"bolt11": "", "payment_request": ""}, "cannot be used"),
        ({"bolt11": 7}, "cannot be used"),
        ({"payment_hash": HASH}, "another payment hash"),
        ({"payment_hash": None}, "another payment hash"),
    ],
    ids=["amount", "network", "amountless", "expired", "clock", "damaged", "empty", "number", "hash", "no-hash"],
)
def test_a_server_that_lies_of_an_invoice_is_not_believed(new: LnbitsWorld, lie: dict[str, Any], words: str):
    told = {"payment_hash": bolt11.decode(foreign("bc")).payment_hash} if "payment_hash" not in lie else {}
    creating(new, {**told, **lie})

    with pytest.raises(NodeDown, match=words):
        new.make_adapter(invoice_key="").new_address(AddressRequest(1, amount=COIN))


def test_keys_of_two_wallets_are_found_out_at_the_first_invoice(either: LnbitsWorld):
    adapter = either.make_adapter(invoice_key=either.outside.invoice)

    with pytest.raises(NodeDown, match="different wallets"):
        adapter.new_address(AddressRequest(1, amount=COIN))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (520, {"detail": "Invoice amount 10000001 sats is too high.", "status": "failed"}, NodeRefused),
        (400, {"detail": [{"loc": ["body", "memo"], "msg": "too long"}]}, NodeRefused),
        (400, {"message": "Errors in request data"}, NodeRefused),
        (404, {"detail": "Wallet not found."}, NodeDown),
        (401, {"message": "Wrong keys."}, NodeDown),
        (429, {"error": "Rate limit exceeded: 3 per 1 minute"}, NodeDown),
        (500, {"detail": "Unexpected error!"}, NodeDown),
        (307, "", NodeDown),
        (201, [], NodeDown),
        (201, "null", NodeDown),
    ],
)
def test_a_refused_invoice_is_told_from_a_server_in_trouble(
    either: LnbitsWorld, status: int, body: Any, expected: type[Exception]
):
    either.front.always(status, body)

    with pytest.raises(expected) as refusal:
        either.ask(COIN)
    assert either.hot.invoice not in str(refusal.value)


def test_a_webhook_the_server_forbids_is_left_out(new: LnbitsWorld):
    adapter = new.make_adapter(webhook_url="http://127.0.0.1:8000/wallets/notify/LNBTC/wallet/lnbits")

    adapter.new_address(AddressRequest(1, amount=COIN))

    asked = [call.body for call in new.front.calls if call.method == "POST"]
    assert ["webhook" in body for body in asked] == [True, False]


def test_a_webhook_the_server_allows_is_asked_for_once(new: LnbitsWorld):
    url = "https://wallets.example.com/wallets/notify/LNBTC/wallet/lnbits"

    new.make_adapter(webhook_url=url).new_address(AddressRequest(1, amount=COIN))

    assert [call.body["webhook"] for call in new.front.calls if call.method == "POST"] == [url]


# -- webhooks --


def test_a_webhook_points_at_its_payment_whether_object_or_text(new: LnbitsWorld):
    body = json.dumps({"payment_hash": HASH, "amount": 1})

    assert new.adapter.hint("wallet", "lnbits", body.encode()) == Hint(HASH)
    assert new.adapter.hint("wallet", "lnbits", json.dumps(body).encode()) == Hint(HASH)


def test_recorded_webhooks_point_at_their_payments(new: LnbitsWorld):
    lines = (REPLIES / "webhooks.jsonl").read_text().splitlines()
    for line in lines:
        told = json.loads(line)
        assert new.adapter.hint("wallet", "lnbits", told["body"].encode()) == Hint(told["payment_hash"])
    assert len(lines) == 8


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b'{"payment_hash": 5}', b'{"payment_hash": "../x"}', b"\xff", b"[" * 90_000]
)
def test_any_other_webhook_points_at_nothing(new: LnbitsWorld, body: bytes):
    assert new.adapter.hint("wallet", "lnbits", body) is None


# -- being paid --


def test_a_server_that_says_another_amount_is_not_believed(either: LnbitsWorld):
    own = either.ask(COIN)
    either.pay_in(own.address)
    next(row for row in server(either).rows if row.payment_hash == own.ref).amount = COIN * 10

    for ask in (lambda: either.poll(), lambda: either.adapter.transfer(own.ref)):
        with pytest.raises(NodeDown, match="another amount"):
            ask()


def test_a_server_that_answers_for_another_payment_is_not_believed(either: LnbitsWorld):
    one, other = either.ask(COIN), either.ask(COIN)
    either.pay_in(other.address)
    paid = either.call("GET", f"/payments/{other.ref}", either.hot.invoice)[1]
    either.front.instead = lambda call: (200, json.dumps(paid).encode()) if one.ref in call.path else None

    with pytest.raises(NodeDown, match="another payment"):
        either.adapter.transfer(one.ref)


def test_an_invoice_of_ours_that_our_own_server_wallet_paid_is_credited(either: LnbitsWorld):
    """The server then shows the outgoing row of the two, with a negative amount."""
    own, cursor = either.ask(COIN), either.cursor()
    either.pay_from(either.hot, own.address)

    found = either.poll(cursor)

    assert [(one.amount, one.confirmations) for one in incoming(found, own)] == [(COIN, 1000)]
    assert [one.txid for one in outgoing(found)] == [own.ref]


def test_money_to_an_invoice_this_site_did_not_ask_for_is_found(either: LnbitsWorld):
    _, made = either.call("POST", "/payments", either.hot.invoice, {"out": False, "amount": 5, "memo": "by hand"})
    either.pay_in(made["payment_request"])

    (found,) = [one for one in either.poll(either.cursor()) if one.txid == made["payment_hash"]]

    assert (found.incoming, found.amount, found.address) == (True, 5000, made["payment_request"])


def test_what_left_the_wallet_is_found_behind_many_others(either: LnbitsWorld):
    cursor = either.cursor()
    either.steal(either.outside_invoice(COIN))
    for _ in range(60):
        either.call("POST", "/payments", either.hot.invoice, {"out": False, "amount": 1, "memo": "x"})
        server(either).rows[-1].state = "success"

    assert len(outgoing(either.poll(cursor))) == 1


def test_the_list_is_not_read_beyond_the_last_round(either: LnbitsWorld):
    for number in range(120):
        text = foreign("bc", payment_hash=number.to_bytes(32, "big"))
        old_one = Row(either.hot.id, number.to_bytes(32, "big").hex(), -1, text, "", "success", time=1_600_000_000)
        server(either).rows.insert(0, old_one)
    cursor = either.cursor()
    before = len(either.front.calls)

    either.poll(cursor)

    assert len([call for call in either.front.calls[before:] if "limit=" in call.path]) == 1


def test_a_list_that_ignores_its_limit_is_the_whole_list(either: LnbitsWorld):
    """As the oldest servers give it."""
    for _ in range(60):
        either.call("POST", "/payments", either.hot.invoice, {"out": False, "amount": 1, "memo": "x"})
    _, everything = either.call("GET", "/payments?limit=1000", either.hot.invoice)
    either.front.instead = lambda call: (200, json.dumps(everything).encode()) if "limit=" in call.path else None

    assert not either.page().more


def test_a_spoilt_cursor_begins_anew(either: LnbitsWorld):
    own = either.ask(COIN)
    either.pay_in(own.address)

    for cursor in ("rubbish", "{}", '{"since": "x"}', "null"):
        assert len(incoming(either.poll(cursor), own)) == 1


# -- how often --


def rounds_due(one: Watched, begin: int, end: int, step: int = 30) -> int:
    """How many polls, one each `step` seconds of the invoice's age, ask for it."""
    made = bolt11.made_at(one.address)
    moments = range(made + begin, made + end, step)
    return sum(is_due(one, moment - step, moment) for moment in moments)


def test_a_young_invoice_is_asked_for_each_time_and_an_old_one_ever_more_rarely(either: LnbitsWorld):
    own = either.ask(COIN)

    assert rounds_due(own, 30, HOUR) == 119
    assert 14 <= rounds_due(own, HOUR, 2 * HOUR) <= 28
    assert 1 <= rounds_due(own, 12 * HOUR, 13 * HOUR) <= 3
    assert rounds_due(own, 2 * DAY, 12 * DAY, step=10 * MINUTE) == 10
    assert rounds_due(own, 16 * DAY, 30 * DAY, step=10 * MINUTE) == 0


def test_a_first_round_asks_for_every_invoice(either: LnbitsWorld):
    own = either.ask(COIN)

    assert is_due(own, 0, bolt11.made_at(own.address) + 300 * DAY)
    assert not is_due(replace(own, ref="rubbish"), 0, 0)


def test_an_invoice_paid_after_its_expiry_is_credited(either: LnbitsWorld):
    own, cursor = either.ask(COIN), either.cursor()
    either.pay_in(own.address)

    with time_machine.travel(now() + timedelta(days=3)):
        assert len(incoming(either.poll(cursor), own)) == 1
