"""Preparing, following up and keeping house in Monero: on real daemons and on their recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from adapters.base import (
    Absent,
    Confirmed,
    Dead,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Prepared,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from adapters.monero.payments import Blob
from tests.adapters.litecoin_world import name_of
from tests.adapters.monero.world import LOCK, MoneroWorld, real, recorded
from tests.devnet.monero import Monero

XMR = 10**12
PAYMENT_ID = "1234567890abcdef"


class Preparing:
    def test_fifteen_payments_leave_in_one_transaction_and_no_more(self, world: MoneroWorld):
        world.fill(5 * XMR)
        payments = [world.payment(XMR // 100 * number, id=f"w{number}") for number in range(1, 17)]

        assert world.adapter.max_batch == 15
        with pytest.raises(NodeRefused, match="at most 15"):
            world.adapter.prepare(payments, [])
        prepared = world.adapter.prepare(payments[:15], [])
        world.adapter.broadcast(prepared)
        world.mine(1)
        for one in payments[:15]:
            assert world.arrived(one.address) == [one.amount]

    def test_a_payment_id_reaches_its_recipient(self, world: MoneroWorld):
        world.fill(5 * XMR)
        standard = world.outside("get_address", account_index=0)["address"]
        payment = Payment("w1", standard, XMR, extra=PAYMENT_ID)

        prepared = world.adapter.prepare([payment], [])
        world.adapter.broadcast(prepared)
        world.mine(1)

        (entry,) = world.outside("get_transfer_by_txid", txid=prepared.id)["transfers"]
        assert (entry["payment_id"], entry["amount"]) == (PAYMENT_ID, XMR)

    def test_a_payment_with_an_id_goes_alone(self, world: MoneroWorld):
        world.fill(5 * XMR)
        address = world.outside("make_integrated_address", payment_id=PAYMENT_ID)["integrated_address"]
        payment = Payment("w1", address, XMR, extra=PAYMENT_ID)

        with pytest.raises(NodeRefused) as refusal:
            world.adapter.prepare([payment, world.payment(XMR, id="w2")], [])
        assert refusal.value.address == ""
        assert world.adapter.prepare([payment], []).payments == ("w1",)

    @pytest.mark.parametrize(
        ("extra", "words"), [("12" * 32, "no longer used"), ("12", "16 digits"), (PAYMENT_ID, "subaddress cannot")]
    )
    def test_a_payment_id_that_cannot_be_is_refused_for_good(self, world: MoneroWorld, extra: str, words: str):
        payment = Payment("w1", world.outside_address(), XMR, extra=extra)

        with pytest.raises(NodeRefused, match=words) as refusal:
            world.adapter.prepare([payment], [])
        assert refusal.value.address == payment.address

    def test_an_amount_that_no_coin_can_carry_is_refused_before_the_node_hears_of_it(self, world: MoneroWorld):
        address = world.outside_address()
        before = len(world.site_calls())

        with pytest.raises(NodeRefused, match="larger than"):
            world.adapter.prepare([world.payment(1 << 64, address=address)], [])
        with pytest.raises(NodeRefused, match="stage network"):
            world.adapter.prepare([world.payment(XMR, address=world.foreign_address())], [])
        assert len(world.site_calls()) == before

    def test_locked_change_must_wait_and_says_how_long(self, world: MoneroWorld):
        world.fill(5 * XMR)
        first = world.adapter.prepare([world.payment(XMR)], [])
        world.adapter.broadcast(first)

        with pytest.raises(NotEnoughFunds, match="20 minutes"):
            world.adapter.prepare([world.payment(XMR, id="w2")], [Tried(first, attempts=1, outcome="sent")])
        quote = world.adapter.quote(world.payment(XMR, id="w2"))
        assert quote.warnings == ("The hot wallet's coins are locked just now: this will leave in about 20 minutes.",)

    def test_a_coin_that_stayed_frozen_after_a_death_is_freed(self, world: MoneroWorld):
        world.fill(5 * XMR)
        prepared = world.adapter.prepare([world.payment(XMR)], [])
        world.site("freeze", key_image=Blob.read(prepared).key_images[0])

        with pytest.raises(NotEnoughFunds):
            world.adapter.prepare([world.payment(XMR)], [])
        assert world.adapter.prepare([world.payment(XMR)], []).fee == prepared.fee

    def test_a_higher_level_costs_more_and_the_quote_says_so_before(self, world: MoneroWorld):
        world.fill(5 * XMR)
        address = world.outside_address()
        payments = [Payment("w1", address, XMR, level=level) for level in ("unimportant", "normal", "elevated")]

        quotes = [world.adapter.quote(one).fee for one in payments]
        fees = [world.adapter.prepare([one], []).fee for one in payments]

        assert quotes == [2_640_000_000, 10_340_000_000, 41_800_000_000]
        # The true weight of one and the same payment differs by some bytes: 1,507 or 1,508.
        assert [fee // 10**8 for fee in fees] == [18, 70, 286]
        with pytest.raises(NodeRefused, match="fee level"):
            world.adapter.prepare([Payment("w1", address, XMR, level="at once")], [])

    def test_it_never_pays_more_than_the_highest_fee(self, world: MoneroWorld):
        world.fill(5 * XMR)

        with pytest.raises(NodeDown, match="max_fee"):
            world.make_adapter(max_fee=1_000_000_000).prepare([world.payment(XMR)], [])

    def test_the_sender_can_prove_the_payment(self, world: MoneroWorld):
        world.fill(5 * XMR)
        payment = world.payment(XMR)
        prepared = world.adapter.prepare([payment], [])
        world.adapter.broadcast(prepared)
        world.mine(1)

        proof = world.adapter.proof(Tried(prepared, attempts=1, outcome="sent"))

        assert proof is not None
        assert proof.data == {"txid": prepared.id, "tx_key": world.site("get_tx_key", txid=prepared.id)["tx_key"]}
        assert payment.address not in proof.text
        shown = world.outside("check_tx_key", **proof.data, address=payment.address)
        assert (shown["received"], shown["confirmations"]) == (XMR, 1)


class Fates:
    def test_a_payment_relayed_again_after_it_was_mined_leaves_no_ghost(self, world: MoneroWorld):
        world.fill(5 * XMR)
        prepared = world.adapter.prepare([world.payment(XMR)], [])
        world.adapter.broadcast(prepared)
        world.mine(1)

        for _ in range(2):
            assert world.adapter.broadcast(prepared) == Sent(prepared.id, prepared.fee)

        assert world.adapter.funds(()).total == 4 * XMR - prepared.fee
        assert "pending" not in world.site("get_transfers", pending=True)

    def test_a_payment_that_fell_out_of_the_chain_is_sent_again_under_the_same_id(self, world: MoneroWorld):
        world.fill(5 * XMR)
        payment = world.payment(XMR)
        prepared = world.adapter.prepare([payment], [])
        tried = Tried(prepared, attempts=1, outcome="sent")
        world.adapter.broadcast(prepared)
        world.mine(1)
        before = world.adapter.lookup(tried)
        world.orphan(1)

        assert before == Confirmed(1, prepared.id, prepared.fee)
        assert world.adapter.lookup(tried) == Absent()
        assert world.adapter.broadcast(prepared) == Sent(prepared.id, prepared.fee)
        world.mine(1)
        assert world.adapter.lookup(tried) == Confirmed(1, prepared.id, prepared.fee)
        assert world.arrived(payment.address) == [XMR]

    def test_a_payment_that_the_pool_forgot_is_sent_again_blocks_later(self, world: MoneroWorld):
        world.fill(5 * XMR)
        payment = world.payment(XMR)
        prepared = world.adapter.prepare([payment], [])
        tried = Tried(prepared, attempts=1, outcome="sent")
        world.adapter.broadcast(prepared)
        world.vanish(prepared.id)

        assert world.adapter.lookup(tried) == Absent()
        world.adapter.broadcast(prepared)
        world.mine(1)
        assert world.adapter.lookup(tried) == Confirmed(1, prepared.id, prepared.fee)
        assert world.arrived(payment.address) == [XMR]

    def test_a_payment_is_dead_only_when_its_rival_is_deep_enough(self, world: MoneroWorld):
        world.fill(5 * XMR)
        prepared = world.adapter.prepare([world.payment(XMR)], [])
        rival = world.spend_elsewhere(prepared)
        tried = Tried(prepared, attempts=1, outcome="unclear")

        waiting = world.adapter.lookup(tried)
        assert isinstance(world.adapter.broadcast(prepared), Unclear)
        world.mine(LOCK - 1)
        shallow = world.adapter.lookup(tried)
        world.mine(1)

        assert waiting == Unknown("Its coins are being spent by another payment that waits for a block.")
        assert shallow == Unknown(f"Its coins are spent by {rival}; certain at 10 confirmations, now 9.")
        assert world.adapter.lookup(tried) == Dead(f"Its coins were spent by {rival}, 10 blocks deep.")
        assert world.make_adapter(dead_after=11).lookup(tried) == Unknown(
            f"Its coins are spent by {rival}; certain at 11 confirmations, now 10."
        )

    def test_a_rival_that_falls_out_of_the_chain_kills_nothing(self, world: MoneroWorld):
        world.fill(5 * XMR)
        prepared = world.adapter.prepare([world.payment(XMR)], [])
        world.spend_elsewhere(prepared)
        world.mine(1)
        world.orphan(1)

        assert world.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear")) == Absent()
        assert world.adapter.broadcast(prepared) == Sent(prepared.id, prepared.fee)

    def test_a_stored_payment_that_is_rubbish_to_the_wallet_is_refused(self, world: MoneroWorld):
        world.fill(5 * XMR)
        prepared = world.adapter.prepare([world.payment(XMR)], [])
        data = json.loads(prepared.blob)
        broken = Prepared(prepared.id, json.dumps({**data, "metadata": "abcd"}), prepared.fee)

        result = world.adapter.broadcast(broken)

        assert type(result).__name__ == "Refused"
        assert world.adapter.lookup(Tried(broken, attempts=1, outcome="refused")) == Absent()


class Chores:
    def test_one_large_coin_is_split_and_then_payments_need_not_wait(self, world: MoneroWorld):
        world.fill(8 * XMR)
        adapter = world.make_adapter(outputs_ready=6)

        split = adapter.chores((), [])
        assert split is not None
        assert split.chore == "split"
        assert adapter.lookup(Tried(split)) == Absent()
        assert adapter.broadcast(split) == Sent(split.id, split.fee)
        assert adapter.chores((), [Tried(split, attempts=1, outcome="sent")]) is None
        world.mine(LOCK)

        assert adapter.lookup(Tried(split, attempts=1)) == Confirmed(LOCK, split.id, split.fee)
        assert adapter.funds(()).spendable == 8 * XMR - split.fee
        assert adapter.chores((), []) is None
        live: list[Tried] = []
        for number in range(3):
            made = adapter.prepare([world.payment(XMR, id=f"w{number}")], live)
            assert adapter.broadcast(made) == Sent(made.id, made.fee)
            live.append(Tried(made, attempts=1, outcome="sent"))

    def test_too_many_small_coins_are_joined(self, world: MoneroWorld):
        for _ in range(3):
            world.fill(XMR)
        adapter = world.make_adapter(join_at=2)

        join = adapter.chores((), [])
        assert join is not None
        assert join.chore == "join"
        assert adapter.broadcast(join) == Sent(join.id, join.fee)
        world.mine(LOCK)

        assert adapter.funds(()).spendable == 3 * XMR - join.fee
        held = world.site("incoming_transfers", transfer_type="available", account_index=0)["transfers"]
        assert sorted(one["amount"] for one in held)[-1] == 3 * XMR - join.fee

    def test_a_chore_leaves_the_coins_of_unsent_payments_alone(self, world: MoneroWorld):
        world.fill(5 * XMR)
        prepared = world.adapter.prepare([world.payment(XMR)], [])

        assert world.adapter.chores((), [Tried(prepared)]) is None

    @pytest.mark.parametrize(
        ("amount", "options"), [(XMR // 10, {}), (5 * XMR, {"outputs_ready": 0})], ids=["small", "off"]
    )
    def test_nothing_is_split_where_it_is_not_wanted(self, world: MoneroWorld, amount: int, options: dict[str, int]):
        world.fill(amount)

        assert world.make_adapter(**options).chores((), []) is None


class Flows(Preparing, Fates, Chores):
    """All of them."""


class TestRealMonero(Flows):
    @pytest.fixture
    def world(self, monero: Monero, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
        yield from real(monero, name_of(request))


class TestRecordedMonero(Flows):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
        yield from recorded(name_of(request))
