"""Published rules over payments: each verdict, each fact, each kind of proof; and nothing without rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from accounts import proof as proofs
from ledger.models import Operation, PolicyDecision, Posting, Rate
from ledger.services import lifecycle, moves, waiting
from tests.ledger.test_lifecycle import AWAY
from tests.support.factories import make_manager
from tests.support.money import balances, books, charge, fresh_key, fund, make_coin, proof_of, send
from tests.support.policy import in_force
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import NotAllowed, NotFound, WrongState

Status = Operation.Status
KEY, V3, LNBITS = "api_key", "v3", "lnbits"


def by(user, initiator="page", factor=proofs.Factor.PASSWORD):
    """A proof as this surface makes it."""
    if initiator == KEY:
        return proofs.of_api_key(user, key_id=1, scopes=["send", "withdraw"], where="")
    if initiator == V3:
        return proofs.of_plugin_api(user, where="")
    return proofs.of_purse_key(user, where="") if initiator == LNBITS else proofs.make(user, factor, where="")


def pay(user, coin, to, amount, proof=None):
    return moves.move_now(
        user=user, coin=coin, recipient=to, amount=amount, proof=proof or proof_of(user), key=fresh_key()
    )


class TestVerdicts:
    def test_without_rules_nothing_is_asked_and_nothing_written(self, coin, alice, bob):
        fund(alice, coin, 100)
        assert pay(alice, coin, bob, 10).status == Status.DONE
        assert not PolicyDecision.objects.exists()

    def test_it_blocks_and_keeps_why(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        version = in_force(manager, {"verdict": "block", "coin": coin, "amount_above": 10, "words": "Ask us first."})
        before = Posting.objects.count()

        with pytest.raises(NotAllowed, match=r"do not allow this payment\. Ask us first\."):
            pay(alice, coin, bob, 11)

        assert (balances(coin, alice, bob), Posting.objects.count()) == ([(100, 0), (0, 0)], before)
        kept = PolicyDecision.objects.get()
        assert (kept.verdict, kept.rule_set, kept.operation, kept.user) == ("block", version, None, alice)
        assert (kept.inputs["amount"], kept.inputs["initiator"], kept.inputs["to"]) == ("11", "page", f"user {bob.pk}")
        assert pay(alice, coin, bob, 10).status == Status.DONE

    def test_it_waits_and_then_goes_on_by_itself(self, coin, alice, bob, manager, clock):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "wait", "hours": 3})
        sent = pay(alice, coin, bob, 40)
        assert (sent.status, balances(coin, alice, bob)) == (Status.UNCONFIRMED, [(60, 40), (0, 0)])
        assert f"go on at {now() + timedelta(hours=3):%Y-%m-%d %H:%M}" in waiting.explain(sent).words

        clock.shift(timedelta(hours=2, minutes=59))
        assert lifecycle.release_waited() == 0
        clock.shift(timedelta(minutes=2))
        assert lifecycle.release_waited() == 1

        sent.refresh_from_db()
        assert (sent.status, balances(coin, alice, bob)) == (Status.DONE, [(60, 0), (40, 0)])
        assert lifecycle.release_waited() == 0
        books(coin)

    def test_a_payment_that_waits_can_be_cancelled(self, coin, alice, bob, manager, clock):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "wait", "hours": 3})
        sent = pay(alice, coin, bob, 40)
        lifecycle.cancel(user=alice, operation_id=sent.pk, key="c")
        clock.shift(timedelta(hours=4))
        assert lifecycle.release_waited() == 0
        assert balances(coin, alice, bob) == [(100, 0), (0, 0)]

    def test_nobody_needs_to_confirm_it_meanwhile(self, coin, alice, bob, manager, clock):
        """What nobody confirms is cancelled after a day; a longer wait is not meant by that."""
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "wait", "hours": 72})
        sent = pay(alice, coin, bob, 40)
        clock.shift(timedelta(hours=71))
        assert lifecycle.expire_unconfirmed() == 0
        clock.shift(timedelta(hours=2))
        assert lifecycle.release_waited() == 1
        sent.refresh_from_db()
        assert sent.status == Status.DONE

    def test_a_withdrawal_waits_too_and_is_queued_afterwards(self, coin, alice, manager, clock):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "wait", "hours": 1, "destination": "external"})
        sent = send(alice, coin, AWAY, 40)
        assert sent.status == Status.UNCONFIRMED
        clock.shift(timedelta(hours=2))
        lifecycle.release_waited()
        sent.refresh_from_db()
        assert (sent.status, sent.withdrawal.state) == (Status.PENDING, "queued")

    def test_two_people_must_approve_and_each_counts_once(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        second = make_manager("second")
        in_force(manager, {"verdict": "people", "people": 2})
        sent = pay(alice, coin, bob, 40)
        assert "2 people" in waiting.explain(sent).words

        lifecycle.approve(user=manager, operation_id=sent.pk)
        with pytest.raises(WrongState, match="somebody else"):
            lifecycle.approve(user=manager, operation_id=sent.pk)
        assert balances(coin, alice, bob) == [(60, 40), (0, 0)]

        lifecycle.approve(user=second, operation_id=sent.pk)
        assert balances(coin, alice, bob) == [(60, 0), (40, 0)]
        books(coin)

    def test_only_people_of_the_named_group_approve(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        board = Group.objects.create(name="Board")
        in_force(manager, {"verdict": "people", "people": 1, "approvers": board})
        sent = pay(alice, coin, bob, 40)
        with pytest.raises(NotAllowed, match="Board"):
            lifecycle.approve(user=manager, operation_id=sent.pk)
        manager.groups.add(board)
        lifecycle.approve(user=manager, operation_id=sent.pk)
        assert balances(coin, alice, bob) == [(60, 0), (40, 0)]

    def test_a_second_factor_is_enough_where_one_is_asked_for(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "step_up"})
        with pytest.raises(NotAllowed, match="second factor"):
            pay(alice, coin, bob, 40)
        assert balances(coin, alice, bob) == [(100, 0), (0, 0)]
        assert pay(alice, coin, bob, 40, by(alice, factor=proofs.Factor.MFA)).status == Status.DONE

    @pytest.mark.parametrize("program", [KEY, LNBITS])
    def test_a_program_waits_for_its_owners_second_factor(self, coin, alice, bob, manager, program, monkeypatch):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "step_up"})
        monkeypatch.setattr("ledger.services.key_caps.note", lambda *, proof, operation: operation)
        monkeypatch.setattr("ledger.services.key_caps.check", lambda **said: None)
        sent = pay(alice, coin, bob, 40, by(alice, program))
        assert sent.status == Status.UNCONFIRMED

        with pytest.raises(NotAllowed):
            lifecycle.confirm_with_factor(user=alice, operation_id=sent.pk, proof=by(alice))
        with pytest.raises(NotFound):
            lifecycle.confirm_with_factor(user=bob, operation_id=sent.pk, proof=by(bob, factor=proofs.Factor.MFA))
        assert balances(coin, alice, bob) == [(60, 40), (0, 0)]
        lifecycle.confirm_with_factor(user=alice, operation_id=sent.pk, proof=by(alice, factor=proofs.Factor.MFA))
        assert balances(coin, alice, bob) == [(60, 0), (40, 0)]

    def test_the_first_rule_that_holds_decides(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "allow", "destination": "member"}, {"verdict": "block"})
        assert pay(alice, coin, bob, 10).status == Status.DONE
        with pytest.raises(NotAllowed):
            send(alice, coin, AWAY, 10)
        assert PolicyDecision.objects.filter(verdict="allow", operation__isnull=False).count() == 1

    def test_a_repeat_is_answered_and_not_judged_again(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "block", "coin": coin, "day_above": 10})
        said = {"user": alice, "coin": coin, "recipient": bob, "amount": 10, "proof": proof_of(alice), "key": "once"}
        assert moves.move_now(**said) == moves.move_now(**said)
        assert PolicyDecision.objects.count() == 1


class TestFacts:
    @pytest.mark.parametrize("initiator", [KEY, V3, LNBITS, "page"])
    def test_from_where_it_was_asked_for(self, coin, alice, bob, manager, initiator, monkeypatch):
        fund(alice, coin, 100)
        monkeypatch.setattr("ledger.services.key_caps.note", lambda *, proof, operation: operation)
        monkeypatch.setattr("ledger.services.key_caps.check", lambda **said: None)
        in_force(manager, {"verdict": "block", "initiators": [initiator]})
        for other in (KEY, V3, LNBITS, "page"):
            if other == initiator:
                with pytest.raises(NotAllowed):
                    pay(alice, coin, bob, 1, by(alice, other))
            else:
                assert pay(alice, coin, bob, 1, by(alice, other)).incoming is False

    def test_groups_count_as_they_are_now(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        watched = Group.objects.create(name="Watched")
        in_force(manager, {"verdict": "block", "groups": [watched.pk]})
        assert pay(alice, coin, bob, 1).status == Status.DONE
        alice.groups.add(watched)
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 1)

    def test_a_group_that_was_removed_is_nobodys(self, coin, alice, bob, manager):
        """Not everybody's: a rule that lets one group pass must not let all pass when the group is gone."""
        fund(alice, coin, 100)
        gone = Group.objects.create(name="Gone")
        in_force(manager, {"verdict": "allow", "groups": [gone.pk]}, {"verdict": "block"})
        gone.delete()
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 1)

    def test_young_accounts_and_young_destinations(self, coin, alice, bob, charlie, manager, clock):
        fund(alice, coin, 100)
        in_force(
            manager, {"verdict": "block", "account_younger": 24},
            {"verdict": "wait", "hours": 1, "destination_younger": 24},
        )  # fmt: skip
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 1)
        clock.shift(timedelta(hours=25))
        first = pay(alice, coin, bob, 1)
        assert first.status == Status.UNCONFIRMED
        clock.shift(timedelta(hours=2))
        lifecycle.release_waited()
        assert pay(alice, coin, bob, 1).status == Status.UNCONFIRMED
        clock.shift(timedelta(hours=25))
        assert pay(alice, coin, bob, 1).status == Status.DONE
        assert pay(alice, coin, charlie, 1).status == Status.UNCONFIRMED

    def test_hours_of_the_day_may_pass_midnight(self, coin, alice, bob, manager):
        import time_machine

        fund(alice, coin, 100)
        in_force(manager, {"verdict": "block", "from_hour": 22, "to_hour": 6})
        tomorrow = (now() + timedelta(days=1)).replace(minute=30)
        for hour, passes in ((21, True), (22, False), (3, False), (6, True)):
            with time_machine.travel(tomorrow.replace(hour=hour), tick=False):
                if passes:
                    assert pay(alice, coin, bob, 1).status == Status.DONE
                else:
                    with pytest.raises(NotAllowed):
                        pay(alice, coin, bob, 1)

    def test_sums_of_a_day_count_what_is_held_and_forget_what_was_cancelled(self, coin, alice, bob, manager, clock):
        fund(alice, coin, 1_000)
        charge(coin, "move", fixed=1)
        in_force(
            manager, {"verdict": "block", "coin": coin, "day_above": 100},
            {"verdict": "people", "people": 1, "coin": coin, "amount_above": 30},
        )  # fmt: skip
        held = pay(alice, coin, bob, 40)
        send(alice, coin, AWAY, 30)
        pay(alice, coin, bob, 30)
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 1)
        lifecycle.cancel(user=alice, operation_id=held.pk, key="c")
        assert pay(alice, coin, bob, 1).status == Status.DONE
        clock.shift(timedelta(hours=25))
        assert pay(alice, coin, bob, 30).status == Status.DONE

    def test_sums_of_thirty_days(self, coin, alice, bob, manager, clock):
        fund(alice, coin, 1_000)
        in_force(manager, {"verdict": "block", "coin": coin, "month_above": 100})
        pay(alice, coin, bob, 60)
        clock.shift(timedelta(days=29))
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 41)
        pay(alice, coin, bob, 40)
        clock.shift(timedelta(days=1, minutes=1))
        assert pay(alice, coin, bob, 60).status == Status.DONE

    def test_worth_adds_up_all_coins(self, coin, alice, bob, manager, settings):
        other = make_coin("OTH", decimals=2)
        fund(alice, coin, 10**9)
        fund(alice, other, 10_000)
        in_force(manager, {"verdict": "people", "people": 1, "day_value_above": 10_000})  # 100.00 of the currency
        rate(coin, 10)
        assert pay(alice, coin, bob, 5 * 10**8).status == Status.DONE  # 5 coins are 50.00
        assert pay(alice, other, bob, 100).status == Status.UNCONFIRMED, "a coin without a rate may be worth anything"
        rate(other, 1)
        lifecycle.cancel(
            user=alice, operation_id=Operation.objects.get(status="unconfirmed", incoming=False).pk, key=""
        )
        assert pay(alice, other, bob, 5_000).status == Status.DONE  # 50 coins are 50.00 more: 100.00
        assert pay(alice, other, bob, 1).status == Status.UNCONFIRMED

    def test_what_moves_between_own_accounts_is_no_payment(self, coin, alice, manager):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "block"})
        quote = moves.preview_move(user=alice, coin=coin, recipient=alice, amount=5, number=0, to_number=1)
        sent = moves.request_move(user=alice, quote=quote, proof=proof_of(alice), key="own")
        assert sent.status == Status.DONE

    def test_a_preview_says_what_the_rules_would_ask(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "wait", "hours": 24, "words": "New here."}, {"verdict": "allow"})
        quote = moves.preview_move(user=alice, coin=coin, recipient=bob, amount=5)
        assert quote.warnings == (
            "This payment waits 24 hours before it is made. You can cancel it meanwhile. New here.",
        )
        in_force(manager, {"verdict": "block"})
        with pytest.raises(NotAllowed):
            moves.preview_move(user=alice, coin=coin, recipient=bob, amount=5)


