"""Each answer to a payment, and what lookup makes of it: when money is kept, when it is released."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from adapters.base import (
    Absent,
    Confirmed,
    Dead,
    NodeDown,
    NodeRefused,
    Pending,
    Prepared,
    Refused,
    Sent,
    Tried,
    Unknown,
)
from adapters.base import Unclear as UnclearSend
from tests.adapters.invoice_contract import FINAL, foreign
from tests.adapters.invoice_world import settled
from tests.adapters.lnbits.world import LnbitsWorld
from tests.lnbits.front import Answered, Call
from tests.lnbits.stand_in import StandIn
from wallets_site.base.clock import now

COIN = 1_000_000
HOUR = timedelta(hours=1)


def server(world: LnbitsWorld) -> StandIn:
    assert isinstance(world.front.upstream, StandIn)
    return world.front.upstream


def outside(world: LnbitsWorld, fate: Any, fee: int = 0) -> Prepared:
    """A payment to a node out in the network, and what becomes of it there."""
    invoice = foreign("bc")
    server(world).route(invoice, fate, fee)
    return world.prepare(COIN, invoice)


def tried(prepared: Prepared, outcome: Any, attempts: int = 1) -> Tried:
    return Tried(prepared, attempts=attempts, attempted_at=now(), outcome=outcome)


def answering(status: int, body: object) -> Callable[[Call], Answered | None]:
    """This to the payment; everything else goes on as usual."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return lambda call: (status, raw) if call.pays else None


# -- what the server says of a payment it made --


def test_a_settled_payment_tells_what_the_route_cost(new: LnbitsWorld):
    prepared = outside(new, "success", fee=1234)

    assert new.adapter.broadcast(prepared) == Sent(prepared.id, 1234)
    assert settled(new.adapter.lookup(tried(prepared, "sent"))) == (FINAL, prepared.id, 1234)
    assert new.adapter.funds(()).total == new.funded - COIN - 1234


def test_an_old_server_tells_the_cost_when_asked_for_the_payment(old: LnbitsWorld):
    prepared = outside(old, "success", fee=1234)

    assert old.adapter.broadcast(prepared) == Sent(prepared.id, None)
    assert settled(old.adapter.lookup(tried(prepared, "sent"))) == (FINAL, prepared.id, 1234)


def test_a_payment_under_way_stays_pending_until_it_settles(either: LnbitsWorld):
    prepared = outside(either, "pending")

    assert either.adapter.broadcast(prepared) == Sent(prepared.id, None)
    for _ in range(2):
        assert either.adapter.lookup(tried(prepared, "sent")) == Pending(prepared.id)
    server(either).settle(prepared.id, "success", fee=77)
    assert settled(either.adapter.lookup(tried(prepared, "sent"))) == (FINAL, prepared.id, 77)


def test_a_payment_under_way_stays_pending_long_after_its_invoice_expired(either: LnbitsWorld):
    prepared = outside(either, "pending")
    either.adapter.broadcast(prepared)

    with time_machine.travel(now() + 24 * HOUR):
        assert either.adapter.lookup(tried(prepared, "sent")) == Pending(prepared.id)


def test_one_invoice_that_hangs_holds_up_no_other(either: LnbitsWorld):
    hanging = outside(either, "pending")
    either.adapter.broadcast(hanging)
    other = either.adapter.prepare([either.payment(COIN, id="w2")], [tried(hanging, "sent")])

    assert isinstance(either.adapter.broadcast(other), Sent)
    assert isinstance(either.adapter.lookup(tried(other, "sent")), Confirmed)


def test_a_pending_payment_that_fails_is_dead_on_a_new_server(new: LnbitsWorld):
    prepared = outside(new, "pending")
    new.adapter.broadcast(prepared)
    server(new).settle(prepared.id, "failed")

    assert isinstance(new.adapter.lookup(tried(prepared, "sent")), Dead)


