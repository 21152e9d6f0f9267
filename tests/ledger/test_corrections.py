"""Reversals, and adjustments by two people."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from ledger import posting
from ledger.models import Adjustment, Kind, Operation, Transaction
from ledger.services import adjustments, reversals
from tests.support.factories import make_manager
from tests.support.money import balances, books, charge, fund, send
from wallets_site.base.errors import InsufficientFunds, InvalidRequest, NotAllowed, WrongState

pytestmark = pytest.mark.both_databases


def booked(operation: Operation) -> int:
    assert operation.transaction_id is not None
    return operation.transaction_id


def test_a_move_and_its_fee_are_reversed_once_with_a_reason(coin, alice, bob, manager):
    charge(coin, "move", fixed=5)
    fund(alice, coin, 1_000)
    sent = send(alice, coin, "bob", 100)

    first = reversals.reverse_transaction(user=manager, transaction_id=booked(sent), reason="Sent twice.")
    again = reversals.reverse_transaction(user=manager, transaction_id=booked(sent), reason="Sent twice.")

    assert first.pk == again.pk
    assert (first.reverses_id, first.memo, first.actor) == (sent.transaction_id, "Sent twice.", manager)
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]
    assert books(coin) == {"hot": -1_000, "user": 1_000}
    assert set(Operation.objects.filter(kind="move").values_list("status", flat=True)) == {"cancelled"}


def test_what_was_spent_meanwhile_cannot_be_reversed(coin, alice, bob, charlie, manager):
    fund(alice, coin, 1_000)
    sent = send(alice, coin, "bob", 100)
    send(bob, coin, "charlie", 50)
    before = books(coin), Transaction.objects.count()
    with pytest.raises(InsufficientFunds):
        reversals.reverse_transaction(user=manager, transaction_id=booked(sent), reason="Sent twice.")
    assert (books(coin), Transaction.objects.count()) == before


def test_reversing_needs_the_right_a_reason_and_a_kind_that_can_be(coin, alice, bob, manager):
    fund(alice, coin, 1_000)
    sent = send(alice, coin, "bob", 100)
    deposit = Transaction.objects.get(kind="deposit")
    with pytest.raises(NotAllowed):
        reversals.reverse_transaction(user=alice, transaction_id=booked(sent), reason="Mine.")
    with pytest.raises(InvalidRequest):
        reversals.reverse_transaction(user=manager, transaction_id=booked(sent), reason=" ")
    with pytest.raises(WrongState, match="propose an adjustment"):
        reversals.reverse_transaction(user=manager, transaction_id=deposit.pk, reason="x")
    assert balances(coin, alice, bob) == [(900, 0), (100, 0)]


@pytest.fixture
def proposal(coin, alice, manager):
    fund(alice, coin, 1_000)
    return adjustments.propose_adjustment(
        user=manager, debit=posting.account(coin, Kind.USER, owner_id=alice.pk),
        credit=posting.account(coin, Kind.HOT), amount=400, reason="The deposit vanished.", key="k",
    )  # fmt: skip


def test_an_adjustment_moves_money_only_when_another_person_accepts(proposal, coin, alice, manager):
    second = make_manager("second")
    assert balances(coin, alice) == [(1_000, 0)]
    with pytest.raises(NotAllowed, match="Somebody else"):
        adjustments.accept_adjustment(user=manager, adjustment_id=proposal.pk)
    assert balances(coin, alice) == [(1_000, 0)]

    adjustments.accept_adjustment(user=second, adjustment_id=proposal.pk)
    assert balances(coin, alice) == [(600, 0)]
    with pytest.raises(WrongState):
        adjustments.accept_adjustment(user=second, adjustment_id=proposal.pk)
    assert books(coin) == {"hot": -600, "user": 600}


def test_a_rejected_adjustment_moves_nothing(proposal, coin, alice):
    second = make_manager("second")
    adjustments.reject_adjustment(user=second, adjustment_id=proposal.pk, reason="Not so.")
    with pytest.raises(WrongState):
        adjustments.accept_adjustment(user=second, adjustment_id=proposal.pk)
    assert balances(coin, alice) == [(1_000, 0)]


def test_the_same_key_proposes_once(proposal, coin, alice, manager):
    again = adjustments.propose_adjustment(
        user=manager, debit=proposal.debit, credit=proposal.credit, amount=400, reason="The deposit vanished.", key="k"
    )
    assert again.pk == proposal.pk


def test_the_database_refuses_one_person_and_a_changed_proposal(proposal, manager, coin, alice):
    some = Transaction.objects.first()
    with pytest.raises(DatabaseError), transaction.atomic():
        Adjustment.objects.filter(pk=proposal.pk).update(state="accepted", decided_by=manager, transaction=some)
    with pytest.raises(DatabaseError, match="guard"), transaction.atomic():
        Adjustment.objects.filter(pk=proposal.pk).update(amount=999)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.amount) == ("proposed", 400)


def test_members_propose_and_accept_nothing(proposal, coin, alice):
    with pytest.raises(NotAllowed):
        adjustments.propose_adjustment(
            user=alice, debit=proposal.debit, credit=proposal.credit, amount=1, reason="x", key="m"
        )
    with pytest.raises(NotAllowed):
        adjustments.accept_adjustment(user=alice, adjustment_id=proposal.pk)
    assert balances(coin, alice) == [(1_000, 0)]
