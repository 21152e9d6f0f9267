"""Scanning, preparing and keeping house in Bitcoin's family: on a real litecoind and on its recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.base import AddressRequest, NodeDown, NodeRefused, Sent, Tried
from adapters.bitcoinlike.payments import Blob
from tests.adapters.contract import DEPTH, incoming, outgoing
from tests.adapters.litecoin_world import LitecoinWorld, name_of, real, recorded
from tests.devnet.litecoin import Litecoin

SECRET = "correct horse battery staple"


class Flows:
    # -- scanning --

    def test_one_transaction_that_pays_two_addresses_is_two_deposits(self, world: LitecoinWorld):
        alice, bob = world.new_address(), world.new_address()
        txid = world.outside("sendmany", "", {alice: "1.5", bob: "0.00054321"})
        world.settle(txid)

        found = world.adapter.transfer(txid)

        assert {(one.address, one.amount) for one in found} == {(alice, 150_000_000), (bob, 54_321)}
        assert len({one.output for one in found}) == 2

    @pytest.mark.parametrize(
        "cursor",
        ["rubbish", "[]", '{"block": 7}', json.dumps({"block": "0" * 64, "height": 999_999_999})],
        ids=["rubbish", "list", "number", "foreign"],
    )
    def test_an_unknown_cursor_looks_again_from_further_back(self, world: LitecoinWorld, cursor: str):
        address = world.fill(world.coin)

        page = world.poll(cursor)

        assert [one.amount for one in incoming(page, address)] == [world.coin]
        assert page.cursor == world.poll().cursor

    def test_a_credited_deposit_that_falls_out_of_the_chain_is_shown_again(self, world: LitecoinWorld):
        address = world.fill(world.coin)
        world.mine(1)
        cursor = world.poll().cursor
        quiet = world.poll(cursor)
        world.orphan(5)

        (one,) = incoming(world.poll(cursor), address)

        assert incoming(quiet, address) == []
        assert one.confirmations == 0
        assert not one.gone

    def test_a_block_reward_is_locked_until_it_is_mature(self, world: LitecoinWorld):
        address = world.new_address()
        world.node("generatetoaddress", 1, address)

        (one,) = incoming(world.poll(), address)

        assert one.locked
        assert one.amount > 0
        assert world.adapter.funds(()).spendable == 0

    def test_a_payment_to_ourselves_shows_both_sides(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        address = world.new_address()
        txid = world.steal(address, world.coin)
        world.settle(txid)

        page = world.poll()

        assert [one.txid for one in incoming(page, address)] == [txid]
        assert [one.txid for one in outgoing(page, address)] == [txid]

    def test_change_is_never_shown(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        world.adapter.broadcast(prepared)
        world.settle(prepared.id)

        found = world.adapter.transfer(prepared.id)

        assert [(one.incoming, one.address, one.amount, one.fee) for one in found] == [
            (False, payment.address, world.coin, prepared.fee)
        ]

    # -- preparing --

    def test_dust_is_refused_for_good_and_names_the_address(self, world: LitecoinWorld):
        world.fill(world.coin)
        small, large = world.payment(1), world.payment(world.coin // 2, id="w2")

        with pytest.raises(NodeRefused) as refusal:
            world.adapter.prepare([large, small], [])

        assert refusal.value.address == small.address

    def test_a_preparation_that_was_never_stored_holds_no_coin(self, world: LitecoinWorld):
        world.fill(world.coin)
        world.adapter.prepare([world.payment(world.coin // 2)], [])

        assert world.site("listlockunspent") != []
        assert world.adapter.prepare([world.payment(world.coin // 2)], []).fee > 0

    def test_the_coins_of_an_unsent_payment_are_held_though_the_locks_are_gone(self, world: LitecoinWorld):
        for _ in range(2):
            world.fill(2 * world.coin)
        first = world.adapter.prepare([world.payment(world.coin)], [])
        world.site("lockunspent", True)

        second = world.adapter.prepare([world.payment(world.coin)], [Tried(first)])

        assert not set(Blob.read(first.blob).inputs) & set(Blob.read(second.blob).inputs)

    def test_no_payment_can_be_replaced(self, world: LitecoinWorld):
        world.fill(world.coin)
        prepared = world.adapter.prepare([world.payment(world.coin // 2)], [])

        made = world.node("decoderawtransaction", Blob.read(prepared.blob).raw)

        assert min(one["sequence"] for one in made["vin"]) >= 0xFFFFFFFE

    def test_without_an_estimate_the_configured_fee_rate_is_paid(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        nothing = b'{"result":{"errors":["Insufficient data or no feerate found"],"blocks":0},"error":null,"id":0}'
        world.proxy.answer(nothing, method="estimatesmartfee")

        fees = [world.make_adapter(fallback_fee_rate=rate).prepare([payment], []).fee for rate in (10, 20)]

        assert fees == [141 * 10, 141 * 20]

    def test_it_never_pays_more_than_the_highest_fee_rate(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        adapter = world.make_adapter(fallback_fee_rate=3, max_fee_rate=3)
        world.proxy.answer(b'{"result":{"feerate":0.5,"blocks":6},"error":null,"id":0}', method="estimatesmartfee")

        assert adapter.prepare([world.payment(world.coin)], []).fee == 141 * 3

    def test_a_network_dearer_than_the_highest_fee_rate_must_wait(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        full = b'{"result":{"mempoolminfee":0.00600000,"minrelaytxfee":0.00001000},"error":null,"id":0}'
        world.proxy.answer(full, method="getmempoolinfo")

        with pytest.raises(NodeDown, match="600 units per vbyte"):
            world.adapter.prepare([world.payment(world.coin)], [])

    def test_a_node_that_builds_something_else_is_not_believed(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        other = world.node("createrawtransaction", [], [{world.outside_address(): "1"}])
        world.proxy.answer(json.dumps({"result": other, "error": None}).encode(), method="createrawtransaction")

        with pytest.raises(NodeDown, match="another payment"):
            world.adapter.prepare([world.payment(world.coin)], [])

    # -- joining small coins --

    def test_many_small_coins_are_joined_into_one(self, world: LitecoinWorld):
        for _ in range(5):
            world.fund(world.new_address(), world.coin)
        world.mine(1)
        adapter = world.make_adapter(consolidate_at=4, consolidate_rate=500)

        prepared = adapter.chores((), ())
        assert prepared is not None
        sent = adapter.broadcast(prepared)
        world.mine(1)

        assert (prepared.chore, prepared.payments) == ("consolidate", ())
        assert sent == Sent(prepared.id, prepared.fee)
        assert len(world.site("listunspent")) == 1
        assert adapter.funds(()).total == 5 * world.coin - prepared.fee
        assert adapter.transfer(prepared.id) == ()

    def test_few_coins_or_a_high_fee_rate_are_left_alone(self, world: LitecoinWorld):
        for _ in range(3):
            world.fund(world.new_address(), world.coin)
        world.mine(1)

        many = {"consolidate_rate": 500}
        for options in (
            {"consolidate_at": 3, **many},
            {"consolidate_at": 0, **many},
            {"consolidate_at": 2, "consolidate_rate": 1},
        ):
            adapter = world.make_adapter(**options)
            assert adapter.chores((), ()) is None

    def test_joining_leaves_the_coins_of_an_unsent_payment_alone(self, world: LitecoinWorld):
        for _ in range(4):
            world.fund(world.new_address(), world.coin)
        world.mine(1)
        adapter = world.make_adapter(consolidate_at=2, consolidate_rate=500)
        first = adapter.prepare([world.payment(world.coin // 2)], [])

        chore = adapter.chores((), [Tried(first)])

        assert chore is not None
        assert not set(Blob.read(first.blob).inputs) & set(Blob.read(chore.blob).inputs)

    # -- what a manager may have got wrong --

    def test_another_network_is_said_so(self, world: LitecoinWorld):
        adapter = world.make_adapter(network="test")

        health = adapter.health()

        assert not health.ok
        assert health.reason == "The node is on the regtest network, this wallet expects the test network."
        with pytest.raises(NodeDown, match="regtest"):
            adapter.transfers("", (), DEPTH)

    def test_an_address_of_another_coin_is_not_handed_out(self, world: LitecoinWorld):
        adapter = world.make_adapter(coin="bitcoin")

        with pytest.raises(NodeDown, match="another coin or network"):
            adapter.new_address(AddressRequest(number=1))

    def test_a_wallet_that_is_not_loaded_is_said_so(self, world: LitecoinWorld):
        adapter = world.make_adapter(wallet="nobody's")

        health = adapter.health()

        assert not health.ok
        assert health.reason == "The node has no wallet of this name loaded: load it, or correct the name."

    def test_no_wallet_named_among_several_is_said_so(self, world: LitecoinWorld):
        adapter = world.make_adapter(wallet="")

        assert adapter.health().reason == "The node has several wallets loaded: name one of them here."

    @pytest.mark.parametrize("kind", ["bech32", "p2sh-segwit", "legacy"])
    def test_each_kind_of_address_passes_its_own_check(self, world: LitecoinWorld, kind: str):
        adapter = world.make_adapter(address_type=kind)

        address = adapter.new_address(AddressRequest(number=1)).address

        assert adapter.check_address(address).address == address
        assert adapter.is_ours(address)


class LockedWallet:
    def test_it_cannot_sign_without_the_passphrase(self, world: LitecoinWorld):
        world.fill(world.coin)

        assert world.adapter.health().locked
        assert world.adapter.health().ok
        with pytest.raises(NodeDown, match="locked"):
            world.adapter.prepare([world.payment(world.coin // 2)], [])

    def test_it_is_open_only_while_it_signs(self, world: LitecoinWorld, tmp_path: Path):
        world.fill(world.coin)
        (tmp_path / "passphrase").write_text(f"{SECRET}\n")
        adapter = world.make_adapter(passphrase_file=str(tmp_path / "passphrase"))

        prepared = adapter.prepare([world.payment(world.coin // 2)], [])

        assert adapter.broadcast(prepared) == Sent(prepared.id, prepared.fee)
        assert not adapter.health().locked
        assert world.site("getwalletinfo")["unlocked_until"] == 0

    @pytest.mark.parametrize("content", ["wrong horse", None], ids=["wrong", "missing"])
    def test_a_bad_passphrase_is_said_so_without_showing_it(
        self, world: LitecoinWorld, tmp_path: Path, content: str | None
    ):
        world.fill(world.coin)
        if content is not None:
            (tmp_path / "passphrase").write_text(content)
        adapter = world.make_adapter(passphrase_file=str(tmp_path / "passphrase"))

        with pytest.raises(NodeDown, match="passphrase") as trouble:
            adapter.prepare([world.payment(world.coin // 2)], [])

        assert "horse" not in str(trouble.value)


class TestRealFlows(Flows):
    @pytest.fixture
    def world(self, litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from real(litecoin, name_of(request))


class TestRecordedFlows(Flows):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from recorded(name_of(request))


class TestRealLockedWallet(LockedWallet):
    @pytest.fixture
    def world(self, litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from real(litecoin, name_of(request), passphrase=SECRET)


class TestRecordedLockedWallet(LockedWallet):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from recorded(name_of(request), passphrase=SECRET)
