"""What real servers answered, old and new, and what the adapter makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from adapters.base import (
    AddressRequest,
    Dead,
    Found,
    LookupResult,
    NodeDown,
    NodeRefused,
    Prepared,
    Refused,
    SendResult,
    Sent,
    Tried,
)
from adapters.codecs import bolt11
from adapters.lnbits import Lnbits, LnbitsOptions
from adapters.lnbits.payments import Blob
from tests.adapters.invoice_contract import FINAL
from tests.adapters.invoice_world import settled
from tests.adapters.lnbits.recordings import OLD, Recording, new_keys
from tests.lnbits.front import Front
from tests.lnbits.server import Keys

NEW = new_keys()


class Replayed:
    def __init__(self, version: str, wallets: dict[str, Keys]) -> None:
        self.recording = Recording(version, wallets)
        self.front = Front(self.recording)

    @contextmanager
    def adapter(self, admin_key: str, invoice_key: str = "", **options: Any) -> Iterator[Lnbits]:
        made = Lnbits(LnbitsOptions(url=self.front.url, admin_key=admin_key, invoice_key=invoice_key, **options))
        try:
            yield made
        finally:
            made.close()
        assert self.recording.wrong == []

    def ask(self, name: str, amount: int, memo: str, **options: Any) -> str:
        """A new invoice as in the exchange of this name; its hash, which must be that of the server's answer."""
        one = self.recording.at(name)
        with time_machine.travel(self.recording.moment(name)), self.adapter(one["key"], **options) as adapter:
            made = adapter.new_address(AddressRequest(1, amount=amount, memo=memo))
        assert made.ref == one["response"]["payment_hash"]
        return made.ref

    def pay(self, name: str, keys: Keys, *, key: str = "") -> tuple[SendResult, LookupResult]:
        """The payment of the exchange of this name: what its sending says, and a lookup after it."""
        invoice = bolt11.decode(self.recording.at(name)["body"]["bolt11"])
        assert invoice.amount is not None
        blob = Blob(invoice.text, invoice.amount, 0, invoice.expires, keys.id)
        prepared = Prepared(invoice.payment_hash, blob.text(), 0, slot=invoice.payment_hash)
        with time_machine.travel(invoice.expires - timedelta(seconds=1)):
            with self.adapter(key or keys.admin) as adapter:
                sent = adapter.broadcast(prepared)
            outcome: Any = type(sent).__name__.lower()
            with self.adapter(keys.admin) as adapter:
                return sent, adapter.lookup(Tried(prepared, attempts=1, outcome=outcome))

    def find(self, name: str, key: str) -> tuple[Found, ...]:
        path = self.recording.at(name)["path"]
        with self.adapter(key) as adapter:
            return adapter.transfer(path.rpartition("/")[2])


@pytest.fixture
def old() -> Iterator[Replayed]:
    made = Replayed("0.9.7", OLD)
    yield made
    made.front.close()


@pytest.fixture
def new() -> Iterator[Replayed]:
    made = Replayed("1.6.2", NEW)
    yield made
    made.front.close()


# -- wallets --


def test_the_balance_is_in_millisatoshi(old: Replayed, new: Replayed):
    new.recording.at("GET wallet admin key")
    with new.adapter(NEW["alice"].admin) as adapter:
        assert adapter.funds(()).total == 100_000_000
        assert adapter.health().ok
    old.recording.at("GET wallet admin")
    with old.adapter(OLD["manager"].admin) as adapter:
        assert adapter.funds(()).total == 0


def test_a_wrong_key_an_invoice_key_and_a_missing_installation_are_told_apart(old: Replayed, new: Replayed):
    for replayed, keys in ((old, OLD["manager"]), (new, NEW["alice"])):
        with replayed.adapter("0" * 32) as adapter:
            assert "refuses our key" in adapter.health().reason
        with replayed.adapter(keys.invoice) as adapter:
            assert "invoice key" in adapter.health().reason
    for replayed in (old, new):
        slashed = replayed.recording.at("GET wallet trailing slash")
        replayed.front.always(slashed["status"], slashed["response"])
        with replayed.adapter("0" * 32) as adapter:
            assert "redirects" in adapter.health().reason


