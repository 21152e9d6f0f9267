"""Versions of the rules: drafted, replayed, published by somebody else; tightening at once, loosening after a wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import AuditEvent
from ledger.models import Operation, PolicyRule, RuleSet
from ledger.services import lifecycle, policy_replay, policy_sets, rules
from tests.ledger.test_lifecycle import AWAY
from tests.ledger.test_policy import pay
from tests.support.factories import make_manager
from tests.support.money import balances, fund, send
from tests.support.policy import add_rules, in_force
from wallets_site.base.clock import now
from wallets_site.base.errors import NotAllowed, NotFound, WrongState

BLOCK = {"verdict": "block", "destination": "external"}
State = RuleSet.State


@pytest.fixture
def second(site):
    return make_manager("second")


def drafted(by, *said):
    made = policy_sets.draft(user=by)
    made.rules.all().delete()
    add_rules(made, *said)
    return policy_sets.replay(user=by, rule_set_id=made.pk)


def version_in_force():
    found = rules.current().policy
    return found.version if found else None


class TestDrafting:
    def test_a_draft_changes_nothing(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        drafted(manager, {"verdict": "block"})
        assert version_in_force() is None
        assert pay(alice, coin, bob, 1).status == Operation.Status.DONE

    def test_it_starts_with_the_rules_in_force(self, site, manager):
        in_force(manager, BLOCK, {"verdict": "wait", "hours": 2, "name": "slow"})
        made = policy_sets.draft(user=manager)
        assert list(made.rules.values_list("verdict", "hours", "name")) == [
            ("block", None, "rule 1"), ("wait", 2, "slow"),
        ]  # fmt: skip
        assert PolicyRule.objects.count() == 4

    def test_only_managers_draft(self, site, alice):
        with pytest.raises(NotAllowed):
            policy_sets.draft(user=alice)

    def test_a_change_asks_for_another_replay(self, site, manager, second):
        made = drafted(manager, BLOCK)
        policy_sets.begin_edit(user=manager, rule_set_id=made.pk)
        with pytest.raises(WrongState, match="Replay"):
            policy_sets.publish(user=second, rule_set_id=made.pk)


class TestPublishing:
    def test_tighter_rules_count_at_once(self, coin, alice, manager, second):
        fund(alice, coin, 100)
        made = policy_sets.publish(user=second, rule_set_id=drafted(manager, BLOCK).pk)
        assert (made.tighter, version_in_force()) == (True, made.pk)
        with pytest.raises(NotAllowed):
            send(alice, coin, AWAY, 10)
        assert AuditEvent.objects.get(what="rules_published").data["tighter"] is True

    def test_looser_rules_wait_a_day_and_then_count_by_themselves(self, coin, alice, bob, manager, second, clock):
        fund(alice, coin, 100)
        present = in_force(manager, {"verdict": "block"})
        made = policy_sets.publish(user=second, rule_set_id=drafted(manager, BLOCK).pk)
        assert (made.tighter, made.effective_at, version_in_force()) == (False, now() + timedelta(hours=24), present.pk)
        clock.shift(timedelta(hours=23, minutes=59))
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 1)
        clock.shift(timedelta(minutes=2))
        assert version_in_force() == made.pk
        assert pay(alice, coin, bob, 1).status == Operation.Status.DONE

    def test_the_wait_is_a_setting(self, site, manager, second, settings):
        settings.WALLETS_LOOSEN_HOURS = 72
        in_force(manager, BLOCK)
        made = policy_sets.publish(user=second, rule_set_id=drafted(manager).pk)
        assert made.published_at
        assert made.effective_at == made.published_at + timedelta(hours=72)

    def test_a_loosening_that_waits_is_dropped_by_one_person(self, site, manager, second, clock):
        present = in_force(manager, BLOCK)
        made = policy_sets.publish(user=second, rule_set_id=drafted(manager).pk)
        policy_sets.drop(user=manager, rule_set_id=made.pk)
        clock.shift(timedelta(hours=25))
        assert version_in_force() == present.pk
        with pytest.raises(WrongState):
            policy_sets.drop(user=manager, rule_set_id=present.pk)

    def test_a_tightening_overtakes_a_loosening_that_waits(self, site, manager, second, clock):
        """Else the loosening would undo it when its time comes."""
        in_force(manager, BLOCK)
        waits = policy_sets.publish(user=second, rule_set_id=drafted(manager).pk)
        tighter = policy_sets.publish(user=second, rule_set_id=drafted(manager, {"verdict": "block"}).pk)
        clock.shift(timedelta(hours=25))
        waits.refresh_from_db()
        assert (version_in_force(), waits.state) == (tighter.pk, State.ENDED)

    def test_an_alone_manager_publishes_what_they_drafted(self, site, manager):
        made = policy_sets.publish(user=manager, rule_set_id=drafted(manager, BLOCK).pk)
        assert version_in_force() == made.pk

    def test_what_was_published_is_no_draft_any_more(self, site, manager, second):
        made = policy_sets.publish(user=second, rule_set_id=drafted(manager, BLOCK).pk)
        for do in (policy_sets.begin_edit, policy_sets.publish, policy_sets.replay):
            with pytest.raises(WrongState):
                do(user=second, rule_set_id=made.pk)
        with pytest.raises(NotFound):
            policy_sets.publish(user=second, rule_set_id=made.pk + 1)


class TestFourEyes:
    """Ways around the second person."""

    def test_carol_cannot_publish_what_she_drafted(self, site, manager, second):
        made = drafted(manager, {"verdict": "allow"})
        with pytest.raises(NotAllowed, match="somebody else"):
            policy_sets.publish(user=manager, rule_set_id=made.pk)
        assert version_in_force() is None

    def test_nor_what_she_changed_in_somebody_elses_draft(self, site, manager, second):
        made = drafted(manager, BLOCK)
        policy_sets.begin_edit(user=second, rule_set_id=made.pk)
        policy_sets.replay(user=manager, rule_set_id=made.pk)
        for person in (manager, second):
            with pytest.raises(NotAllowed):
                policy_sets.publish(user=person, rule_set_id=made.pk)
        assert policy_sets.publish(user=make_manager("third"), rule_set_id=made.pk).state == State.PUBLISHED

    def test_nor_does_she_loosen_the_rules_and_withdraw_at_once(self, coin, alice, manager, second, clock):
        fund(second, coin, 100)
        in_force(manager, BLOCK)
        policy_sets.publish(user=second, rule_set_id=drafted(manager).pk)
        with pytest.raises(NotAllowed):
            send(second, coin, AWAY, 10)
        assert balances(coin, second) == [(100, 0)]

    def test_nor_approves_her_own_payment(self, coin, bob, manager, second):
        fund(manager, coin, 100)
        in_force(manager, {"verdict": "people", "people": 2})
        sent = pay(manager, coin, bob, 10)
        with pytest.raises(NotAllowed, match="yourself"):
            lifecycle.approve(user=manager, operation_id=sent.pk)
        lifecycle.approve(user=second, operation_id=sent.pk)
        assert balances(coin, manager, bob) == [(90, 10), (0, 0)]

    def test_nor_lets_a_retry_slip_past_the_rules(self, coin, alice, bob, manager, second, clock):
        """Cancelled before there were rules, asked for anew under them."""
        fund(alice, coin, 100)
        version = in_force(manager, {"verdict": "wait", "hours": 9})
        sent = pay(alice, coin, bob, 10)
        lifecycle.cancel(user=alice, operation_id=sent.pk, key="c")
        version = in_force(manager, {"verdict": "people", "people": 2})
        lifecycle.retry(user=second, operation_id=sent.pk, reason="They asked for it.")
        lifecycle.approve(user=second, operation_id=sent.pk)
        assert balances(coin, alice, bob) == [(90, 10), (0, 0)]
        assert sent.policy_decisions.get(version=2).rule_set == version
        lifecycle.approve(user=manager, operation_id=sent.pk)
        assert balances(coin, alice, bob) == [(90, 0), (10, 0)]

    def test_an_approval_of_an_earlier_version_counts_for_nothing(self, coin, alice, bob, manager, second):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "people", "people": 2})
        sent = pay(alice, coin, bob, 10)
        lifecycle.approve(user=manager, operation_id=sent.pk)
        lifecycle.cancel(user=alice, operation_id=sent.pk, key="c")
        lifecycle.retry(user=manager, operation_id=sent.pk, reason="They asked for it.")
        lifecycle.approve(user=second, operation_id=sent.pk)
        assert balances(coin, alice, bob) == [(90, 10), (0, 0)]


class TestReplay:
    def test_it_says_what_it_would_have_done_in_the_order_it_happened(self, coin, alice, bob, manager, clock):
        fund(alice, coin, 1_000)
        for amount in (10, 10, 90, 5):
            pay(alice, coin, bob, amount)
            clock.shift(timedelta(hours=10))
        in_force(manager, {"verdict": "block", "coin": coin, "amount_above": 50})

        said = drafted(manager, {"verdict": "wait", "hours": 1, "coin": coin, "day_above": 100}, BLOCK).replay

        assert (said["judged"], said["verdicts"], said["before"]) == (
            4, {"allow": 2, "wait": 2}, {"allow": 3, "block": 1},
        )  # fmt: skip
        assert [one["verdict"] for one in said["examples"]] == ["wait", "wait"]
        assert policy_replay.in_words(said) == (
            "Over the last 90 days it would have held 2 of 4 payments and refused 0."
            " The rules in force would have held 0 and refused 1."
        )

    def test_older_payments_are_not_judged_but_known(self, coin, alice, bob, manager, clock):
        fund(alice, coin, 1_000)
        pay(alice, coin, bob, 10)
        clock.shift(timedelta(days=91))
        pay(alice, coin, bob, 10)
        said = drafted(manager, {"verdict": "block", "destination_younger": 24}).replay
        assert (said["judged"], said["verdicts"]) == (1, {"allow": 1})

    def test_it_agrees_with_what_was_decided_then(self, coin, alice, bob, charlie, manager, clock):
        """The same rules over the same payments: first decided one by one, then replayed."""
        fund(alice, coin, 10_000)
        said = (
            {"verdict": "wait", "hours": 1, "destination_younger": 5},
            {"verdict": "people", "people": 1, "coin": coin, "day_above": 60},
        )
        in_force(manager, *said)
        for number in range(12):
            sent = pay(alice, coin, (bob, charlie)[number % 3 == 0], 7 + number)
            clock.shift(timedelta(hours=2))
            lifecycle.release_waited()
            assert sent.pk
        decided = {"allow": 0, "wait": 0, "people": 0}
        for operation in Operation.objects.filter(incoming=False):
            decided[operation.policy_decisions.get().verdict] += 1
        assert min(decided.values()) > 0
        assert drafted(manager, *said).replay["verdicts"] == decided
