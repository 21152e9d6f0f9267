"""Published rules over payments: each verdict, each fact, each kind of proof; and nothing without rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from accounts import proof as proofs
from ledger.models import Operation, PolicyDecision, Posting
from ledger.services import lifecycle, moves, waiting
from tests.ledger.test_lifecycle import AWAY
from tests.support.factories import make_manager
from tests.support.money import balances, books, fresh_key, fund, proof_of, send
from tests.support.policy import in_force
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
        assert (kept.inputs["amount"], kept.inputs["initiator"], kept.inputs["to"]) == ("11", "page", "bob")
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
