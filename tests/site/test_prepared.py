"""A question that was built once answers as its queryset does, on both databases."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat

from accounts.models import User
from ledger.models import Operation
from tests.support.money import fund, make_coin
from tests.support.threads import at_once
from wallets_site.base import throttle
from wallets_site.base.clock import now
from wallets_site.base.prepared import Prepared, ahead

pytestmark = pytest.mark.both_databases
COLUMNS = ("id", "gross", "created_at", "incoming", "user__email")
PAGE = Prepared(
    lambda user, kind, first, count: Operation.objects.filter(user=user, kind=kind)
    .exclude(comment="100 %")
    .order_by("-id")
    .values_list(*COLUMNS)[first : first + count],
    user=int, kind=str, first=int, count=int,
)  # fmt: skip


@pytest.fixture
def clock(site):
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def coin(site):
    return make_coin()


def test_it_answers_as_the_queryset_with_any_values(engine, coin, alice, bob):
    for amount in (5, 6, 10**40, 8):
        fund(alice, coin, amount)
    fund(bob, coin, 9)
    for user, first, count in ((alice, 0, 2), (alice, 1, 9), (bob, 0, 5), (bob, 1, 1)):
        rows = Operation.objects.filter(user=user, kind="deposit").order_by("-id")
        expected = list(rows.values_list(*COLUMNS)[first : first + count])
        found = PAGE.rows(user=user.pk, kind="deposit", first=first, count=count)
        assert [(pk, int(gross), *rest) for pk, gross, *rest in found] == expected
    assert PAGE.rows(user=alice.pk, kind="move", first=0, count=5) == []
    assert PAGE.first(user=0, kind="deposit", first=0, count=1) is None


def test_what_is_filled_in_is_a_value_and_never_a_statement(engine, coin, alice):
    by_name = Prepared(lambda name: User.objects.filter(username=name).values_list("pk"), name=str)
    for name in ("' OR '1'='1", "%s", "alice' --", "7700000001000003", "\x01stand-in name\x01"):
        assert by_name.rows(name=name) == []
    assert [pk for (pk,) in by_name.rows(name="alice")] == [alice.pk]


BY_NAME = Prepared(lambda name: User.objects.filter(username=name).values_list("pk", "date_joined"), name=str)
BY_NUMBER = Prepared(lambda pk: User.objects.filter(pk=pk).values_list("username"), pk=int)


def name_of(pk):
    row = BY_NUMBER.first(pk=pk)
    return row and row[0]


def test_what_is_asked_ahead_is_answered_once_from_there(engine, coin, alice, bob, django_assert_num_queries_of):
    expected = 1 if engine == "postgresql" else 4
    with django_assert_num_queries_of() as seen:
        with ahead(BY_NAME(name="alice"), BY_NUMBER(pk=bob.pk), None, BY_NAME(name="nobody"), BY_NUMBER(pk=0)):
            assert name_of(0) is None
            assert BY_NAME.first(name="nobody") is None
            assert tuple(BY_NAME.first(name="alice") or ()) == (alice.pk, alice.date_joined)
            assert name_of(bob.pk) == "bob"
        assert len(seen.statements) == expected
        User.objects.filter(pk=bob.pk).update(username="robert")
        assert name_of(bob.pk) == "robert"


def test_what_changed_since_is_seen_by_who_asks_again_or_in_a_transaction(engine, site, alice, bob):
    with ahead(BY_NUMBER(pk=alice.pk), BY_NUMBER(pk=bob.pk)):
        User.objects.filter(pk__in=(alice.pk, bob.pk)).update(username=Concat("username", Value("2")))
        with transaction.atomic():
            assert name_of(alice.pk) == "alice2"
        BY_NUMBER.first(pk=alice.pk)
        assert name_of(alice.pk) == "alice2"
    assert name_of(bob.pk) == "bob2"


def test_a_name_is_said_first_once_within_its_time(engine, site, clock):
    assert [throttle.first("a", 2), throttle.first("a", 2), throttle.first("b", 2)] == [True, False, True]
    assert cache.get("a") == 1
    clock.shift(2.1)
    assert cache.get("a") is None
    assert [throttle.first("a", 2), throttle.first("a", 2)] == [True, False]
    said = at_once(8, lambda _: throttle.first("c", 60))
    assert (said.count(True), said.count(False)) == (1, 7)
