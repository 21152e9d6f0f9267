"""A coin's limits: what allows less counts at once; what allows more needs a second person and a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import AuditEvent
from ledger import do_cron, tasks
from ledger.models import Coin, Event, Limit, LimitChange, Purpose
from ledger.services import limit_changes
from tests.accounts.people import signed_in
from tests.ledger.test_lifecycle import AWAY
from tests.support.factories import make_manager
from tests.support.money import balances, bound, fund, send
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import LimitReached, NotAllowed, NotFound, WrongState

BOUNDS = {"minimum": 10, "maximum": 100, "daily": 200, "approve_above": 50}
DAY = timedelta(hours=24)


@pytest.fixture
def bounded(coin):
    bound(coin, "withdrawal", **BOUNDS)
    return coin


@pytest.fixture
def second(site):
    return make_manager("second")


def ask(user, coin, **said):
    return limit_changes.change(user=user, coin=coin, purpose=Purpose.WITHDRAWAL, bounds={**BOUNDS, **said})


def stands(coin):
    row = Limit.objects.filter(coin=coin, purpose="withdrawal").values(*BOUNDS).first()
    return dict(row) if row else None


@pytest.mark.both_databases
class TestRules:
    @pytest.mark.parametrize(("name", "looser", "tighter"), [
        ("minimum", 9, 11), ("maximum", 101, 99), ("daily", 201, 199), ("approve_above", 51, 49),
        ("minimum", 0, 10**49), ("daily", 10**49, 0),
    ])  # fmt: skip
    def test_only_what_allows_less_counts_at_once(self, bounded, manager, second, name, looser, tighter):
        for value in (looser, None):
            assert ask(manager, bounded, **{name: value}).state == "asked"
            assert stands(bounded) == BOUNDS
        assert ask(manager, bounded, **{name: tighter}) is None
        assert stands(bounded) == {**BOUNDS, name: tighter}

    def test_of_one_change_each_field_goes_its_own_way(self, bounded, manager, second):
        waits = ask(manager, bounded, minimum=20, maximum=90, daily=1_000, approve_above=None)
        assert stands(bounded) == {"minimum": 20, "maximum": 90, "daily": 200, "approve_above": 50}
        assert waits.fields == {"daily": ["200", "1000"], "approve_above": ["50", None]}

    def test_a_first_limit_and_one_that_bounds_more_than_before_count_at_once(self, coin, manager, second):
        assert ask(manager, coin) is None
        assert stands(coin) == BOUNDS

    def test_who_asked_changes_nothing_alone_however_long_it_is(self, bounded, alice, manager, second, clock):
        fund(alice, bounded, 10_000)
        waits = ask(manager, bounded, maximum=5_000, daily=5_000, approve_above=None)
        for _ in range(3):
            with pytest.raises(NotAllowed, match="Somebody else"):
                limit_changes.agree(user=manager, change_id=waits.pk)
            assert limit_changes.apply_due() == 0
            with pytest.raises(LimitReached):
                send(alice, bounded, AWAY, 101)
            clock.shift(DAY)
        assert (stands(bounded), balances(bounded, alice)) == (BOUNDS, [(10_000, 0)])

    def test_a_second_person_and_a_day_together_do(self, bounded, alice, manager, second, clock):
        fund(alice, bounded, 10_000)
        waits = ask(manager, bounded, maximum=5_000, daily=5_000)
        assert limit_changes.agree(user=second, change_id=waits.pk).state == "agreed"
        clock.shift(DAY - timedelta(minutes=1))
        assert (limit_changes.apply_due(), stands(bounded)) == (0, BOUNDS)
        with pytest.raises(LimitReached):
            send(alice, bounded, AWAY, 101)
        clock.shift(timedelta(minutes=2))
        assert (limit_changes.apply_due(), limit_changes.apply_due()) == (1, 0)
        assert stands(bounded) == {**BOUNDS, "maximum": 5_000, "daily": 5_000}
        assert send(alice, bounded, AWAY, 101).gross == 101

    def test_who_agrees_after_a_day_puts_it_in_force(self, bounded, manager, second, clock):
        waits = ask(manager, bounded, daily=None)
        clock.shift(DAY + timedelta(minutes=1))
        assert limit_changes.agree(user=second, change_id=waits.pk).state == "done"
        assert stands(bounded) == {**BOUNDS, "daily": None}

    def test_where_nobody_else_could_agree_the_wait_remains(self, bounded, manager, clock):
        waits = ask(manager, bounded, daily=300)
        assert (waits.state, waits.alone, stands(bounded)) == ("agreed", True, BOUNDS)
        clock.shift(DAY + timedelta(minutes=1))
        assert limit_changes.apply_due() == 1
        assert stands(bounded)["daily"] == 300

    def test_anybody_who_may_change_it_drops_it(self, bounded, alice, manager, second, clock):
        waits = ask(manager, bounded, daily=None)
        limit_changes.agree(user=second, change_id=waits.pk)
        with pytest.raises(NotAllowed):
            limit_changes.drop(user=alice, change_id=waits.pk)
        assert limit_changes.drop(user=manager, change_id=waits.pk).state == "dropped"
        clock.shift(DAY * 2)
        assert (limit_changes.apply_due(), stands(bounded)) == (0, BOUNDS)
        for late in (limit_changes.agree, limit_changes.drop):
            with pytest.raises(WrongState):
                late(user=second, change_id=waits.pk)
            with pytest.raises(NotFound):
                late(user=second, change_id=waits.pk + 1)

    def test_a_tightening_meanwhile_overtakes_it(self, bounded, manager, second, clock):
        waits = ask(manager, bounded, daily=None)
        limit_changes.agree(user=second, change_id=waits.pk)
        assert ask(second, bounded, daily=20) is None
        clock.shift(DAY * 2)
        assert (limit_changes.apply_due(), stands(bounded)["daily"]) == (0, 20)
        waits.refresh_from_db()
        assert waits.state == "lapsed"

    def test_what_changed_past_the_service_is_not_overwritten(self, bounded, manager, second, clock):
        waits = ask(manager, bounded, daily=None)
        limit_changes.agree(user=second, change_id=waits.pk)
        Limit.objects.update(daily=5)
        clock.shift(DAY * 2)
        assert (limit_changes.apply_due(), stands(bounded)["daily"]) == (0, 5)

    def test_another_wish_takes_its_place_and_the_same_one_is_the_same(self, bounded, manager, second):
        first = ask(manager, bounded, daily=300)
        assert ask(manager, bounded, daily=300) == first
        other = ask(second, bounded, daily=400)
        assert list(LimitChange.objects.order_by("pk").values_list("pk", "state")) == [
            (first.pk, "lapsed"), (other.pk, "asked"),
        ]  # fmt: skip
        with pytest.raises(NotAllowed):
            limit_changes.agree(user=second, change_id=other.pk)

    def test_a_limit_taken_away_waits_too(self, bounded, manager, second, clock):
        waits = limit_changes.change(user=manager, coin=bounded, purpose=Purpose.WITHDRAWAL, bounds={})
        assert waits is not None
        assert stands(bounded) == BOUNDS
        limit_changes.agree(user=second, change_id=waits.pk)
        clock.shift(DAY + timedelta(minutes=1))
        assert (limit_changes.apply_due(), stands(bounded)) == (1, None)

    def test_the_database_insists_on_two_people(self, bounded, manager, second):
        waits = ask(manager, bounded, daily=None)
        for said in ({"state": "agreed"}, {"state": "done", "agreed_by": manager, "agreed_at": now()}):
            with pytest.raises(IntegrityError), transaction.atomic():
                LimitChange.objects.filter(pk=waits.pk).update(**said)

    def test_of_many_at_once_one_waits(self, bounded, manager, second):
        at_once(8, lambda number: ask(manager, bounded, daily=300 + number))
        assert LimitChange.objects.filter(state="asked").count() == 1
        assert stands(bounded) == BOUNDS


def test_the_wait_is_a_setting(bounded, manager, second, settings):
    settings.WALLETS_LOOSEN_HOURS = 0
    waits = ask(manager, bounded, daily=300)
    assert (waits.state, stands(bounded)) == ("asked", BOUNDS), "a second person is needed all the same"
    limit_changes.agree(user=second, change_id=waits.pk)
    assert stands(bounded)["daily"] == 300


def test_only_managers_ask(bounded, alice):
    with pytest.raises(NotAllowed):
        ask(alice, bounded, daily=1)
    assert stands(bounded) == BOUNDS


def test_each_step_stands_in_the_trail_and_managers_are_told(bounded, manager, second, clock):
    waits = ask(manager, bounded, daily=300, maximum=90)
    limit_changes.agree(user=second, change_id=waits.pk)
    clock.shift(DAY + timedelta(minutes=1))
    limit_changes.apply_due()
    rows = AuditEvent.objects.filter(what__in=("limit_raise_asked", "limit_raise_agreed", "settings_changed"))
    assert [(row.what, row.who_id, row.data["changes"]) for row in rows.order_by("pk")] == [
        ("settings_changed", manager.pk, {"maximum": ["100", "90"]}),
        ("limit_raise_asked", manager.pk, {"daily": ["200", "300"]}),
        ("limit_raise_agreed", second.pk, {"daily": ["200", "300"]}),
        ("settings_changed", second.pk, {"daily": ["200", "300"]}),
    ]
    told = Event.objects.filter(name__startswith="limit_").order_by("pk")
    assert [(event.name, event.mail_due) for event in told] == [("limit_raise_asked", True), ("limit_raised", True)]


@pytest.mark.parametrize("work", [tasks.sweep, do_cron.run])
def test_the_worker_and_cron_put_it_in_force(bounded, manager, clock, work):
    ask(manager, bounded, daily=300)
    clock.shift(DAY + timedelta(minutes=1))
    work()
    assert stands(bounded)["daily"] == 300


# The managers' pages -------------------------------------------------------------------------------------
def form(coin, **limits):
    said = {
        "symbol": "TST", "name": "Testcoin", "decimals": "8", "position": "1", "is_active": "on", "deposits_on": "on",
        "withdrawals_on": "on", "confirmations": "3", "watch_confirmations": "9", "min_deposit": "0",
        "addresses_max": "10", "pool_size": "5", "tries_max": "3", "fees-TOTAL_FORMS": "0", "fees-INITIAL_FORMS": "0",
        "limits-TOTAL_FORMS": "1", "limits-INITIAL_FORMS": "1", "limits-0-id": str(Limit.objects.get().pk),
        "limits-0-coin": str(coin.pk),
    }  # fmt: skip
    here = {"purpose": "withdrawal", "minimum": "0.0000001", "maximum": "0.000001", "daily": "0.000002",
            "approve_above": "0.0000005", **limits}  # fmt: skip
    return {**said, **{f"limits-0-{name}": text for name, text in here.items()}}


@pytest.mark.parametrize("wish", [{"daily": "9"}, {"daily": ""}, {"DELETE": "on"}, {"purpose": "move"}])
def test_the_coins_page_loosens_nothing_and_says_where_it_waits(bounded, manager, second, wish):
    manager.is_superuser = True  # who alone may take one away
    manager.save()
    desk = signed_in(manager)
    page = reverse("admin:ledger_coin_change", args=[bounded.pk])
    answer = desk.post(page, form(bounded, **wish), follow=True)

    assert "allows more only after" in answer.content.decode()
    assert stands(bounded) == BOUNDS
    assert LimitChange.objects.get().purpose == "withdrawal"
    assert (Limit.objects.filter(purpose="move").exists()) == ("purpose" in wish)


def test_the_coins_page_tightens_at_once(bounded, manager, second):
    page = reverse("admin:ledger_coin_change", args=[bounded.pk])
    assert signed_in(manager).post(page, form(bounded, daily="0.0000001")).status_code == 302
    assert stands(bounded) == {**BOUNDS, "daily": 10}
    assert not LimitChange.objects.exists()
    assert Coin.objects.get().pool_size == 5


def test_the_page_of_those_that_wait_is_for_two(bounded, manager, second, clock):
    waits = ask(manager, bounded, daily=300, approve_above=None)
    here = reverse("admin:ledger_limitchange_changelist")
    agree = reverse("admin:limit_agree", args=[waits.pk])
    said = signed_in(manager).get(here).content.decode()
    assert "1 wait for a second person" in said
    assert "daily: 0.000002 TST → 0.000003 TST; approve_above: 0.0000005 TST → no bound" in said

    assert "Somebody else must agree" in signed_in(manager).post(agree, follow=True).content.decode()
    waits.refresh_from_db()
    assert waits.state == "asked"
    assert "0.000003" in signed_in(second).get(agree).content.decode()
    assert "Agreed." in signed_in(second).post(agree, follow=True).content.decode()
    assert "1 for their time" in signed_in(manager).get(here).content.decode()
    drop = reverse("admin:limit_drop", args=[waits.pk])
    assert "Dropped." in signed_in(manager).post(drop, follow=True).content.decode()
    assert stands(bounded) == BOUNDS
