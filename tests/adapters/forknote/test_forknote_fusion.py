"""Joining small outputs: a chore of the camelCase dialect, free and to ourselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.models import User
from adapters.base import Absent, Confirmed, Dead, Pending, Prepared, Refused, Sent, Tried, Unclear, Unknown
from adapters.forknote import ForknoteOptions
from ledger.models import Coin, Dispatch, Freeze
from tests.adapters.forknote.conftest import MakeWorld
from tests.adapters.forknote.forknote_world import ForknoteWorld
from tests.adapters.forknote.test_forknote_site import COIN, connect
from tests.support.databases import Database
from tests.support.money import address_of, balances, books, chores_now, pay_now, scan_now

JOIN = {"fusion_threshold": str(COIN), "fusion_outputs": 12}
SMALL = COIN // 10


@pytest.fixture
def world(make_world: MakeWorld) -> ForknoteWorld:
    return make_world("camel", **JOIN)


def crumbs(world: ForknoteWorld, address: str, count: int = 12) -> None:
    for _ in range(count):
        world.fund(address, SMALL)
    world.mine(3)


def chore(world: ForknoteWorld) -> Prepared:
    crumbs(world, world.new_address())
    found = world.adapter.chores((), ())
    assert found is not None
    return found


def test_it_joins_nothing_unless_a_manager_wants_it_and_there_is_enough(make_world: MakeWorld, world: ForknoteWorld):
    crumbs(world, world.new_address(), 11)
    assert world.adapter.chores((), ()) is None

    crumbs(world, world.new_address(), 1)
    assert world.adapter.chores((), ()) is not None
    assert world.make_adapter(fusion_threshold="").chores((), ()) is None


def test_snake_has_no_such_chore(make_world: MakeWorld):
    world = make_world("snake", **JOIN)
    crumbs(world, world.new_address())

    assert world.adapter.chores((), ()) is None


def test_it_is_sent_found_again_and_followed_to_its_end(world: ForknoteWorld):
    prepared = chore(world)
    before = world.adapter.funds(()).total
    assert world.adapter.lookup(Tried(prepared)) == Absent()
    sent = world.adapter.broadcast(prepared)
    assert isinstance(sent, Sent)
    tried = Tried(prepared, attempts=1, outcome="sent")

    assert world.adapter.lookup(tried) == Pending(sent.txid, 0)
    world.mine(2)
    assert world.adapter.lookup(tried) == Confirmed(2, sent.txid, 0)
    assert world.adapter.funds(()).total == before
    assert world.adapter.chores((), ()) is None


def test_a_lost_answer_is_found_by_what_the_chain_shows(world: ForknoteWorld):
    prepared = chore(world)
    world.node.lose_replies(count=1)

    assert isinstance(world.adapter.broadcast(prepared), Unclear)
    tried = Tried(prepared, attempts=1, outcome="unclear", attempted_at=datetime.now(UTC))
    assert isinstance(world.adapter.lookup(tried), Unknown)
    world.mine(1)
    assert isinstance(world.adapter.lookup(tried), Confirmed)


def test_nothing_to_join_is_a_refusal_and_ends_the_chore(world: ForknoteWorld):
    prepared = chore(world)
    assert isinstance(world.adapter.broadcast(prepared), Sent)
    world.mine(3)
    again = replace(prepared, id="fusion-again")

    assert isinstance(world.adapter.broadcast(again), Refused)
    assert isinstance(world.adapter.lookup(Tried(chore(world), attempts=1, outcome="refused")), Dead)


def test_without_a_trace_it_is_given_up_after_a_while_because_it_pays_nobody(world: ForknoteWorld):
    prepared = chore(world)
    long_ago = datetime.now(UTC) - timedelta(minutes=11)

    assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear", attempted_at=long_ago)), Dead)


@pytest.mark.parametrize("text", ["-1", "0", "1.5", "x", "9" * 20])
def test_a_threshold_that_is_no_amount_is_refused(text: str):
    with pytest.raises(ImproperlyConfigured, match="fusion_threshold"):
        ForknoteOptions(url="http://127.0.0.1:9", fusion_threshold=text)


# -- in the books --


@pytest.fixture
def coin(site: Database, world: ForknoteWorld) -> Coin:
    return connect(world)


def test_in_the_books_it_is_a_chore_that_moves_nobodys_money_and_raises_no_alarm(
    world: ForknoteWorld, coin: Coin, alice: User
):
    crumbs(world, address_of(alice, coin))
    chores_now(coin)
    world.mine(2)
    pay_now(coin)
    scan_now(coin)

    assert list(Dispatch.objects.values_list("chore", "state", "fee")) == [("fusion", "final", 0)]
    assert balances(coin, alice) == [(12 * SMALL, 0)]
    assert books(coin) == {"hot": -12 * SMALL, "user": 12 * SMALL}
    assert not Freeze.objects.exists()


def test_joining_by_hand_to_a_members_address_credits_nobody(world: ForknoteWorld, coin: Coin, alice: User):
    """walletd shows it as money that came in."""
    crumbs(world, address_of(alice, coin))
    scan_now(coin)
    world.node.ask("sendFusionTransaction", threshold=COIN, anonymity=0, destinationAddress=address_of(alice, coin))
    world.mine(3)
    scan_now(coin)

    assert balances(coin, alice) == [(12 * SMALL, 0)]
    assert not Freeze.objects.exists()
