"""Who computes proof of work, that it is checked, and where it lies ready."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from adapters.banano.work import Worker
from adapters.base import Sent
from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.test_node import Says
from tests.adapters.banano.world import BAN, EASY, BananoWorld


@pytest.mark.parametrize("first", ["node", "own"])
def test_work_comes_from_the_node_or_from_here(world: BananoWorld, first: str):
    world.fill(5 * BAN)
    world.rebuilt(work=first)
    world.node.do("asked")

    prepared = world.prepared(BAN)

    assert ("work_generate" in world.node.do("asked")) is (first == "node")
    assert world.send(prepared) == Sent(prepared.id, 0)


def test_a_node_whose_control_is_switched_off_leaves_the_work_to_us(world: BananoWorld):
    world.node.do("set", control=False)
    world.fill(5 * BAN)

    assert world.send(prepared := world.prepared(BAN)) == Sent(prepared.id, 0)


def test_a_work_server_is_asked_first_and_not_believed(world: BananoWorld, tmp_path: Path):
    (tmp_path / "server").mkdir()
    server = BananoWorld(tmp_path / "server")
    try:
        world.rebuilt(work_url=server.node.url, work="own")
        world.fill(5 * BAN)
        assert "work_generate" in server.node.do("asked")
        server.node.do("set", mode="rubbish")
        assert world.send(prepared := world.prepared(BAN)) == Sent(prepared.id, 0)
    finally:
        server.close()


def test_work_that_is_too_little_is_not_taken(world: BananoWorld):
    worker = Worker(world.options, Says({"work": "0" * 16, "network_minimum": EASY}))
    root = bytes(32)

    work = worker._find(root, int(EASY, 16))

    assert work != "0" * 16
    assert crypto.work_is_enough(root, work, int(EASY, 16))


def test_the_networks_minimum_counts_when_it_is_higher(world: BananoWorld):
    worker = Worker(world.options, Says({"network_minimum": "fffffe0000000000"}))

    assert worker.needed(sends=True) == 0xFFFFFE0000000000


def test_the_next_payments_work_lies_ready_in_another_process(world: BananoWorld, tmp_path: Path):
    file = tmp_path / "work.sqlite3"
    world.rebuilt(work_file=str(file))
    world.fill(5 * BAN)
    assert world.adapter.chores(world.watch, ()) is None
    frontier = world.node.ask("account_info", account=world.hot)["frontier"]
    world.rebuilt(work_file=str(file))
    world.node.do("asked")

    prepared = world.prepared(BAN)

    with sqlite3.connect(file) as rows:
        stored = rows.execute("SELECT work FROM work WHERE root = ?", (frontier,)).fetchone()
    rows.close()
    assert stored == (world.blob(prepared).block.work,)
    assert "work_generate" not in world.node.do("asked")


def test_a_damaged_work_file_costs_time_and_nothing_else(world: BananoWorld, tmp_path: Path):
    file = tmp_path / "work.sqlite3"
    file.write_bytes(b"this is no database, however long one looks at it")
    world.rebuilt(work_file=str(file))
    world.fill(5 * BAN)

    assert world.send(prepared := world.prepared(BAN)) == Sent(prepared.id, 0)


def test_a_quote_or_a_new_address_never_makes_work(world: BananoWorld):
    """Those are asked for by pages."""
    world.fill(5 * BAN)
    world.node.do("asked")

    world.adapter.quote(world.payment(BAN))
    world.new_address()
    world.adapter.health()

    assert "work_generate" not in world.node.do("asked")


def test_a_node_without_the_deprecated_call_gets_the_coins_own_threshold(world: BananoWorld):
    world.fill(5 * BAN)
    world.node.do("fail", how="says Unknown command", action="active_difficulty")

    assert world.send(prepared := world.prepared(BAN)) == Sent(prepared.id, 0)