def test_the_key_of_a_deleted_wallet_closes_the_wallet(new: Replayed):
    key = new.recording.at("deleted wallet key")["key"]
    with new.adapter(key) as adapter:
        assert not adapter.health().ok


# -- invoices --


def test_invoices_are_read_and_verified(old: Replayed, new: Replayed):
    old.ask("invoice seed body (inkey)", 1_000_000, "Payment/Tip")
    old.ask("own invoice", 50_000, "own")
    new.ask("invoice minimal seed body", 1_000_000, "seed memo")
    new.ask("big invoice", 900_000_000, "big")
    new.ask("invoice amount 10M", 10_000_000_000, "m")


def test_the_webhook_and_the_expiry_are_asked_for(old: Replayed, new: Replayed):
    for replayed, name in ((old, "invoice webhook"), (new, "invoice webhook+expiry+extra+external_id")):
        body = replayed.recording.at(name)["body"]
        settings = {"webhook_url": body["webhook"], "expiry_seconds": 900}
        replayed.ask(name, body["amount"] * 1000, body["memo"], **settings)


def test_an_invoice_made_for_half_a_satoshi_is_not_taken_for_one(new: Replayed):
    """1.6.2 cut 0.5 to an invoice that names no amount."""
    one = new.recording.at("invoice amount 0.5 again")
    new.front.always(one["status"], one["response"])
    with (
        time_machine.travel(new.recording.moment("invoice amount 0.5 again")),
        new.adapter(one["key"]) as adapter,
        pytest.raises(NodeDown, match="another amount"),
    ):
        adapter.new_address(AddressRequest(1, amount=1000))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("invoice amount 0", NodeRefused),
        ("invoice amount -5", NodeRefused),
        ("invoice amount 10M+1", NodeRefused),
        ("invoice long memo 641", NodeRefused),
        ("invoice bad webhook", NodeRefused),
        ("invoice form body", NodeRefused),
        ("invoice amount null", NodeDown),
        ("invoice bad key", NodeDown),
        ("invoice out omitted (inkey)", NodeDown),
        ("POST payments trailing slash", NodeDown),
    ],
)
def test_the_words_of_a_refusal_are_kept(new: Replayed, name: str, expected: type[Exception]):
    one = new.recording.at(name)
    new.front.always(one["status"], one["response"])
    with new.adapter(one["key"]) as adapter, pytest.raises(expected) as refusal:
        adapter.new_address(AddressRequest(1, amount=1000))
    if expected is NodeRefused:
        detail = one["response"]["detail"]
        assert str(refusal.value) == (detail if isinstance(detail, str) else detail[0]["msg"])


# -- what a hash is worth --


def test_an_unpaid_invoice_moved_nothing(old: Replayed, new: Replayed):
    assert old.find("GET payment pending", OLD["user"].invoice) == ()
    assert new.find("GET payment pending, inkey", NEW["bob"].invoice) == ()
    assert new.find("poll expired", NEW["bob"].invoice) == ()


def test_a_paid_invoice_came_in_for_the_payee_and_went_out_for_the_payer(old: Replayed, new: Replayed):
    for replayed, payee, payer, names in (
        (old, OLD["user"], OLD["manager"], ("GET paid", "GET paid payer")),
        (new, NEW["bob"], NEW["alice"], ("GET payment paid, payee inkey", "GET payment paid, payer key")),
    ):
        (came,) = replayed.find(names[0], payee.invoice)
        (left,) = replayed.find(names[1], payer.invoice)
        assert (came.incoming, left.incoming) == (True, False)
        assert came.amount == left.amount == 1_000_000
        assert came.confirmations == left.confirmations == FINAL
        assert came.address == left.address
        assert came.at is not None


def test_a_key_of_no_wallet_or_of_another_is_told_nothing(new: Replayed):
    assert new.find("GET payment pending, other wallet key", NEW["alice"].invoice) == ()
    paid = new.recording.at("GET payment paid, no key")
    new.front.always(paid["status"], paid["response"])
    assert new.find("GET payment paid, no key", "0" * 32) == ()


