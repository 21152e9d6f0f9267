"""Money from a stranger's send to the hot account and out again: deposits, collecting, emptying, the audit."""

from __future__ import annotations

import json

import pytest

from adapters.base import (
    Absent,
    Dead,
    Found,
    NodeDown,
    NotEnoughFunds,
    Page,
    Prepared,
    Refused,
    Sent,
    Tried,
    Unknown,
    Watched,
)
from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.world import BAN, BURN, GENESIS_ADDRESS, SEED, BananoWorld, address_of, key_of

DUST = 10**27


def incoming(page: Page) -> list[tuple[str, str, int, int]]:
    return [(one.txid, one.address, one.amount, one.confirmations) for one in page.transfers if one.incoming]


def outgoing(page: Page) -> list[tuple[str, str, int, int]]:
    return [(one.txid, one.address, one.amount, one.confirmations) for one in page.transfers if not one.incoming]


# -- deposits --


def test_a_deposit_is_seen_unconfirmed_and_counts_from_its_confirmed_send(world: BananoWorld):
    alice = world.new_address()
    send = world.fund(alice, 3 * BAN)
    seen = incoming(world.poll())
    world.node.do("confirm", name=send)

    assert seen == [(send, alice, 3 * BAN, 0)]
    assert incoming(world.poll()) == [(send, alice, 3 * BAN, 1000)]


def test_a_deposit_stays_found_after_it_was_collected_and_swept(world: BananoWorld):
    """Collected sends are no longer listed as receivable: they are read from the account's own chain."""
    alice = world.new_address()
    send = world.deposit(alice, 3 * BAN)

    assert world.tidy() == ["collect", "sweep", "collect"]

    assert (send, alice, 3 * BAN, 1000) in incoming(world.poll())
    assert world.adapter.transfer(send) == (Found(True, send, send, alice, 3 * BAN, confirmations=1000, fee=None),)


def test_the_same_deposit_by_callback_and_by_poll_is_one(world: BananoWorld):
    alice = world.new_address()
    send = world.deposit(alice, BAN)
    hint = world.adapter.hint("block", send.lower(), b"")
    assert hint is not None

    (by_hint,) = world.adapter.transfer(hint.txid)
    (by_poll,) = [one for one in world.poll().transfers if one.incoming]

    assert by_hint == by_poll


def test_a_deposit_collected_before_it_was_ever_seen_is_found(world: BananoWorld):
    alice = world.new_address()
    cursor = world.poll().cursor
    send = world.deposit(alice, 3 * BAN)
    world.tidy()

    assert (send, alice, 3 * BAN, 1000) in incoming(world.poll(cursor))


def test_a_sweep_into_the_hot_account_is_no_deposit(world: BananoWorld):
    alice = world.new_address()
    send = world.deposit(alice, 3 * BAN)
    world.tidy()

    page = world.poll()

    assert [txid for txid, *_ in incoming(page)] == [send]
    assert [(to, amount) for _, to, amount, _ in outgoing(page)] == [(world.hot, 3 * BAN)]


def test_money_from_outside_to_the_hot_account_is_shown(world: BananoWorld):
    send = world.deposit(world.hot, 7 * BAN)

    assert incoming(world.poll()) == [(send, world.hot, 7 * BAN, 1000)]


def test_a_read_chain_is_not_read_again(world: BananoWorld):
    world.deposit(world.new_address(), 3 * BAN)
    world.tidy()
    cursor = world.poll().cursor
    world.node.do("asked")

    again = world.poll(cursor)

    assert again.transfers == ()
    assert "account_history" not in world.node.do("asked")
    assert again.cursor == cursor


def test_a_long_chain_is_read_whole_and_once(world: BananoWorld):
    alice = world.new_address()
    sends = [world.deposit(alice, BAN + number) for number in range(45)]
    cursor = world.poll().cursor
    while (chore := world.adapter.chores(world.watch, ())) is not None:
        world.send(chore)
        world.node.do("confirm_all")

    found = incoming(world.poll(cursor))

    assert {txid for txid, *_ in found} == set(sends)
    assert len(found) == 45


