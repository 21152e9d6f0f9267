"""A prepared payment read anew: each family agrees to its own, and to no other, whatever was noted beside the bytes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters import registry
from adapters.base import CoinAdapter, NodeDown, NodeRefused, Payment, Prepared
from adapters.bitcoinlike.payments import Blob
from adapters.codecs import bolt11
from adapters.forknote.orders import Order, demand_pays
from adapters.lnbits.payments import Blob as LnbitsBlob
from tests.adapters.banano.world import BananoWorld
from tests.adapters.litecoin_world import LitecoinWorld, name_of, real
from tests.devnet.litecoin import Litecoin


def refuses(adapter: CoinAdapter, prepared: Prepared, payments: list[Payment]) -> None:
    with pytest.raises((NodeRefused, NodeDown)):
        adapter.demand_pays(prepared, payments)


def others(world: Any, payment: Payment) -> list[list[Payment]]:
    """Everything that it is not."""
    return [
        [replace(payment, amount=payment.amount + 1)],
        [replace(payment, amount=payment.amount - 1)],
        [replace(payment, address=world.outside_address())],
        [payment, payment],
        [],
    ]


class TestLitecoin:
    @pytest.fixture
    def world(self, litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from real(litecoin, name_of(request))

    def test_it_agrees_to_its_own_bytes_and_to_no_others(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        payment = world.payment(2 * world.coin)
        prepared = world.adapter.prepare([payment], [])
        found = world.adapter.demand_pays(prepared, [payment])
        assert (found.fee, found.is_proven) == (prepared.fee, True)
        for wrong in others(world, payment):
            refuses(world.adapter, prepared, wrong)
        world.adapter.broadcast(prepared)  # also when it is asked for again
        world.settle(prepared.id)
        assert world.adapter.demand_pays(prepared, [payment]).fee == prepared.fee

    def test_it_agrees_to_a_batch_and_to_a_second_payment_to_one_address(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        first, second = world.payment(world.coin), world.payment(2 * world.coin, id="w2")
        third = replace(second, id="w3", amount=1_000_000)
        prepared = world.adapter.prepare([first, second, third], [])
        assert world.adapter.demand_pays(prepared, [third, first, second]).is_proven
        refuses(world.adapter, prepared, [first, second])

    def test_bytes_that_pay_a_thief_or_the_miners_are_found_out(self, world: LitecoinWorld):
        """Truly signed by the wallet, as one would who holds the node's password."""
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        blob = Blob.read(prepared.blob)
        inputs = [{"txid": txid, "vout": output} for txid, output in blob.inputs]
        thief, ours = world.outside_address(), world.new_address()
        for outputs in (
            [{payment.address: "1"}, {thief: "3.9"}],
            [{payment.address: "1"}, {ours: "3"}],  # the rest would be the miners'
            [{payment.address: "1.1"}, {ours: "3.8"}],
            [{ours: "4.99"}],
        ):
            raw = world.site("signrawtransactionwithwallet", world.node("createrawtransaction", inputs, outputs))["hex"]
            txid = world.node("decoderawtransaction", raw)["txid"]
            forged = replace(blob, raw=raw, outputs=len(outputs))
            refuses(world.adapter, replace(prepared, id=txid, blob=forged.text()), [payment])
            refuses(world.adapter, replace(prepared, blob=forged.text()), [payment])

    def test_a_note_that_lookup_would_be_misled_by_is_found_out(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        blob = Blob.read(prepared.blob)
        for forged in (
            replace(blob, inputs=(("ab" * 32, 0),)),
            replace(blob, wanted=((world.outside_address(), world.coin),)),
            replace(blob, outputs=blob.outputs + 1),
        ):
            refuses(world.adapter, replace(prepared, blob=forged.text()), [payment])


class TestBanano:
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[BananoWorld]:
        made = BananoWorld(tmp_path)
        yield made
        made.close()

    def test_it_agrees_to_its_own_block_and_to_no_other(self, world: BananoWorld):
        world.fill(5 * world.coin)
        payment = world.payment(2 * world.coin)
        prepared = world.adapter.prepare([payment], [])
        assert world.adapter.demand_pays(prepared, [payment]).is_proven
        for wrong in others(world, payment):
            refuses(world.adapter, prepared, wrong)

    def test_a_note_of_a_smaller_amount_beside_the_block_is_found_out(self, world: BananoWorld):
        world.fill(5 * world.coin)
        payment = world.payment(2 * world.coin)
        prepared = world.adapter.prepare([payment], [])
        noted = json.loads(prepared.blob)
        smaller = str(world.coin)
        for forged in ({**noted, "amount": smaller}, {**noted, "sends": False}):
            refuses(world.adapter, replace(prepared, blob=json.dumps(forged)), [replace(payment, amount=world.coin)])
        noted["block"]["balance"] = str(int(noted["block"]["balance"]) - world.coin)  # takes more than it says
        refuses(world.adapter, replace(prepared, blob=json.dumps(noted)), [payment])


class TestBolt11:
    """Offline: the invoice in the blob is what the server is given."""

    @pytest.fixture
    def adapter(self) -> Iterator[CoinAdapter]:
        options = {"url": "http://127.0.0.1:9", "admin_key": "ab" * 16, "wallet_id": "cd" * 16}
        made = registry.build("lnbits", options)
        yield made
        made.close()

    def invoice(self, amount: int | None, payment_hash: bytes = b"\x07" * 32, payee: bytes = b"\x01" * 32) -> str:
        return bolt11.encode(
            payee, currency="bc", amount=amount, timestamp=1_700_000_000, payment_hash=payment_hash, secret=bytes(32),
            description="one",
        )  # fmt: skip

    def prepared(self, text: str, **noted: Any) -> Prepared:
        facts = {"invoice": text, "amount": 5_000, "reserve": 100, "expires": datetime(2030, 1, 1, tzinfo=UTC)}
        return Prepared((b"\x07" * 32).hex(), LnbitsBlob(**{**facts, "wallet": "cd" * 16, **noted}).text(), 0)

    def test_it_agrees_to_the_invoice_in_the_books_and_to_no_other_payment(self, adapter: CoinAdapter):
        text = self.invoice(5_000)
        payment = Payment("w1", text, 5_000)
        assert adapter.demand_pays(self.prepared(text), [payment]).is_proven
        assert adapter.demand_pays(self.prepared(text), [replace(payment, address=text.upper())]).is_proven
        for wrong in (
            [replace(payment, amount=5_001)], [replace(payment, amount=4_999)], [payment, payment], [],
            [replace(payment, address=self.invoice(5_000, b"\x08" * 32))],
        ):  # fmt: skip
            refuses(adapter, self.prepared(text), wrong)

    def test_a_blob_that_pays_another_or_more_is_found_out(self, adapter: CoinAdapter):
        payment = Payment("w1", self.invoice(5_000), 5_000)
        for forged in (
            self.invoice(5_001), self.invoice(6_000_000), self.invoice(None), self.invoice(5_000, b"\x08" * 32),
            self.invoice(5_000, payee=b"\x02" * 32), "", "lnbc1",
        ):  # fmt: skip
            refuses(adapter, self.prepared(forged), [payment])
            with contextlib.suppress(ValueError):  # also under the name that such an invoice has
                name = bolt11.decode(forged).payment_hash
                refuses(adapter, replace(self.prepared(forged), id=name), [payment])

    def test_the_books_and_the_blob_changed_together_still_name_one_amount(self, adapter: CoinAdapter):
        """Who rewrites both rows must also have reserved it: that is the books' part (tests/ledger/test_signer.py)."""
        text = self.invoice(None)
        refuses(adapter, self.prepared(text), [Payment("w1", text, 5_000)])

    def test_another_wallet_or_another_name_is_found_out(self, adapter: CoinAdapter):
        text = self.invoice(5_000)
        payment = Payment("w1", text, 5_000)
        refuses(adapter, self.prepared(text, wallet="ef" * 16), [payment])
        refuses(adapter, replace(self.prepared(text), id="08" * 32), [payment])
        refuses(adapter, replace(self.prepared(text), blob='{"v": 99}'), [payment])


# -- offline: the order is what walletd is given --

ORDER = Order("camel", "ab" * 32, True, (("one", 5), ("two", 7)), 10, 3)


def test_a_forknote_order_pays_what_it_says():
    payments = [Payment("w1", "one", 5), Payment("w2", "two", 7)]
    prepared = Prepared("x", ORDER.text(), 10)
    assert demand_pays(prepared, payments, 20).fee == 10
    for wrong in (
        payments[:1],
        [payments[0], replace(payments[1], amount=8)],
        [],
        [replace(payments[0], extra="cd" * 32)],
    ):
        with pytest.raises((NodeRefused, NodeDown)):
            demand_pays(prepared, wrong, 20)
    with pytest.raises(NodeRefused):
        demand_pays(prepared, payments, 9)  # a fee far above what walletd asks


def test_a_forknote_order_with_a_payment_id_is_of_that_one():
    prepared = Prepared("x", replace(ORDER, is_marker=False, outputs=(("one", 5),)).text(), 10)
    assert demand_pays(prepared, [Payment("w1", "one", 5, extra="ab" * 32)], 20).fee == 10
    for extra in ("", "cd" * 32):
        with pytest.raises(NodeRefused):
            demand_pays(prepared, [Payment("w1", "one", 5, extra=extra)], 20)
