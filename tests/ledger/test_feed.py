"""A person's feed: every change of every balance, numbered without a gap, whatever happens at the same time."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from adapters.demo import encode_address
from ledger import events, queries
from ledger.models import Event, FeedItem
from ledger.services import feed, holds, lifecycle, reversals
from tests.support.money import balances, blocks, charge, fund, make_coin, pay_now, proof_of, scan_now, send
from tests.support.threads import at_once
from wallets_site.base.clock import now


def rebuilt(user) -> dict[tuple[str, str], int]:
    """What a program makes of the feed: the sum of all changes, by coin and account, in atomic units."""
    found: dict[tuple[str, str], int] = {}
    after = 0
    while items := feed.read(user, after=after, limit=3):
        assert [item.number for item in items] == list(range(after + 1, after + len(items) + 1))
        after = items[-1].number
        for item in items:
            if item.name == "balance_changed":
                place = item.data["coin"], item.data["account"]
                found[place] = found.get(place, 0) + int(Decimal(item.data["change"]).scaleb(8))
    return found


def ours(user) -> dict[tuple[str, str], int]:
    found = {}
    for item in queries.balances(user):
        found[(item.coin.symbol, "available")], found[(item.coin.symbol, "held")] = item.available, item.held
    return {place: amount for place, amount in found.items() if amount}


@pytest.mark.both_databases
def test_the_sum_of_all_changes_is_every_balance_after_a_mix_of_everything(site, clock, alice, bob, manager):
    coin, other = make_coin(decimals=8), make_coin("OTH", 8)
    charge(coin, "move", fixed=7)
    charge(coin, "withdrawal", fixed=50)
    for each in (coin, other):
        fund(alice, each, 100_000)
    first = send(alice, coin, "bob", 1_000)
    send(alice, other, "bob", 2_000)
    reversals.reverse_transaction(user=manager, transaction_id=first.transaction_id or 0, reason="wrong person")
    hold = holds.place_hold(
        user=alice, coin=coin, amount=500, expires_at=now() + timedelta(days=1), proof=proof_of(alice), key="h"
    )
    holds.capture_hold(user=alice, hold_id=hold.pk, to=bob, amount=200, key="c")
    holds.release_hold(user=alice, hold_id=hold.pk)
    send(alice, coin, encode_address("tst", b"\x05" * 20), 3_000)
    paid = send(alice, coin, encode_address("tst", b"\x06" * 20), 4_000)
    lifecycle.cancel(user=alice, operation_id=paid.pk, key="x")
    pay_now(coin)
    blocks(4, clock)
    scan_now(coin)
    pay_now(coin)

    for person in (alice, bob):
        sums = {place: amount for place, amount in rebuilt(person).items() if amount}
        assert sums == ours(person)
    assert balances(coin, bob)[0] == (200, 0)


def test_a_feed_tells_events_and_lines_in_the_order_in_which_they_happened(coin, alice, bob):
    fund(alice, coin, 1_000)
    send(alice, coin, "bob", 400)
    told = [(item.number, item.name) for item in feed.read(bob)]
    assert told == [(1, "balance_changed"), (2, "move_received")]
    line, event = feed.read(bob)
    assert line.data | {"transaction": 0} == {
        "coin": "TST", "purse": 0, "account": "available", "change": "0.000004", "balance": "0.000004", "line": 1,
        "transaction": 0, "reason": "move",
    }  # fmt: skip
    assert event.subject == f"operation:{event.data['operation']['id']}"
    assert (event.data["operation"]["amount"], event.data["operation"]["counterpart"]) == ("0.000004", "alice")


def test_a_feed_is_one_persons_and_what_staff_hear_is_not_in_it(coin, alice, bob, charlie):
    fund(alice, coin, 1_000)
    send(alice, coin, "bob", 400)
    with transaction.atomic():
        events.emit("solvency_unknown", coin="TST", reason="no answer")
    assert feed.read(charlie) == []
    assert not {item.name for item in feed.read(alice)} & {"solvency_unknown", "move_received"}


def test_reading_again_writes_nothing_anew(coin, alice):
    fund(alice, coin, 1_000)
    first = [(item.number, item.name) for item in feed.read(alice)]
    assert [(item.number, item.name) for item in feed.read(alice)] == first
    assert feed.read(alice, after=first[-1][0]) == []
    assert FeedItem.objects.count() == len(first)


@pytest.mark.both_databases
def test_many_who_read_at_once_number_everything_once(coin, alice, bob):
    fund(alice, coin, 1_000)
    for number in range(10):
        send(alice, coin, "bob", 1 + number)
    answers = at_once(8, lambda _: [item.number for item in feed.read(bob)])
    assert all(isinstance(answer, list) for answer in answers), answers
    assert [item.number for item in feed.read(bob)] == list(range(1, 21))
    assert rebuilt(bob) == ours(bob)


@pytest.mark.postgresql
def test_what_is_committed_late_is_not_lost_behind_what_was_read(site, coin, alice):
    """Two transactions of one person: the one that began first and got the lower id commits last."""
    wrote, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            events.emit("move_sent", user_id=alice.pk, reason="slow")
            wrote.set()
            assert may_commit.wait(20)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert wrote.wait(20)
    with transaction.atomic():
        events.emit("move_sent", user_id=alice.pk, reason="fast")
    early = feed.read(alice)
    may_commit.set()
    thread.join()
    late = feed.read(alice, after=early[-1].number)

    assert [item.data["reason"] for item in early] == ["fast"]
    assert [item.data["reason"] for item in late] == ["slow"]
    assert list(Event.objects.order_by("pk").values_list("data__reason", flat=True)) == ["slow", "fast"]