@pytest.mark.parametrize("cursor", ["", "7", "[]", "{}", "null", '{"v": 2}', '{"v": 1, "next": "x", "read": {}}', "{"])
def test_an_unknown_cursor_reads_from_the_beginning(world: BananoWorld, cursor: str):
    alice = world.new_address()
    send = world.deposit(alice, 3 * BAN)
    world.tidy()

    assert (send, alice, 3 * BAN, 1000) in incoming(world.poll(cursor))


def test_many_addresses_come_in_pages_and_each_is_read(world: BananoWorld):
    last = 2600
    watch = [Watched(address_of(1, SEED), "1")]
    # Keys between are strangers': deriving thousands would only slow the test.
    watch += [
        Watched(crypto.encode_address("ban_", number.to_bytes(32, "big")), str(number)) for number in range(2, last)
    ]
    watch.append(Watched(address_of(last, SEED), str(last)))
    send = world.deposit(watch[-1].address, BAN)

    first = world.adapter.transfers("", watch, 1)
    second = world.adapter.transfers(first.cursor, watch, 1)

    assert first.more
    assert not second.more
    assert incoming(first) == []
    assert incoming(second) == [(send, watch[-1].address, BAN, 1000)]
    assert json.loads(second.cursor)["next"] == 0


def test_dust_is_neither_shown_nor_collected(world: BananoWorld):
    alice = world.new_address()
    world.deposit(alice, 1)
    world.deposit(alice, DUST - 1)
    least = world.deposit(alice, DUST)

    assert incoming(world.poll()) == [(least, alice, DUST, 1000)]
    assert world.tidy() == ["collect"]
    assert world.node.ask("account_balance", account=alice)["receivable"] == str(DUST)


def test_the_largest_amount_there_can_be_is_read_exactly(world: BananoWorld):
    alice = world.new_address()
    everything = (1 << 128) - 1
    world.node.do("fund", to=alice, amount=str(everything), confirm=True)

    assert [amount for _, _, amount, _ in incoming(world.poll())] == [everything]
    assert world.adapter.funds(world.watch).total == everything


def test_a_deposit_replaced_by_a_rival_is_gone_and_was_never_collected(world: BananoWorld):
    """The node takes a receive of an unconfirmed send, and both vanish if the send loses: so we never make one."""
    alice = world.new_address()
    send = world.fund(alice, 3 * BAN)

    assert world.adapter.chores(world.watch, ()) is None
    world.vanish(send)

    assert world.adapter.transfer(send) == ()
    assert incoming(world.poll()) == []
    assert world.adapter.funds(world.watch).total == 0


def test_a_receive_of_an_unconfirmed_send_made_elsewhere_vanishes_with_it(world: BananoWorld):
    alice = world.new_address()
    send = world.fund(alice, 3 * BAN)
    world.node.do("receive", key=key_of(1), send=send)
    before = incoming(world.poll())
    world.vanish(send)

    assert before == [(send, alice, 3 * BAN, 0)]
    assert world.node.ask("account_info", account=alice) == {"error": "Account not found"}
    assert incoming(world.poll()) == []


def test_an_unconfirmed_block_is_read_again_until_it_is_confirmed(world: BananoWorld):
    world.fill(5 * BAN)
    cursor = world.poll().cursor
    prepared = world.prepared(BAN, to := world.outside_address())
    world.send(prepared)

    first = world.poll(cursor)
    world.node.do("confirm_all")
    second = world.poll(first.cursor)

    assert outgoing(first) == [(prepared.id, to, BAN, 0)]
    assert outgoing(second) == [(prepared.id, to, BAN, 1000)]
    assert outgoing(world.poll(second.cursor)) == []


# -- the audit --


