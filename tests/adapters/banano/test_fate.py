"""What each answer of the node means for a payment that may be under way: reference for adapters/banano/fate.py."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.banano import Banano
from adapters.base import (
    Absent,
    Confirmed,
    Dead,
    NodeDown,
    Payment,
    Pending,
    Prepared,
    Refused,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.world import BAN, BananoWorld


def tried(prepared: Prepared, outcome: str = "unclear", attempts: int = 1) -> Tried:
    return Tried(prepared, attempts=attempts, outcome=outcome)  # type: ignore[arg-type]


# -- what an answer to sending means --


def test_a_repeat_is_an_old_block_and_that_is_success(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())

    assert [world.send(prepared) for _ in range(3)] == [Sent(prepared.id, 0)] * 3
    assert world.arrived(to) == [BAN]


def test_no_subtype_is_ever_sent(world: BananoWorld):
    """With one, the node answers a repeat with "Invalid block balance for given subtype"."""
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.send(prepared)
    block = world.blob(prepared).block.as_json("ban_")

    with_it = world.node.ask("process", json_block="true", subtype="send", block=block)
    without = world.node.ask("process", json_block="true", block=block)

    assert with_it == {"error": "Invalid block balance for given subtype"}
    assert without == {"error": "Old block"}
    assert world.send(prepared) == Sent(prepared.id, 0)


def test_four_workers_at_once_pay_once(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())

    def send(_: int) -> object:
        adapter = Banano(world.options)
        try:
            return adapter.broadcast(prepared)
        finally:
            adapter.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(4))) == [Sent(prepared.id, 0)] * 4
    assert world.arrived(to) == [BAN]


@pytest.mark.parametrize("how", ["lost_answer", "truncated", "http_502"])
def test_a_lost_answer_to_a_block_that_was_taken_is_unclear_then_pending(world: BananoWorld, how: str):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())
    world.node.do("fail", how=how)

    assert isinstance(world.send(prepared), Unclear)
    assert world.rebuilt().lookup(tried(prepared)) == Pending(prepared.id, 0)
    assert world.arrived(to) == [BAN]


def test_a_crash_between_recording_and_sending_leaves_it_absent(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())
    adapter = world.rebuilt()

    assert adapter.lookup(tried(prepared, outcome="")) == Absent()
    assert adapter.broadcast(prepared) == Sent(prepared.id, 0)
    assert world.arrived(to) == [BAN]


def test_a_gap_is_no_refusal_the_node_applies_the_block_later(world: BananoWorld):
    world.fill(5 * BAN)
    first = world.prepared(BAN)
    second = world.prepared(BAN, to := world.outside_address(), first)

    answer = world.send(second)
    before = world.adapter.lookup(tried(second))
    world.send(first)
    after = world.adapter.lookup(tried(second))

    assert isinstance(answer, Unclear)
    assert "Gap previous block" in answer.reason
    assert before == Unknown("an earlier payment of the same account must be known first")
    assert after == Pending(second.id, 0)
    assert world.arrived(to) == [BAN]


def test_a_fork_is_dead_only_when_the_rival_is_confirmed(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())
    rival = world.rival(prepared, confirm=False)

    answer = world.send(prepared)
    waiting = world.adapter.lookup(tried(prepared))
    world.node.do("confirm", name=rival)
    over = world.adapter.lookup(tried(prepared))

    assert isinstance(answer, Unclear)
    assert "Fork" in answer.reason
    assert waiting == Unknown(f"Block {rival} stands in its place and is not confirmed: it may still lose.")
    assert over == Dead(f"Its place in the account was taken for good by block {rival}.")
    assert world.arrived(to) == []


def test_a_rival_that_loses_leaves_the_place_free_again(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())
    rival = world.rival(prepared, confirm=False)
    assert isinstance(world.adapter.lookup(tried(prepared)), Unknown)

    world.node.do("rollback", name=rival)

    assert world.adapter.lookup(tried(prepared)) == Absent()
    assert world.send(prepared) == Sent(prepared.id, 0)
    assert world.arrived(to) == [BAN]


def test_a_fork_by_an_epoch_block_is_dead_and_paid_anew_once(world: BananoWorld):
    world.fill(5 * BAN)
    to = world.outside_address()
    prepared = world.prepared(BAN, to)
    epoch = world.node.do("epoch", account=world.hot)
    assert isinstance(world.send(prepared), Unclear)
    assert world.adapter.lookup(tried(prepared)) == Dead(
        f"Its place in the account was taken for good by block {epoch}."
    )

    again = world.prepared(BAN, to)

    assert world.send(again) == Sent(again.id, 0)
    assert world.arrived(to) == [BAN]


def test_a_payment_on_a_dead_one_is_dead_too(world: BananoWorld):
    world.fill(5 * BAN)
    first = world.prepared(BAN)
    second = world.prepared(BAN, "", first)
    world.kill(first)

    assert isinstance(world.adapter.lookup(tried(first)), Dead)
    assert isinstance(world.adapter.lookup(tried(second)), Dead)


def test_a_sent_block_that_the_network_lost_is_sent_again_as_it_was(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN, to := world.outside_address())
    world.send(prepared)
    world.node.do("rollback", name=prepared.id)

    assert world.adapter.lookup(tried(prepared, "sent")) == Absent()
    assert world.send(prepared) == Sent(prepared.id, 0)
    assert world.arrived(to) == [BAN]


@pytest.mark.parametrize("words", ["Bad signature", "Block is invalid", "Balance and amount delta do not match"])
def test_what_only_a_mistake_of_ours_can_cause_stops_for_a_person(world: BananoWorld, words: str):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.node.do("fail", how=f"says {words}")

    assert world.send(prepared) == Refused(words)
    assert isinstance(world.adapter.lookup(tried(prepared, "refused")), Unknown)


@pytest.mark.parametrize("words", ["Error processing block", "Something new", "Gap source block", "Fork"])
def test_words_that_prove_nothing_are_unclear(world: BananoWorld, words: str):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.node.do("fail", how=f"says {words}")

    assert isinstance(world.send(prepared), Unclear)
    assert world.adapter.lookup(tried(prepared)) == Absent()


def test_another_blocks_name_in_the_answer_is_unclear(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    changed = replace(prepared, id="AB" * 32)

    answer = world.send(changed)

    assert answer == Unclear("the stored form of this payment is damaged")
    assert world.adapter.lookup(tried(changed)) == Unknown("the stored form of this payment is damaged")


def test_work_that_became_too_little_is_done_again_for_the_same_block(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    block = world.blob(prepared).block
    harder = crypto.work_value(block.root, int(block.work, 16)) + 1
    world.node.do("set", threshold=harder)

    assert world.send(prepared) == Sent(prepared.id, 0)
    work = world.node.ask("block_info", hash=prepared.id, json_block="true")["contents"]["work"]
    assert work != block.work
    assert crypto.work_is_enough(block.root, work, harder)


def test_a_raised_difficulty_nobody_told_of_is_unclear_and_tried_again(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.node.do("fail", how="says Block work is less than threshold")

    assert isinstance(world.send(prepared), Unclear)
    assert world.adapter.lookup(tried(prepared)) == Absent()


# -- confirmation --


def test_a_block_the_node_forgot_to_vote_on_is_hurried_after_ten_seconds(world: BananoWorld):
    """A restarted node drops its elections; block_confirm starts them again."""
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.send(prepared)
    world.node.do("restart")
    world.node.do("set", voting=True)
    now = datetime.now(UTC)

    fresh = world.adapter.lookup(replace(tried(prepared, "sent"), attempted_at=now))
    assert "block_confirm" not in world.node.do("asked")
    old = world.adapter.lookup(replace(tried(prepared, "sent"), attempted_at=now - timedelta(seconds=11)))

    assert fresh == old == Pending(prepared.id, 0)
    assert world.node.do("asked").count("block_confirm") == 1
    assert isinstance(world.adapter.lookup(tried(prepared, "sent")), Confirmed)


def test_a_node_that_does_not_know_the_block_before_proves_nothing(world: BananoWorld):
    """It is behind, was restored, or prunes old blocks: silence there must never release money."""
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    blob = json.loads(prepared.blob)
    unknown = "CD" * 32
    blob["path"], blob["block"]["previous"] = [unknown], unknown
    block = replace(world.blob(prepared).block, previous=unknown)
    elsewhere = Prepared(block.hash, json.dumps(blob), 0)

    found = world.adapter.lookup(tried(elsewhere, "sent"))

    assert isinstance(found, Unknown)
    assert "is behind" in found.reason


def test_a_node_on_another_network_says_nothing_about_a_payment(world: BananoWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    adapter = world.rebuilt(network_identifier="AB" * 32)

    assert isinstance(adapter.lookup(tried(prepared)), Unknown)
    assert isinstance(adapter.broadcast(prepared), Unclear)
    with pytest.raises(NodeDown, match="another network"):
        adapter.prepare([Payment("w1", world.outside_address(), BAN)], [])


@pytest.mark.parametrize(
    "blob", ["", "[]", "{}", '{"v": 2}', "null", '{"v": 1, "block": {}, "path": [], "amount": "1", "sends": true}']
)
def test_a_stored_form_that_cannot_be_read_is_unknown(world: BananoWorld, blob: str):
    broken = Prepared("AB" * 32, blob, 0)

    assert isinstance(world.adapter.lookup(tried(broken, "sent")), Unknown)
    assert isinstance(world.adapter.broadcast(broken), Unclear)