def rate(coin, whole):
    Rate.objects.create(coin=coin, currency="EUR", price=whole * 10**12, source="test", at=now())


@pytest.mark.both_databases
class TestAtOnce:
    def test_of_twenty_at_once_as_many_pass_as_the_sum_allows(self, coin, alice, bob, manager):
        fund(alice, coin, 1_000)
        in_force(manager, {"verdict": "block", "coin": coin, "day_above": 10})
        answers = at_once(20, lambda _number: pay(alice, coin, bob, 1))
        assert sum(isinstance(answer, Operation) for answer in answers) == 10
        assert sum(isinstance(answer, NotAllowed) for answer in answers) == 10
        assert balances(coin, alice, bob) == [(990, 0), (10, 0)]
        assert PolicyDecision.objects.filter(verdict="block", operation=None).count() == 10
        books(coin)

    def test_sends_and_withdrawals_of_two_coins_share_one_bound(self, coin, alice, bob, manager):
        """Accounts of different coins have locks of their own; a sum over all coins must not be raced past them."""
        other = make_coin("OTH")
        for each in (coin, other):
            fund(alice, each, 10**11)
            rate(each, 1)
        in_force(manager, {"verdict": "block", "day_value_above": 1_000})
        whole = 10**8

        def ask(number):
            if number % 4 == 0:
                return send(alice, coin, AWAY, whole)
            return pay(alice, (coin, other)[number % 2], bob, whole)

        answers = at_once(20, ask)

        assert sum(isinstance(answer, Operation) for answer in answers) == 10
        for each in (coin, other):
            books(each)

    def test_two_who_pay_each_other_do_not_stand_in_each_others_way(self, coin, alice, bob, manager):
        other = make_coin("OTH")
        for person in (alice, bob):
            for each in (coin, other):
                fund(person, each, 1_000)
        in_force(manager, {"verdict": "block", "coin": coin, "day_above": 500})
        answers = at_once(
            20,
            lambda number: pay(
                *((alice, coin, bob) if number % 2 else (bob, (coin, other)[number % 4 == 0], alice)), 1
            ),
        )
        assert [answer for answer in answers if isinstance(answer, Exception)] == []

    def test_the_last_approval_counts_once(self, coin, alice, bob, manager):
        fund(alice, coin, 100)
        people = [manager, make_manager("second"), make_manager("third")]
        in_force(manager, {"verdict": "people", "people": 2})
        sent = pay(alice, coin, bob, 10)
        at_once(12, lambda number: lifecycle.approve(user=people[number % 3], operation_id=sent.pk))
        assert balances(coin, alice, bob) == [(90, 0), (10, 0)]
        books(coin)