def test_money_that_leaves_an_address_of_ours_without_us_is_seen(world: BananoWorld):
    """Somebody else has the seed: the ledger knows no dispatch of that name, and freezes."""
    alice = world.new_address()
    send = world.deposit(alice, 3 * BAN)
    world.node.do("receive", key=key_of(1), send=send, confirm=True)
    cursor = world.poll().cursor
    thief = world.outside_address()
    stolen = world.node.do("fund", to=thief, amount=str(BAN), key=key_of(1))

    assert outgoing(world.poll(cursor)) == [(stolen, thief, BAN, 0)]


def test_a_database_older_than_the_chain_sees_every_payment_it_forgot(world: BananoWorld):
    world.fill(9 * BAN)
    old_cursor = world.poll().cursor
    made = []
    for number in range(3):
        made.append(world.prepared(BAN + number))
        world.send(made[-1])
        world.node.do("confirm_all")

    assert [txid for txid, *_ in outgoing(world.poll(old_cursor))] == [one.id for one in reversed(made)]


def test_another_seed_reads_nothing(world: BananoWorld):
    world.member()
    adapter = world.rebuilt(seed="AB" * 32)

    for ask in (lambda: adapter.transfers("", world.watch, 1), lambda: adapter.chores(world.watch, ())):
        with pytest.raises(NodeDown, match="seed is not the one"):
            ask()


# -- collecting and emptying --


def test_a_first_collection_opens_the_account_with_the_configured_representative(world: BananoWorld):
    alice = world.new_address()
    world.deposit(alice, DUST)

    chore = world.adapter.chores(world.watch, ())

    assert chore is not None
    block = world.blob(chore).block
    assert chore.chore == "collect"
    assert chore.payments == ()
    assert block.previous == "0" * 64
    assert chore.slot == f"{block.account}:{'0' * 64}"
    assert block.as_json("ban_")["representative"] == GENESIS_ADDRESS
    assert block.root == bytes.fromhex(block.account)
    assert world.send(chore) == Sent(chore.id, 0)


def test_an_address_opened_by_an_epoch_block_is_collected_on_top_of_it(world: BananoWorld):
    """Its representative is the burn account then; ours takes its place."""
    alice = world.new_address()
    world.deposit(alice, DUST)
    early = world.adapter.chores(world.watch, ())
    assert early is not None
    epoch = world.node.do("epoch", account=alice)
    assert world.node.ask("account_info", account=alice, representative="true")["representative"] == BURN

    assert world.adapter.lookup(Tried(early)) == Dead(f"Its place in the account was taken for good by block {epoch}.")
    chore = world.rebuilt().chores(world.watch, ())

    assert chore is not None
    assert world.blob(chore).block.previous == epoch
    assert world.blob(chore).block.as_json("ban_")["representative"] == GENESIS_ADDRESS
    assert world.send(chore) == Sent(chore.id, 0)


def test_several_deposits_of_one_address_are_collected_one_after_another(world: BananoWorld):
    alice = world.new_address()
    for _ in range(3):
        world.deposit(alice, DUST)

    assert world.tidy() == ["collect"] * 3
    assert world.node.ask("account_info", account=alice)["balance"] == str(3 * DUST)


def test_a_chore_stands_on_one_that_is_still_under_way(world: BananoWorld):
    alice = world.new_address()
    for _ in range(2):
        world.deposit(alice, DUST)
    first = world.adapter.chores(world.watch, ())
    assert first is not None

    second = world.rebuilt().chores(world.watch, [Tried(first, attempts=1)])

    assert second is not None
    assert world.blob(second).block.previous == first.id
    assert world.blob(second).block.link != world.blob(first).block.link


