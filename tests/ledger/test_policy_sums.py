"""Sums of a day and of thirty days: added up by the database, exactly, whatever the figures, on both engines."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection

from ledger import posting
from ledger.fields import MAX_AMOUNT, AmountSum
from ledger.models import Hold, Kind, Operation, Purpose
from ledger.services import holds, policy_facts
from ledger.services.limits import UNDONE, used_today
from tests.support.money import fund, make_coin, proof_of
from wallets_site.base.clock import now

pytestmark = pytest.mark.both_databases
DAY, MONTH = timedelta(days=1), timedelta(days=30)
ASKS = frozenset({"day", "month", "day_value", "month_value"})


def payments(user, to, coin, *, figures, ages):
    """Rows as payments leave them, of every state, some to the payer's own accounts, so many hours old."""
    account = posting.account(coin, Kind.USER, owner_id=user.pk)
    chance = random.Random(7)
    made = Operation.objects.bulk_create(
        Operation(
            user=user, account=account, coin=coin, kind="move", incoming=chance.random() < 0.2,
            status=chance.choice(Operation.Status.values), gross=figure, fee=chance.randrange(figure + 1),
            counterpart=chance.choice([to, to, to, user, None]),
        )
        for figure in figures
    )  # fmt: skip
    for one, age in zip(made, ages, strict=True):
        Operation.objects.filter(pk=one.pk).update(created_at=now() - age)


def by_hand(user, span):
    found: dict[int, int] = {}
    for row in Operation.objects.filter(user=user, incoming=False, created_at__gt=now() - span):
        if row.status not in UNDONE and row.counterpart_id != user.pk:
            found[row.coin_id] = found.get(row.coin_id, 0) + row.gross - row.fee
    for hold in Hold.objects.filter(user=user, created_at__gt=now() - span):
        left = hold.amount if hold.state == Hold.State.OPEN else hold.captured
        found[hold.coin_id] = found.get(hold.coin_id, 0) + left
    return {coin: amount for coin, amount in found.items() if amount}


def test_the_largest_figures_are_added_exactly(coin, alice, bob, clock):
    figures = [MAX_AMOUNT, MAX_AMOUNT - 1, 10**49 + 1, 9_999_999_999, 10**10, 1, 10**17 + 3]
    payments(alice, bob, coin, figures=figures, ages=[timedelta()] * len(figures))
    rows = Operation.objects.filter(user=alice)

    assert rows.aggregate(sum=AmountSum("gross"))["sum"] == sum(figures) > MAX_AMOUNT
    assert rows.none().aggregate(sum=AmountSum("gross"))["sum"] is None
    assert rows.filter(pk=0).aggregate(sum=AmountSum("gross"))["sum"] is None


def test_they_are_what_adding_each_payment_by_hand_gives(coin, alice, bob, charlie, clock):
    other, chance = make_coin("OTH", decimals=2), random.Random(3)
    edges = [DAY, DAY - timedelta(microseconds=1), MONTH, MONTH - timedelta(microseconds=1), timedelta()]
    for each in (coin, other):
        ages = edges + [timedelta(hours=chance.randrange(900)) for _ in range(60)]
        payments(alice, bob, each, figures=[chance.randrange(10**30) for _ in ages], ages=ages)
        payments(charlie, bob, each, figures=[5], ages=[timedelta()])
        fund(alice, each, 1_000)
        for number, (captured, ends) in enumerate([(0, False), (30, False), (30, True), (0, True)]):
            made = holds.place_hold(
                user=alice, coin=each, amount=100, expires_at=now() + timedelta(hours=1), proof=proof_of(alice),
                key=f"{each} {number}",
            )  # fmt: skip
            if captured:
                holds.capture_hold(user=alice, hold_id=made.pk, to=bob, amount=captured, key="c", last=ends)
            elif ends:
                holds.release_hold(user=alice, hold_id=made.pk)

    day, month = policy_facts._spent(alice.pk, coin, ASKS, now())

    assert (dict(day), dict(month)) == (by_hand(alice, DAY), by_hand(alice, MONTH))
    assert 0 < day[coin.pk] < month[coin.pk]
    one, _ = policy_facts._spent(alice.pk, coin, frozenset({"day"}), now())
    assert dict(one) == {coin.pk: day[coin.pk]}
    moves = Operation.objects.filter(user=alice, coin=coin, incoming=False, created_at__gt=now() - DAY)
    said = [row.gross - row.fee for row in moves if row.status not in UNDONE]
    assert used_today(user_id=alice.pk, coin=coin, purpose=Purpose.MOVE) == sum(said)


def test_a_month_of_payments_is_read_as_one_row_a_day_and_coin(coin, alice, bob, clock, django_assert_num_queries):
    payments(alice, bob, coin, figures=range(1, 401), ages=[timedelta(hours=number) for number in range(400)])
    read = []

    def watch(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        read.append((sql, params))
        return answer

    with django_assert_num_queries(2), connection.execute_wrapper(watch):
        policy_facts._spent(alice.pk, coin, ASKS, now())
    with connection.cursor() as cursor:
        for sql, params in read:
            cursor.execute(sql, params)
            assert len(cursor.fetchall()) <= 4