def test_a_pending_payment_that_fails_is_dead_on_an_old_server_some_time_after_its_invoice_expired(old: LnbitsWorld):
    prepared = outside(old, "pending")
    old.adapter.broadcast(prepared)
    server(old).settle(prepared.id, "failed")

    assert isinstance(old.adapter.lookup(tried(prepared, "sent")), Unknown)
    with time_machine.travel(now() + HOUR + timedelta(minutes=59)):
        assert isinstance(old.adapter.lookup(tried(prepared, "sent")), Unknown)
    with time_machine.travel(now() + HOUR + timedelta(minutes=61)):
        assert isinstance(old.adapter.lookup(tried(prepared, "sent")), Dead)


def test_a_route_that_is_not_found_is_refused_and_dead(either: LnbitsWorld):
    prepared = outside(either, "failed")

    assert isinstance(either.adapter.broadcast(prepared), Refused)
    assert isinstance(either.adapter.lookup(tried(prepared, "refused")), Dead)
    assert either.adapter.funds(()).total == either.funded


def test_a_201_that_says_failed_is_no_payment(new: LnbitsWorld):
    prepared = outside(new, "failed")
    new.adapter.broadcast(prepared)  # 1.6.2 answers a second try with the stale row of the first, and 201

    assert isinstance(new.adapter.broadcast(prepared), Refused)
    assert isinstance(new.adapter.lookup(tried(prepared, "refused", attempts=2)), Dead)


def test_a_520_that_says_pending_keeps_the_payment(new: LnbitsWorld):
    prepared = outside(new, "pending")

    for _ in range(2):
        assert new.adapter.broadcast(prepared) == Sent(prepared.id, None)
    assert new.adapter.lookup(tried(prepared, "sent", attempts=2)) == Pending(prepared.id)


def test_a_520_that_says_success_is_final_when_the_row_is_ours(new: LnbitsWorld):
    prepared = outside(new, "success", fee=5)

    for _ in range(2):
        assert new.adapter.broadcast(prepared) == Sent(prepared.id, 5)


def test_a_520_that_says_success_without_a_row_of_ours_proves_nothing(new: LnbitsWorld):
    prepared = outside(new, "pending")
    new.front.instead = answering(520, {"detail": "Payment already paid.", "status": "success"})

    assert isinstance(new.adapter.broadcast(prepared), UnclearSend)


def test_a_520_without_a_status_is_judged_by_the_row(old: LnbitsWorld):
    prepared = outside(old, "pending")
    old.adapter.broadcast(prepared)
    old.front.instead = answering(520, {"detail": "Payment failed: timeout"})

    assert old.adapter.broadcast(prepared) == Sent(prepared.id, None)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (520, {"detail": "Insufficient balance.", "status": "failed"}),
        (520, {"detail": "You must reserve at least (18  sat) to cover potential routing fees.", "status": "failed"}),
        (403, {"detail": "Insufficient balance."}),
        (403, {"message": "Insufficient balance."}),
        (400, {"detail": "Missing BOLT11 invoice"}),
        (400, {"detail": [{"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}]}),
        (401, {"detail": "No Api Key provided."}),
        (403, {"detail": "Invoice (or Admin) key required."}),
        (404, {"detail": "Wallet not found."}),
    ],
)
def test_a_definite_no_to_the_only_try_releases_the_money(either: LnbitsWorld, status: int, body: Any):
    prepared = either.prepare(COIN)
    either.front.instead = answering(status, body)

    said = either.adapter.broadcast(prepared)
    either.heal()

    assert isinstance(said, Refused)
    assert said.reason
    assert isinstance(either.adapter.lookup(tried(prepared, "refused")), Dead)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"detail": "Unexpected error! ID: SU9fXqswwc2V3uWyUGcWZP"}),
        (502, "<html>Bad gateway"),
        (520, "web server is returning an unknown error"),
        (403, "<html>Forbidden by some gateway"),
        (404, "<html>Not found"),
        (404, {}),
        (307, ""),
        (429, {"error": "Rate limit exceeded: 3 per 1 minute"}),
        (201, "null"),
        (201, []),
        (201, {"payment_hash": "ab" * 32, "status": "success"}),
        (201, {"status": "success"}),
        (204, ""),
    ],
)
def test_an_answer_that_proves_nothing_keeps_the_money(either: LnbitsWorld, status: int, body: Any):
    prepared = either.prepare(COIN)
    either.front.instead = answering(status, body)

    said = either.adapter.broadcast(prepared)
    either.heal()

    assert isinstance(said, UnclearSend)
    assert not isinstance(either.adapter.lookup(tried(prepared, "unclear")), Dead)


