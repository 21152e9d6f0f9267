"""Health, addresses and scanning of Monero: on real daemons and on their recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from adapters.base import AddressRequest, NodeDown, NodeRefused, Tried, Unclear, Unknown
from tests.adapters.contract import DEPTH, incoming, outgoing
from tests.adapters.litecoin_world import name_of
from tests.adapters.monero.world import LOCK, MoneroWorld, real, recorded
from tests.devnet.monero import PASSWORD, Monero

XMR = 10**12
PAYMENT_ID = "1234567890abcdef"


class Health:
    def test_it_refuses_a_wallet_on_another_network(self, world: MoneroWorld):
        for network, words in (("main", "regtest network"), ("stage", "regtest network")):
            health = world.make_adapter(network=network).health()
            assert not health.ok
            assert words in health.reason

    def test_it_refuses_another_wallet_than_the_configured_one(self, world: MoneroWorld):
        primary = world.site("get_address", account_index=0)["address"]
        other = world.outside("get_address", account_index=0)["address"]

        assert world.make_adapter(address=primary).health().ok
        assert "Another wallet" in world.make_adapter(address=other).health().reason

    def test_it_tells_the_versions_of_both_programs(self, world: MoneroWorld):
        assert world.adapter.health().version == "monero-wallet-rpc 1.25, monerod 0.18.0.0-unknown"
        assert "too old" in world.make_adapter(oldest_version="1.26").health().reason

    def test_no_open_wallet_is_said_in_words(self, world: MoneroWorld):
        world.site("close_wallet")

        assert "has no wallet open" in world.adapter.health().reason
        for ask in (world.new_address, world.poll, lambda: world.adapter.prepare([world.payment(XMR)], [])):
            with pytest.raises(NodeDown, match="no wallet open"):
                ask()
        world.site("open_wallet", filename=world.wallet_name, password=PASSWORD)
        assert world.adapter.health().ok

    def test_when_only_the_daemon_is_down_nothing_old_is_told_as_new(self, world: MoneroWorld):
        world.fill(5 * XMR)
        payment = world.payment(XMR)
        prepared = world.adapter.prepare([payment], [])
        world.proxies["daemon"].swallow(times=0)

        assert world.adapter.health().reason.startswith("monerod: the node does not answer")
        for ask in (
            world.poll,
            lambda: world.adapter.transfer("0" * 64),
            lambda: world.adapter.quote(payment),
            lambda: world.adapter.prepare([payment], []),
            lambda: world.adapter.chores((), []),
        ):
            with pytest.raises(NodeDown):
                ask()
        assert isinstance(world.adapter.broadcast(prepared), Unclear)
        assert isinstance(world.adapter.lookup(Tried(prepared)), Unknown)
        assert world.new_address()

    def test_a_login_that_ran_out_in_the_middle_is_renewed(self, world: MoneroWorld):
        world.proxies["site"].answer(b"", status=401, times=1)

        assert world.adapter.health().ok

    def test_a_refused_login_is_said_in_words(self, world: MoneroWorld):
        for proxy in world.ours:
            proxy.unauthorised()

        assert "HTTP 401" in world.adapter.health().reason


class Addresses:
    def test_each_new_address_is_stored_before_it_is_given_out(self, world: MoneroWorld):
        before = len(world.site_calls())

        made = world.adapter.new_address(AddressRequest(number=1, label="alice"))

        assert world.site_calls()[before:] == ["create_address", "store"]
        assert made.ref == "1"

    def test_an_address_whose_store_failed_is_not_given_out(self, world: MoneroWorld):
        world.proxies["site"].swallow("store")
        with pytest.raises(NodeDown):
            world.new_address()

        assert world.adapter.new_address(AddressRequest(number=2)).ref == "2"

    def test_a_wallet_older_than_our_counter_skips_ahead(self, world: MoneroWorld):
        made = world.adapter.new_address(AddressRequest(number=40))

        assert made.ref == "40"
        assert world.adapter.new_address(AddressRequest(number=41)).ref == "41"

    def test_a_wallet_far_behind_our_counter_catches_up_though_it_makes_few_at_once(self, world: MoneroWorld):
        refs = [world.adapter.new_address(AddressRequest(number=number)).ref for number in (150, 151)]

        assert refs == ["150", "151"]

    def test_an_integrated_address_is_made_on_request(self, world: MoneroWorld):
        made = world.adapter.new_address(AddressRequest(number=1, memo=PAYMENT_ID))
        other = world.make_adapter(integrated=True).new_address(AddressRequest(number=2))

        assert (made.ref, made.extra) == (PAYMENT_ID, PAYMENT_ID)
        assert world.adapter.check_address(made.address).extra == PAYMENT_ID
        assert len(other.extra) == 16
        assert other.extra != PAYMENT_ID
        assert world.adapter.is_ours(made.address)

    def test_a_long_payment_id_is_refused_in_words(self, world: MoneroWorld):
        with pytest.raises(NodeRefused, match="no longer used"):
            world.adapter.new_address(AddressRequest(number=1, memo="12" * 32))


class Scanning:
    def test_one_transaction_that_pays_two_users_is_two_deposits(self, world: MoneroWorld):
        alice, bob = world.new_address(), world.new_address()
        txid = world.pay({alice: XMR, bob: 2 * XMR})["tx_hash"]
        world.mine(1)

        found = world.adapter.transfer(txid)

        assert {(one.address, one.output, one.amount) for one in found} == {
            (alice, "0/1", XMR),
            (bob, "0/2", 2 * XMR),
        }

    def test_one_transaction_that_pays_one_user_twice_is_one_deposit(self, world: MoneroWorld):
        alice = world.new_address()
        twice = [{"address": alice, "amount": XMR}, {"address": alice, "amount": 2 * XMR}]
        txid = world.pay_all(twice)["tx_hash"]
        world.mine(1)

        (one,) = incoming(world.poll(), alice)

        assert (one.txid, one.output, one.amount) == (txid, "0/1", 3 * XMR)

    def test_a_deposit_that_its_payer_locked_stays_locked(self, world: MoneroWorld):
        alice = world.new_address()
        height = world.adapter.health().height or 0
        txid = world.pay({alice: XMR}, unlock_time=height + 60)["tx_hash"]
        world.mine(LOCK + 1)

        (one,) = world.adapter.transfer(txid)

        assert one.confirmations == LOCK + 1
        assert one.locked
        world.mine(60)
        (one,) = world.adapter.transfer(txid)
        assert not one.locked

    def test_a_deposit_to_an_integrated_address_tells_its_payment_id(self, world: MoneroWorld):
        made = world.adapter.new_address(AddressRequest(number=1, memo=PAYMENT_ID))
        world.fund(made.address, XMR)
        waiting = incoming(world.poll(), made.address)
        world.mine(1)

        for (one,) in (waiting, incoming(world.poll(), made.address)):
            assert (one.address, one.extra, one.output, one.amount) == (made.address, PAYMENT_ID, "0/0", XMR)

    def test_a_long_chain_is_read_in_several_pages_and_nothing_is_missed(self, world: MoneroWorld):
        alice = world.new_address()
        txids = []
        for _ in range(3):
            txids.append(world.fund(alice, XMR))
            world.mine(LOCK)
        start = (world.adapter.health().height or 0) - 4 * LOCK
        adapter = world.make_adapter(scan_blocks=7)

        found, cursor, pages = [], json.dumps({"height": start}), 0
        while True:
            page = adapter.transfers(cursor, (), DEPTH)
            found += incoming(page, alice)
            cursor, pages = page.cursor, pages + 1
            if not page.more:
                break

        assert pages == 6
        assert {one.txid for one in found} == set(txids)
        assert page.cursor == world.poll().cursor

    @pytest.mark.parametrize(
        "cursor", ["rubbish", "[]", '{"height": "x"}', '{"height": 999999999}'], ids=["text", "list", "word", "far"]
    )
    def test_an_unknown_cursor_still_finds_what_is_recent(self, world: MoneroWorld, cursor: str):
        address = world.fill(XMR)

        page = world.poll(cursor)

        assert [one.amount for one in incoming(page, address)] == [XMR]
        assert page.cursor == world.poll().cursor

    def test_a_deposit_that_falls_out_of_the_chain_is_forgotten(self, world: MoneroWorld):
        alice = world.new_address()
        txid = world.fund(alice, XMR)
        world.mine(DEPTH)
        cursor = world.poll().cursor
        (before,) = world.adapter.transfer(txid)
        world.orphan(DEPTH)

        assert before.confirmations == DEPTH
        assert world.adapter.transfer(txid) == ()
        assert incoming(world.poll(cursor), alice) == []

    def test_while_the_chain_is_shorter_than_the_wallet_nothing_is_believed(self, world: MoneroWorld):
        alice = world.new_address()
        txid = world.fund(alice, XMR)
        world.mine(2)
        world.node.post("/pop_blocks", {"nblocks": 2})

        with pytest.raises(NodeDown, match="reorganised"):
            world.poll()
        with pytest.raises(NodeDown, match="reorganised"):
            world.adapter.transfer(txid)
        world.mine(3)
        (one,) = world.adapter.transfer(txid)
        assert (one.address, one.amount, one.confirmations) == (alice, XMR, 3)

    def test_a_payment_to_ourselves_shows_only_as_leaving(self, world: MoneroWorld):
        world.fill(5 * XMR)
        address = world.new_address()
        txid = world.steal(address, XMR)
        world.mine(1)

        page = world.poll()

        assert incoming(page, address) == []
        assert {one.txid for one in outgoing(page, address)} == {txid}
        assert world.adapter.is_ours(address)

    def test_coins_spent_with_our_keys_elsewhere_are_seen(self, world: MoneroWorld):
        """The wallet knows only that its coins are gone, not to whom."""
        world.fill(5 * XMR)
        cursor = world.poll().cursor
        prepared = world.adapter.prepare([world.payment(XMR)], [])
        raw = world.site(
            "transfer",
            destinations=[{"address": world.outside_address(), "amount": XMR}],
            account_index=0,
            do_not_relay=True,
            get_tx_hex=True,
        )
        world.node.post("/send_raw_transaction", {"tx_as_hex": raw["tx_blob"]})
        world.mine(1)

        leaving = [one for one in world.poll(cursor).transfers if not one.incoming]

        assert [(one.txid, one.amount) for one in leaving] == [(raw["tx_hash"], XMR)]
        assert isinstance(world.adapter.lookup(Tried(prepared)), Unknown)


class Flows(Health, Addresses, Scanning):
    """All of them."""


class TestRealMonero(Flows):
    @pytest.fixture
    def world(self, monero: Monero, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
        yield from real(monero, name_of(request))


class TestRecordedMonero(Flows):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
        yield from recorded(name_of(request))
