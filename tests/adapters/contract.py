"""What every coin family must do, whatever its node. A family passes it by giving a World.

Each test gets a world of its own: an adapter, its node, and somebody outside who pays and is paid.
"""

from __future__ import annotations

import pytest

from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    Dead,
    Found,
    InvalidAddress,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Page,
    Pending,
    Prepared,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from tests.adapters.world import DEPTH, World


def incoming(page: Page, address: str) -> list[Found]:
    return [one for one in page.transfers if one.incoming and one.address == address]


def outgoing(page: Page, address: str) -> list[Found]:
    return [one for one in page.transfers if not one.incoming and one.address == address]


class AdapterContract:
    @pytest.fixture
    def world(self) -> World:
        raise RuntimeError("a family's test class gives its own world")

    # -- the node --

    def test_a_healthy_node_says_its_network_and_height(self, world: World):
        health = world.adapter.health()

        assert health.ok
        assert health.reason == ""
        assert health.network == world.network
        assert health.synced
        assert not health.locked
        assert isinstance(health.height, int)

    def test_the_height_grows_with_each_block(self, world: World):
        before = world.adapter.health().height or 0
        world.mine(2)

        assert world.adapter.health().height == before + 2

    @pytest.mark.parametrize("trouble", ["outage", "rubbish"])
    def test_a_node_in_trouble_is_said_to_be_and_nothing_else_goes_wrong(self, world: World, trouble: str):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        getattr(world, trouble)()

        health = world.adapter.health()
        assert not health.ok
        assert health.reason
        for ask in (
            lambda: world.adapter.funds(()),
            lambda: world.new_address(),
            lambda: world.adapter.is_ours(payment.address),
            lambda: world.poll(),
            lambda: world.adapter.transfer("0" * 64),
            lambda: world.adapter.quote(payment),
            lambda: world.adapter.prepare([payment], []),
        ):
            with pytest.raises(NodeDown):
                ask()
        assert isinstance(world.adapter.broadcast(prepared), Unclear)
        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear")), Unknown)

        world.heal()
        assert world.adapter.health().ok
        assert world.adapter.lookup(Tried(prepared)) == Absent()

    # -- addresses --

    def test_each_new_address_is_another_one_and_is_its_own_normal_form(self, world: World):
        made = [world.adapter.new_address(AddressRequest(number=number)) for number in (1, 2, 3)]

        assert len({one.address for one in made}) == 3
        assert len({one.ref for one in made}) == 3
        for one in made:
            assert world.adapter.check_address(f" {one.address}\n").address == one.address
            assert world.adapter.check_address(one.address).network == world.network

    def test_an_address_is_checked_without_the_node(self, world: World):
        address = world.outside_address()
        world.outage()

        assert world.adapter.check_address(address).address == address

    def test_an_address_of_another_network_is_refused_in_words(self, world: World):
        with pytest.raises(InvalidAddress) as refusal:
            world.adapter.check_address(world.foreign_address())

        assert "network" in refusal.value.message

    def test_an_address_with_one_wrong_letter_is_refused(self, world: World):
        address = world.outside_address()
        for place in range(len(address) - 8, len(address)):
            damaged = address[:place] + ("q" if address[place] != "q" else "p") + address[place + 1 :]
            with pytest.raises(InvalidAddress):
                world.adapter.check_address(damaged)

    @pytest.mark.parametrize(
        "text",
        ["", " ", "abc", "0" * 5000, "💰", "<script>", "a:b?c=d", "\x00"],
        ids=["empty", "blank", "short", "long", "picture", "markup", "link", "nul"],
    )
    def test_what_is_no_address_is_refused(self, world: World, text: str):
        with pytest.raises(InvalidAddress):
            world.adapter.check_address(text)

    def test_it_tells_its_own_addresses_from_others(self, world: World):
        assert world.adapter.is_ours(world.new_address())
        assert not world.adapter.is_ours(world.outside_address())

    def test_a_payment_link_holds_the_address_and_the_exact_amount(self, world: World):
        address = world.new_address()

        link = world.adapter.uri(address, world.coin * 3 // 2, label="alice & bob")

        assert f":{address}?" in link
        assert "amount=1.5&" in link
        assert link.endswith("label=alice%20%26%20bob")
        assert world.adapter.uri(address, None).endswith(f":{address}")

    # -- deposits --

    def test_a_deposit_is_found_and_grows_until_it_is_deep_enough(self, world: World):
        address = world.new_address()
        cursor = world.poll().cursor
        txid = world.fund(address, 3 * world.coin)
        world.settle(txid)

        seen = []
        for _ in range(DEPTH + 1):
            page = world.poll(cursor)
            cursor = page.cursor
            (one,) = incoming(page, address)
            seen.append(one)
            world.mine(1)

        assert [one.confirmations for one in seen] == [0, 1, 2, 3]
        assert {(one.txid, one.output, one.amount) for one in seen} == {(txid, seen[0].output, 3 * world.coin)}
        assert not any(one.gone or one.locked for one in seen)
        assert world.adapter.transfer(txid)[0].confirmations == DEPTH + 1

    def test_polling_again_from_the_same_place_finds_the_same(self, world: World):
        address = world.new_address()
        cursor = world.poll().cursor
        world.settle(world.fund(address, world.coin))
        world.mine(1)

        assert incoming(world.poll(cursor), address) == incoming(world.poll(cursor), address)
        assert incoming(world.poll(), address) == incoming(world.poll(cursor), address)

    def test_two_deposits_to_one_address_are_two(self, world: World):
        address = world.new_address()
        for _ in range(2):
            world.settle(world.fund(address, world.coin))
        world.mine(1)

        found = incoming(world.poll(), address)

        assert len({(one.txid, one.output) for one in found}) == 2
        assert [one.amount for one in found] == [world.coin, world.coin]

    def test_a_deposit_that_can_never_confirm_is_reported_gone(self, world: World):
        address = world.new_address()
        txid = world.fund(address, world.coin)
        world.settle(txid)
        (before,) = world.adapter.transfer(txid)
        world.vanish(txid)

        (after,) = world.adapter.transfer(txid)

        assert not before.gone
        assert after.gone
        assert (after.txid, after.output, after.address, after.amount) == (txid, before.output, address, world.coin)
        assert after.confirmations == 0

    def test_an_unknown_transaction_moved_nothing(self, world: World):
        assert world.adapter.transfer("0" * 64) == ()
        assert world.adapter.transfer("rubbish") == ()

    def test_the_funds_are_what_came_in(self, world: World):
        world.fill(5 * world.coin)

        funds = world.adapter.funds(())

        assert funds.total == 5 * world.coin
        assert funds.spendable == 5 * world.coin

    # -- payments --

    def test_it_sees_coins_leave_that_nobody_prepared(self, world: World):
        world.fill(5 * world.coin)
        cursor = world.poll().cursor
        address = world.outside_address()
        txid = world.steal(address, world.coin)
        world.settle(txid)

        (one,) = outgoing(world.poll(cursor), address)

        assert (one.txid, one.amount) == (txid, world.coin)
        assert [entry for entry in world.adapter.transfer(txid) if not entry.incoming] == [one]

    def test_preparing_sends_nothing_and_may_be_repeated(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(4 * world.coin)

        prepared = [world.adapter.prepare([payment], []) for _ in range(3)]
        world.mine(1)

        assert world.arrived(payment.address) == []
        assert world.adapter.funds(()).total == 5 * world.coin
        for one in prepared:
            assert one.payments == ("w1",)
            assert one.fee >= 0
            assert one.slot
            assert world.adapter.lookup(Tried(one)) == Absent()

    def test_a_payment_is_absent_then_pending_then_confirmed(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        before = world.adapter.lookup(Tried(prepared))

        sent = world.adapter.broadcast(prepared)
        tried = Tried(prepared, attempts=1, outcome="sent")
        waiting = world.adapter.lookup(tried)
        world.settle(world.txid(prepared))
        world.mine(2)

        assert before == Absent()
        assert sent == Sent(world.txid(prepared), prepared.fee)
        assert waiting == Pending(world.txid(prepared), prepared.fee)
        assert world.adapter.lookup(tried) == Confirmed(2, world.txid(prepared), prepared.fee)
        assert world.arrived(payment.address) == [world.coin]
        assert world.adapter.funds(()).total == 4 * world.coin - prepared.fee

    def test_broadcasting_again_pays_once(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])

        for _ in range(2):
            assert world.adapter.broadcast(prepared) == Sent(world.txid(prepared), prepared.fee)
        world.mine(1)
        assert world.adapter.broadcast(prepared) == Sent(world.txid(prepared), prepared.fee)
        world.mine(DEPTH)

        tried = Tried(prepared, attempts=3, outcome="sent")
        assert world.adapter.lookup(tried) == Confirmed(1 + DEPTH, world.txid(prepared), prepared.fee)
        assert world.arrived(payment.address) == [world.coin]

    def test_a_lost_answer_is_unclear_and_the_payment_was_made(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        world.lose_answer()

        result = world.adapter.broadcast(prepared)
        world.heal()

        assert isinstance(result, Unclear)
        tried = Tried(prepared, attempts=1, outcome="unclear")
        assert world.adapter.lookup(tried) == Pending(world.txid(prepared), prepared.fee)
        world.mine(1)
        assert world.arrived(payment.address) == [world.coin]

    def test_a_lost_call_is_unclear_and_the_same_payment_can_be_sent_again(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        world.lose_call()

        result = world.adapter.broadcast(prepared)
        world.heal()

        assert isinstance(result, Unclear)
        assert world.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear")) == Absent()
        assert world.adapter.broadcast(prepared) == Sent(world.txid(prepared), prepared.fee)
        world.mine(1)
        assert world.arrived(payment.address) == [world.coin]

    def test_a_payment_that_can_never_be_made_is_dead(self, world: World):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        world.kill(prepared)

        assert not isinstance(world.adapter.broadcast(prepared), Sent)
        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
        assert world.arrived(payment.address) == []

    def test_several_payments_go_in_one(self, world: World):
        world.fill(9 * world.coin)
        payments = [world.payment(number * world.coin, id=f"w{number}") for number in (1, 2)]
        twice = world.payment(world.coin, payments[0].address, id="w3")

        prepared = world.adapter.prepare([*payments, twice], [])
        world.adapter.broadcast(prepared)
        world.mine(1)

        assert prepared.payments == ("w1", "w2", "w3")
        assert sum(world.arrived(payments[0].address)) == 2 * world.coin
        assert world.arrived(payments[1].address) == [2 * world.coin]

    def test_two_unsent_payments_do_not_share_a_coin(self, world: World):
        for _ in range(2):
            world.fill(2 * world.coin)
        first = world.adapter.prepare([world.payment(world.coin)], [])
        second = world.adapter.prepare([world.payment(world.coin, id="w2")], [Tried(first)])

        for one in (first, second):
            assert world.adapter.broadcast(one) == Sent(world.txid(one), one.fee)

    def test_more_than_the_wallet_holds_must_wait(self, world: World):
        world.fill(world.coin)

        with pytest.raises(NotEnoughFunds):
            world.adapter.prepare([world.payment(2 * world.coin)], [])

    def test_nothing_cannot_be_paid(self, world: World):
        world.fill(world.coin)

        with pytest.raises(NodeRefused):
            world.adapter.prepare([world.payment(0)], [])

    def test_a_quote_names_a_fee_and_warns_of_an_empty_wallet(self, world: World):
        world.fill(world.coin)

        enough = world.adapter.quote(world.payment(world.coin // 2))
        short = world.adapter.quote(world.payment(2 * world.coin))

        assert enough.fee > 0
        assert enough.network_reserve == 0
        assert enough.wait
        assert enough.warnings == ()
        assert len(short.warnings) == 1

    def test_a_stored_payment_that_cannot_be_read_is_unknown_not_lost(self, world: World):
        broken = Prepared("0" * 64, "rubbish", 0)

        assert isinstance(world.adapter.broadcast(broken), Unclear)
        assert not isinstance(world.adapter.lookup(Tried(broken, attempts=1)), Dead)

    def test_a_hint_is_a_txid_or_a_block_and_nothing_else(self, world: World):
        told = world.adapter.hint("wallet", "ab" * 32, b"")
        block = world.adapter.hint("block", "ab" * 32, b"")

        assert told is not None
        assert told.txid == "ab" * 32
        assert block is not None
        assert block.txid == ""
        assert world.adapter.hint("wallet", "../../etc", b"") is None
        assert world.adapter.hint("alert", "ab" * 32, b"") is None


__all__ = ["DEPTH", "AdapterContract", "World"]