def test_a_deposit_collected_elsewhere_kills_the_chore_only_when_confirmed(world: BananoWorld):
    alice = world.new_address()
    send = world.deposit(alice, DUST)
    mine = world.rebuilt(representative=address_of(9)).chores(world.watch, ())
    assert mine is not None
    other = world.node.do("receive", key=key_of(1), send=send)
    waiting = world.adapter.lookup(Tried(mine, attempts=1))
    world.node.do("confirm", name=other)

    assert other != mine.id
    assert isinstance(waiting, Unknown)
    assert isinstance(world.adapter.lookup(Tried(mine, attempts=1)), Dead)


def test_unreceivable_is_judged_by_what_collected_it(world: BananoWorld):
    alice = world.new_address()
    world.deposit(alice, DUST)
    chore = world.adapter.chores(world.watch, ())
    assert chore is not None
    world.node.do("fail", how="says Unreceivable")

    assert world.send(chore) == Refused("Unreceivable")
    assert isinstance(world.adapter.lookup(Tried(chore, attempts=1, outcome="refused")), Unknown)
    assert world.adapter.lookup(Tried(chore, attempts=1, outcome="unclear")) == Absent()


def test_an_account_that_must_wait_holds_up_no_other(world: BananoWorld):
    alice, bob = world.new_address(), world.new_address()
    world.deposit(alice, 2 * DUST)
    world.node.do("receive", key=key_of(1), send=world.deposit(alice, DUST))  # not confirmed, and not by us
    world.deposit(bob, DUST)

    chore = world.adapter.chores(world.watch, ())

    assert chore is not None
    assert world.blob(chore).block.as_json("ban_")["account"] == bob


def test_a_small_balance_is_not_worth_emptying(world: BananoWorld):
    alice = world.new_address()
    world.deposit(alice, BAN - 1)

    assert world.tidy() == ["collect"]
    world.deposit(alice, DUST)
    assert world.tidy() == ["collect", "sweep", "collect"]
    assert world.adapter.funds(world.watch).spendable == BAN - 1 + DUST


def test_a_withdrawal_waits_until_deposits_reached_the_hot_account(world: BananoWorld):
    world.deposit(world.new_address(), 3 * BAN)

    assert world.adapter.funds(world.watch).total == 3 * BAN
    assert world.adapter.funds(world.watch).spendable == 0
    with pytest.raises(NotEnoughFunds):
        world.prepared(BAN)
    world.tidy()
    assert world.send(prepared := world.prepared(BAN)) == Sent(prepared.id, 0)


def test_one_bad_address_among_many_is_named_and_not_half_read(world: BananoWorld):
    """The node fails the whole batch for it; the ledger only ever hands out addresses of ours."""
    world.deposit(world.new_address(), BAN)
    watch = [*world.watch, Watched("ban_bad", "2"), *world.watch]

    with pytest.raises(NodeDown, match="Bad account number"):
        world.adapter.transfers("", watch, 1)


def test_the_ledger_adds_up_over_a_whole_life(world: BananoWorld):
    for number in range(4):
        world.deposit(world.new_address(), (number + 1) * BAN)
    world.tidy()
    prepared: list[Prepared] = []
    for _ in range(3):
        prepared.append(world.prepared(BAN, "", *prepared[-1:]))
        assert world.send(prepared[-1]) == Sent(prepared[-1].id, 0)
    world.node.do("confirm_all")

    page = world.poll()
    came = sum(amount for _, _, amount, _ in incoming(page))
    left = sum(amount for _, to, amount, _ in outgoing(page) if to != world.hot)
    assert came == 10 * BAN
    assert left == 3 * BAN
    assert world.adapter.funds(world.watch).total == came - left


def test_what_is_on_its_way_between_our_accounts_is_not_missing(world: BananoWorld):
    world.deposit(world.new_address(), 3 * BAN)
    world.deposit(world.hot, BAN)
    totals = []
    while (chore := world.adapter.chores(world.watch, ())) is not None:
        world.send(chore)
        totals.append(world.adapter.funds(world.watch).total)
        world.node.do("confirm_all")

    assert len(totals) == 4
    assert set(totals) == {4 * BAN}
