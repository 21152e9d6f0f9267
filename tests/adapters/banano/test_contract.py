"""The suite every coin passes. Overridden only where this chain is another kind of thing; each says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.base import Absent, Confirmed, NodeDown, NodeRefused, Pending, Sent, Tried, Unclear, Unknown
from tests.adapters.banano.world import BananoWorld
from tests.adapters.contract import AdapterContract, incoming
from tests.adapters.world import World


class TestBanano(AdapterContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[BananoWorld]:
        made = BananoWorld(tmp_path)
        yield made
        made.close()

    @pytest.mark.parametrize("trouble", ["outage", "rubbish"])
    def test_a_node_in_trouble_is_said_to_be_and_nothing_else_goes_wrong(self, world: World, trouble: str):
        """Addresses are made and recognised from the seed alone, so those two go on without the node."""
        assert isinstance(world, BananoWorld)
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        getattr(world, trouble)()

        health = world.adapter.health()
        assert not health.ok
        assert health.reason
        assert world.adapter.is_ours(world.new_address())
        for ask in (
            lambda: world.adapter.funds(()),
            lambda: world.poll(),
            lambda: world.adapter.transfer("0" * 64),
            lambda: world.adapter.quote(payment),
            lambda: world.adapter.prepare([payment], []),
            lambda: world.adapter.chores(world.watch, []),
        ):
            with pytest.raises(NodeDown):
                ask()
        assert isinstance(world.adapter.broadcast(prepared), Unclear)
        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear")), Unknown)

        world.heal()
        assert world.adapter.health().ok
        assert world.adapter.lookup(Tried(prepared)) == Absent()

    def test_a_payment_link_holds_the_address_and_the_exact_amount(self, world: World):
        """Links of this family name raw units."""
        address = world.new_address()

        link = world.adapter.uri(address, world.coin * 3 // 2, label="alice & bob")

        assert link == f"ban:{address}?amount=150000000000000000000000000000&label=alice%20%26%20bob"
        assert world.adapter.uri(address, None) == f"ban:{address}"

    def test_a_deposit_is_found_and_grows_until_it_is_deep_enough(self, world: World):
        """Confirmed or not is all there is: a confirmed block counts as 1000, whatever a coin's settings ask for."""
        address = world.new_address()
        cursor = world.poll().cursor
        txid = world.fund(address, 3 * world.coin)

        (before,) = incoming(world.poll(cursor), address)
        world.mine(1)
        (after,) = incoming(world.poll(cursor), address)

        assert (before.txid, before.output, before.amount, before.confirmations) == (txid, txid, 3 * world.coin, 0)
        assert (after.txid, after.output, after.amount, after.confirmations) == (txid, txid, 3 * world.coin, 1000)
        assert world.adapter.transfer(txid) == (after,)

    def test_a_deposit_that_can_never_confirm_is_reported_gone(self, world: World):
        """A block that lost its election is unknown, as if it had never been; the ledger counts such polls."""
        address = world.new_address()
        txid = world.fund(address, world.coin)
        (before,) = world.adapter.transfer(txid)

        world.vanish(txid)

        assert before.confirmations == 0
        assert world.adapter.transfer(txid) == ()
        assert incoming(world.poll(), address) == []

    def test_a_payment_is_absent_then_pending_then_confirmed(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        tried = Tried(prepared, attempts=1, outcome="sent")

        assert world.adapter.lookup(Tried(prepared)) == Absent()
        assert world.adapter.broadcast(prepared) == Sent(prepared.id, 0)
        assert world.adapter.lookup(tried) == Pending(prepared.id, 0)
        world.mine(1)
        assert world.adapter.lookup(tried) == Confirmed(1000, prepared.id, 0)
        assert world.arrived(payment.address) == [world.coin]
        assert world.adapter.funds(()).total == 4 * world.coin

    def test_broadcasting_again_pays_once(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])

        for _ in range(2):
            assert world.adapter.broadcast(prepared) == Sent(prepared.id, 0)
        world.mine(1)
        assert world.adapter.broadcast(prepared) == Sent(prepared.id, 0)
        world.mine(3)

        tried = Tried(prepared, attempts=3, outcome="sent")
        assert world.adapter.lookup(tried) == Confirmed(1000, prepared.id, 0)
        assert world.arrived(payment.address) == [world.coin]

    def test_several_payments_go_in_one(self, world: World):
        """A block pays one address."""
        world.fill(9 * world.coin)

        assert world.adapter.max_batch == 1
        with pytest.raises(NodeRefused):
            world.adapter.prepare([world.payment(world.coin, id=name) for name in ("w1", "w2")], [])

    def test_a_quote_names_a_fee_and_warns_of_an_empty_wallet(self, world: World):
        """There are no fees."""
        world.fill(world.coin)

        enough = world.adapter.quote(world.payment(world.coin // 2))
        short = world.adapter.quote(world.payment(2 * world.coin))

        assert (enough.fee, enough.network_reserve, enough.warnings) == (0, 0, ())
        assert enough.wait == "a few seconds"
        assert len(short.warnings) == 1

    def test_a_hint_is_a_txid_or_a_block_and_nothing_else(self, world: World):
        """The node posts JSON; names are written in capitals, as it prints them."""
        address = world.outside_address()
        body = {"hash": "AB" * 32, "is_send": "true", "block": json.dumps({"link_as_account": address})}

        told = world.adapter.hint("callback", "", json.dumps(body).encode())
        block = world.adapter.hint("block", "ab" * 32, b"")

        assert told is not None
        assert (told.txid, told.address) == ("AB" * 32, address)
        assert block is not None
        assert block.txid == "AB" * 32
        for kind, message, odd in (
            ("block", "../../etc", b""),
            ("alert", "ab" * 32, b""),
            ("callback", "", b"[1]"),
            ("callback", "", json.dumps({**body, "is_send": "false"}).encode()),
            ("callback", "", json.dumps({**body, "hash": "AB"}).encode()),
            ("callback", "", b"[" * 5000),
            ("callback", "", b" " * 9000 + json.dumps(body).encode()),
        ):
            assert world.adapter.hint(kind, message, odd) is None
