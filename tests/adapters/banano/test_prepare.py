"""Where the next block goes, and what is never built at all."""

from __future__ import annotations

import pytest

from adapters.base import (
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Prepared,
    Sent,
    Tried,
)
from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.world import BAN, BURN, BananoWorld


def tried(prepared: Prepared, outcome: str = "unclear", attempts: int = 1) -> Tried:
    return Tried(prepared, attempts=attempts, outcome=outcome)  # type: ignore[arg-type]


def test_a_payment_is_one_signed_block_and_its_slot_is_its_place(world: BananoWorld):
    world.fill(5 * BAN)
    address = world.outside_address()

    prepared = world.prepared(2 * BAN, address)

    block = world.blob(prepared).block
    frontier = world.node.ask("account_info", account=world.hot)["frontier"]
    assert prepared.id == block.hash
    assert prepared.slot == f"{block.account}:{frontier}"
    assert (block.previous, block.balance) == (frontier, 3 * BAN)
    assert crypto.verify(bytes.fromhex(block.account), bytes.fromhex(block.hash), bytes.fromhex(block.signature))
    assert crypto.work_is_enough(block.root, block.work, 0xF000000000000000)
    assert prepared.fee == 0


def test_two_workers_prepare_for_the_same_slot_so_that_the_database_lets_one_through(world: BananoWorld):
    world.fill(5 * BAN)

    one, two = world.prepared(BAN), world.prepared(2 * BAN)

    assert one.id != two.id
    assert one.slot == two.slot


def test_the_next_payment_stands_on_one_that_is_not_confirmed_or_not_even_sent(world: BananoWorld):
    world.fill(5 * BAN)
    first = world.prepared(BAN)

    second = world.prepared(BAN, "", first)

    assert world.blob(second).block.previous == first.id
    assert world.blob(second).block.balance == 3 * BAN
    assert first.slot != second.slot


def test_everything_can_be_paid_out_but_not_one_raw_more(world: BananoWorld):
    world.fill(5 * BAN)

    assert world.blob(world.prepared(5 * BAN)).block.balance == 0
    with pytest.raises(NotEnoughFunds):
        world.prepared(5 * BAN + 1)


def test_money_that_a_recorded_payment_takes_is_not_there_for_the_next(world: BananoWorld):
    world.fill(5 * BAN)
    first = world.prepared(3 * BAN)

    with pytest.raises(NotEnoughFunds):
        world.prepared(3 * BAN, "", first)


@pytest.mark.parametrize("amount", [0, -1, 1 << 128, 10**40])
def test_an_impossible_amount_is_refused(world: BananoWorld, amount: int):
    world.fill(5 * BAN)

    with pytest.raises(NodeRefused) as refusal:
        world.prepared(amount, world.outside_address())

    assert refusal.value.address


@pytest.mark.parametrize("address", [BURN, "hot", "ban_bad", "nano_"])
def test_nothing_is_paid_to_the_burn_account_to_ourselves_or_to_no_address(world: BananoWorld, address: str):
    """A lower balance with a link of zeros would burn the coins, and the node does not protect anybody."""
    world.fill(5 * BAN)

    with pytest.raises(NodeRefused):
        world.prepared(BAN, world.hot if address == "hot" else address)


def test_nothing_is_built_on_a_block_that_is_not_confirmed_and_not_ours(world: BananoWorld):
    """Somebody else signs with our seed, or an epoch block is under way: wait until its place is certain."""
    world.fill(5 * BAN)
    stolen = world.steal(world.outside_address(), BAN)

    with pytest.raises(NodeDown, match="not confirmed and not ours"):
        world.prepared(BAN)

    world.node.do("confirm", name=stolen)
    assert world.blob(world.prepared(BAN)).block.previous == stolen


def test_nothing_is_built_where_a_recorded_payment_lost_its_place(world: BananoWorld):
    world.fill(5 * BAN)
    first = world.prepared(BAN)
    world.kill(first)

    with pytest.raises(NodeDown, match="stands where a recorded payment belongs"):
        world.prepared(BAN, "", first)


def test_nothing_is_built_while_two_recorded_payments_stand_side_by_side(world: BananoWorld):
    world.fill(5 * BAN)
    rivals = world.prepared(BAN), world.prepared(2 * BAN)

    with pytest.raises(NodeDown, match="side by side"):
        world.prepared(BAN, "", *rivals)


def test_an_epoch_block_moves_the_place_and_nothing_else(world: BananoWorld):
    """The network may append a block to our chain at any time: the frontier is always asked for."""
    world.fill(5 * BAN)
    epoch = world.node.do("epoch", account=world.hot)

    prepared = world.prepared(BAN)

    assert world.blob(prepared).block.previous == epoch
    assert world.send(prepared) == Sent(prepared.id, 0)