class TestCost:
    def test_without_rules_a_payment_costs_no_statement_more(self, coin, alice, bob, manager, monkeypatch):
        fund(alice, coin, 1_000)
        pay(alice, coin, bob, 1)
        monkeypatch.setattr("ledger.services.policy.decide", lambda needs, **said: needs)
        monkeypatch.setattr("ledger.services.policy.note", lambda needs, operation: None)
        monkeypatch.setattr("ledger.services.policy.also_locked", lambda user, needs: [])
        without = statements(lambda: pay(alice, coin, bob, 1))
        monkeypatch.undo()
        assert statements(lambda: pay(alice, coin, bob, 1)) == without

    def test_with_every_kind_of_rule_it_costs_a_few_more_however_many_there_are(self, coin, alice, bob, manager):
        fund(alice, coin, 1_000)
        pay(alice, coin, bob, 1)
        without = len(statements(lambda: pay(alice, coin, bob, 1)))
        group = Group.objects.create(name="Watched")
        said = {
            "verdict": "block", "coin": coin, "amount_above": 500, "day_above": 900, "month_above": 900,
            "month_value_above": 10**9, "destination_younger": 1, "groups": [group.pk],
        }  # fmt: skip
        rate(coin, 1)
        counts = set()
        for many in (1, 12):
            in_force(manager, *([said] * many))
            pay(alice, coin, bob, 1)
            counts.add(len(statements(lambda: pay(alice, coin, bob, 1))) - without)
        assert counts == {9}


def statements(do):
    found = []

    def watch(execute, sql, params, many, context):
        if "SAVEPOINT" not in sql:  # numbered anew each time
            found.append(sql.split()[0:3])
        return execute(sql, params, many, context)

    from django.db import connection

    with connection.execute_wrapper(watch):
        do()
    return found