def test_the_row_of_the_payee_is_no_payment_of_ours(new: LnbitsWorld):
    """1.6.2 answers with it, and 201, when an invoice of one of its wallets had expired."""
    invoice = new.outside_invoice(COIN)
    prepared = new.prepare(COIN, invoice)
    theirs = {"payment_hash": prepared.id, "amount": COIN, "fee": 0, "preimage": "11" * 32}
    new.front.instead = answering(201, {**theirs, "status": "failed"})
    assert isinstance(new.adapter.broadcast(prepared), Refused)

    new.front.instead = answering(201, {**theirs, "status": "success"})
    assert isinstance(new.adapter.broadcast(prepared), UnclearSend)


# -- what nothing at all means --


def test_nothing_found_before_a_try_is_absent(either: LnbitsWorld):
    assert either.adapter.lookup(Tried(either.prepare(COIN))) == Absent()


def test_an_invoice_that_expired_is_not_sent_and_dead(either: LnbitsWorld):
    prepared = either.prepare(COIN)
    before = len(either.front.calls)

    with time_machine.travel(now() + HOUR + timedelta(seconds=1)):
        assert isinstance(either.adapter.broadcast(prepared), Refused)
        assert len(either.front.calls) == before
        assert isinstance(either.adapter.lookup(tried(prepared, "refused")), Dead)


@pytest.mark.parametrize("outcome", ["", "unclear"])
def test_a_try_without_news_may_be_repeated_on_a_new_server_only(old: LnbitsWorld, new: LnbitsWorld, outcome: str):
    """A new one keeps the row of each try and never pays a hash twice; an old one leaves that to its node."""
    assert new.adapter.lookup(tried(new.prepare(COIN), outcome)) == Absent()
    assert isinstance(old.adapter.lookup(tried(old.prepare(COIN), outcome)), Unknown)


def test_a_try_without_news_is_given_up_some_time_after_the_expiry(either: LnbitsWorld):
    prepared = either.prepare(COIN)

    with time_machine.travel(now() + HOUR + timedelta(minutes=59)):
        assert isinstance(either.adapter.lookup(tried(prepared, "unclear")), Unknown)
    with time_machine.travel(now() + HOUR + timedelta(minutes=61)):
        assert isinstance(either.adapter.lookup(tried(prepared, "unclear")), Dead)


def test_a_no_after_an_unclear_try_is_no_proof(either: LnbitsWorld):
    prepared = either.prepare(COIN)

    assert not isinstance(either.adapter.lookup(tried(prepared, "refused", attempts=2)), Dead)


def test_a_new_server_that_forgot_a_payment_it_took_is_for_people(new: LnbitsWorld):
    prepared = outside(new, "pending")
    new.adapter.broadcast(prepared)
    server(new).rows.pop()

    with time_machine.travel(now() + 100 * HOUR):
        assert isinstance(new.adapter.lookup(tried(prepared, "sent")), Unknown)