def test_a_failed_payment_moved_nothing(new: Replayed):
    assert new.find("GET failed outgoing", NEW["alice"].invoice) == ()


def test_lists_are_read(old: Replayed, new: Replayed):
    for replayed, name, key in (
        (old, "list", OLD["user"].invoice),
        (new, "GET payments limit=2", NEW["alice"].invoice),
    ):
        one = replayed.recording.at(name)
        replayed.front.instead = lambda call, one=one: _listed(one) if "limit=" in call.path else None
        with replayed.adapter(key) as adapter:
            page = adapter.transfers("", (), 1)
        assert not page.more
        out = {row["payment_hash"] for row in one["response"] if row["amount"] < 0}
        assert {found.txid for found in page.transfers if not found.incoming} == out


def _listed(one: dict[str, Any]) -> tuple[int, bytes]:
    return int(one["status"]), json.dumps(one["response"]).encode()


# -- payments --


def test_a_new_server_pays(new: Replayed):
    for name in ("internal pay (A pays B 1000)", "pay own invoice"):
        sent, found = new.pay(name, NEW["alice"])
        assert isinstance(sent, Sent)
        assert sent.fee == 0
        assert settled(found) == (FINAL, sent.txid, 0)


def test_an_old_server_pays(old: Replayed):
    sent, found = old.pay("internal pay", OLD["manager"])

    assert isinstance(sent, Sent)
    assert sent.fee is None
    assert settled(found) == (FINAL, sent.txid, 0)


def test_a_second_try_of_a_paid_invoice_is_the_first_payment(old: Replayed, new: Replayed):
    for replayed, name, keys in (
        (old, "pay twice", OLD["manager"]),
        (new, "pay same invoice twice", NEW["alice"]),
    ):
        sent, found = replayed.pay(name, keys)
        assert isinstance(sent, Sent)
        assert settled(found) == (FINAL, sent.txid, 0)


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("pay insufficient internal", "bob"),
        ("pay foreign invoice (funding source refuses)", "alice"),
        ("retry failed outgoing", "alice"),
        ("pay expired invoice AFTER poll", "alice"),
    ],
)
def test_a_new_server_that_did_not_pay(new: Replayed, name: str, who: str):
    if who == "bob":  # his wallet was never asked for by its admin key
        shown = {"name": "bob", "balance": 0, "id": NEW["bob"].id}
        new.front.instead = lambda call: (200, json.dumps(shown).encode()) if call.path == "/api/v1/wallet" else None

    sent, found = new.pay(name, NEW[who])

    assert isinstance(sent, Refused)
    assert isinstance(found, Dead)


@pytest.mark.parametrize("name", ["pay insufficient (manager empty)", "pay foreign"])
def test_an_old_server_that_did_not_pay(old: Replayed, name: str):
    old.front.instead = lambda call: (
        (404, b'{"detail":"Payment does not exist."}') if "/payments/" in call.path else None
    )

    sent, found = old.pay(name, OLD["manager"])

    assert isinstance(sent, Refused)
    assert isinstance(found, Dead)


def test_an_invoice_key_cannot_pay(old: Replayed, new: Replayed):
    for replayed, keys, words in (
        (old, OLD["manager"], "Invoice (or Admin) key required."),
        (new, NEW["alice"], "Invoice (or Admin) key required."),
    ):
        sent, _ = replayed.pay("pay with inkey", keys, key=keys.invoice)
        assert sent == Refused(words)


def test_the_replay_notices_another_request(new: Replayed):
    new.recording.at("internal pay hooked")
    text = bolt11.decode(new.recording.at("internal pay (A pays B 1000)")["body"]["bolt11"])
    new.recording.at("internal pay hooked")
    blob = Blob(text.text, 1_000_000, 0, text.expires, NEW["alice"].id)
    with (
        pytest.raises(AssertionError),
        time_machine.travel(text.expires - timedelta(seconds=9)),
        new.adapter(NEW["alice"].admin) as adapter,
    ):
        adapter.broadcast(Prepared(text.payment_hash, blob.text(), 0))
    assert len(new.recording.wrong) == 1
