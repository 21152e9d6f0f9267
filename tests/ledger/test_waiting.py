"""Money that explains itself: what it waits for, who must act, and how long it took here before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.models import Deposit, Operation, Withdrawal
from ledger.services import waiting
from tests.support.money import address_of, blocks, bound, chain, fund, make_coin, pay_now, scan_now, send


@pytest.fixture
def coin(site):
    return make_coin()


def took(seconds: list[int], coin) -> None:
    """As if the site had credited deposits in so many seconds each."""
    for number, each in enumerate(seconds):
        row = Deposit.objects.exclude(credited_at=None).get(pk=number + 1)
        Deposit.objects.filter(pk=row.pk).update(credited_at=row.seen_at + timedelta(seconds=each))


def test_a_deposit_waits_for_the_network_and_is_estimated_from_those_before(clock, coin, alice):
    for _ in range(5):
        fund(alice, coin, 100)
    took([10, 20, 30, 40, 500], coin)
    chain(coin).mint(address_of(alice, coin), 25_000_000)
    scan_now(coin)
    coming = Operation.objects.get(user=alice, status="pending")

    said = waiting.explain(coming)

    assert (said.words, said.who) == ("Waiting for the network: 0 of 2 confirmations.", "network")
    assert said.estimate == waiting.Estimate(p50=30, p90=500, sample=5)
    assert said.in_words == "Usually done 30 seconds after it began, nine times in ten within 8 minutes."
    assert (said.likely_left, said.nearly_sure_left) == (30, 500)

    clock.shift(timedelta(seconds=600))
    late = waiting.explain(coming)
    assert (late.likely_left, late.nearly_sure_left) == (0, 0)
    assert late.in_words == "This takes longer than nine in ten did here (8 minutes)."


def test_too_few_before_give_no_estimate(coin, alice):
    for _ in range(4):
        fund(alice, coin, 100)
    chain(coin).mint(address_of(alice, coin), 25_000_000)
    scan_now(coin)

    said = waiting.explain(Operation.objects.get(user=alice, status="pending"))

    assert (said.estimate, said.in_words, said.likely_left) == (None, "", None)


def test_a_withdrawal_says_who_must_act_at_each_step(clock, coin, alice, bob):
    fund(alice, coin, 10_000)
    bound(coin, "withdrawal", approve_above=5_000)
    away = address_of(bob, make_coin("OUT", prefix="tst"))

    large = send(alice, coin, away, 6_000)
    assert waiting.explain(large).who == "manager"
    small = send(alice, coin, away, 1_000)
    assert (waiting.explain(small).who, waiting.brief(small)) == (
        "site", "Waiting for the next payout run, usually within a minute."
    )  # fmt: skip
    blocks(5, clock)
    scan_now(coin)
    pay_now(coin)
    assert waiting.explain(Operation.objects.get(pk=small.pk)).who == "network"
    blocks(5, clock)
    pay_now(coin)
    done = Operation.objects.get(pk=small.pk)
    assert (done.status, waiting.explain(done)) == ("done", waiting.Waiting())
    assert Withdrawal.objects.get(operation=large).state == "waiting"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (5300, "88 minutes"),
        (5400, "2 hours"),
        (864_000, "10 days"),
    ],
)
def test_a_span_of_time_is_told_in_one_unit(seconds, words):
    assert waiting.span(seconds) == words