def test_a_key_of_no_wallet_or_of_another_one_proves_nothing(either: LnbitsWorld):
    """The first sees everybody's payments, the second none of ours."""
    prepared = either.prepare(COIN)
    other = either.make_adapter(admin_key=either.outside.admin)
    gone = either.make_adapter(admin_key="0" * 32)

    for adapter in (other, gone):
        assert isinstance(adapter.lookup(tried(prepared, "refused")), Unknown)
    either.adapter.broadcast(prepared)
    for adapter in (other, gone):
        assert isinstance(adapter.lookup(tried(prepared, "sent")), Unknown)
        assert adapter.proof(tried(prepared, "sent")) is None


def test_another_amount_on_the_server_is_for_people(either: LnbitsWorld):
    prepared = either.prepare(COIN)
    either.adapter.broadcast(prepared)
    server(either).rows[-1].amount = -COIN - 1

    assert isinstance(either.adapter.lookup(tried(prepared, "sent")), Unknown)


def test_a_payment_that_failed_before_is_not_prepared_again(new: LnbitsWorld):
    prepared = outside(new, "failed")
    new.adapter.broadcast(prepared)

    with pytest.raises(NodeRefused, match="new one"):
        new.prepare(COIN, json.loads(prepared.blob)["invoice"])


def test_an_adapter_made_anew_knows_everything(either: LnbitsWorld):
    prepared = outside(either, "success", fee=9)
    either.make_adapter().broadcast(prepared)

    assert settled(either.make_adapter().lookup(tried(prepared, ""))) == (FINAL, prepared.id, 9)


# -- the oldest servers, which give no details of a payment --


def without_details(world: LnbitsWorld) -> None:
    def answer(call: Call) -> Answered | None:
        if call.method != "GET" or "/payments/" not in call.path:
            return None
        status, raw = world.front.upstream(call)
        said = json.loads(raw)
        said.pop("details", None)
        return status, json.dumps(said).encode()

    world.front.instead = answer


def test_without_details_the_list_tells_the_cost(old: LnbitsWorld):
    prepared = outside(old, "success", fee=31)
    without_details(old)

    assert old.adapter.broadcast(prepared) == Sent(prepared.id, None)
    assert settled(old.adapter.lookup(tried(prepared, "sent"))) == (FINAL, prepared.id, 31)


def test_without_details_a_second_no_to_a_payment_that_was_made_proves_nothing(old: LnbitsWorld):
    prepared = outside(old, "success")
    old.adapter.broadcast(prepared)
    made = b'{"paid": true, "preimage": ""}'
    no = b'{"detail": "Payment failed: already paid"}'
    old.front.instead = lambda call: (520, no) if call.pays else (200, made) if prepared.id in call.path else None

    assert isinstance(old.adapter.broadcast(prepared), UnclearSend)
    assert settled(old.adapter.lookup(tried(prepared, "unclear", attempts=2))) == (FINAL, prepared.id, 0)


def test_without_details_a_paid_invoice_of_ours_is_credited_by_its_own_amount(old: LnbitsWorld):
    own, cursor = old.ask(COIN), old.cursor()
    without_details(old)
    assert [one for one in old.poll(cursor) if one.address == own.address] == []
    old.pay_in(own.address)

    (found,) = [one for one in old.poll(cursor) if one.address == own.address]

    assert (found.amount, found.confirmations) == (COIN, FINAL)


def test_without_details_a_payment_in_neither_list_is_for_people(old: LnbitsWorld):
    prepared = old.prepare(COIN)
    old.front.instead = lambda call: (200, b'{"paid": true}') if f"/payments/{prepared.id}" in call.path else None

    assert isinstance(old.adapter.lookup(tried(prepared, "sent")), Unknown)
    with pytest.raises(NodeRefused):
        old.prepare(COIN, json.loads(prepared.blob)["invoice"])


def test_the_admin_key_must_be_one(either: LnbitsWorld):
    adapter = either.make_adapter(admin_key=either.hot.invoice)

    assert "invoice key" in adapter.health().reason
    with pytest.raises(NodeDown):
        adapter.prepare([either.payment(COIN)], [])
