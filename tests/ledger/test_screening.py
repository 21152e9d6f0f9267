"""A function of the site's own is asked before each payment: allow, hold, refuse; whatever goes wrong holds."""

from __future__ import annotations

import time

import pytest
from django.db import connection, transaction

from ledger.models import Operation, PolicyDecision
from ledger.services import lifecycle, moves, screening
from tests.ledger.test_lifecycle import AWAY, change
from tests.ledger.test_policy import pay
from tests.support.money import balances, books, fund, proof_of, send
from tests.support.policy import in_force
from wallets_site.base.errors import NotAllowed

Status = Operation.Status
asked: list[screening.Payment] = []
inside: list[bool] = []


def answering(payment):
    asked.append(payment)
    inside.append(connection.in_atomic_block)
    return {1: "allow", 2: "hold", 3: ("refuse", "on a list"), 4: "perhaps", 5: None}[payment.amount]


def broken(payment):
    raise ValueError(payment.address)


def slow(payment):
    time.sleep(0.5)
    return "allow"


@pytest.fixture
def rich(coin, alice, settings):
    asked.clear()
    inside.clear()
    change(confirm_withdraw_admin=False)
    fund(alice, coin, 100)
    settings.WALLETS_SCREEN = f"{__name__}.answering"
    settings.WALLETS_SCREEN_SECONDS = 5
    return coin


def test_it_is_off_unless_a_function_is_named(rich, alice, bob, settings):
    settings.WALLETS_SCREEN = ""
    assert pay(alice, rich, bob, 3).status == Status.DONE
    assert asked == []


def test_it_hears_what_is_paid_and_to_whom_outside_of_any_transaction(rich, alice, bob):
    pay(alice, rich, bob, 1)
    send(alice, rich, AWAY, 1)
    assert [(said.kind, said.coin, said.amount, said.address, said.recipient) for said in asked] == [
        ("move", "TST", 1, "", bob.pk), ("withdrawal", "TST", 1, AWAY, None),
    ]  # fmt: skip
    assert inside == [False, False]


@pytest.mark.parametrize("to", ["bob", AWAY])
def test_what_it_holds_waits_for_a_manager_who_reads_why(rich, alice, bob, manager, to):
    sent = send(alice, rich, to, 2)
    assert (sent.status, balances(rich, alice)) == (Status.UNCONFIRMED, [(98, 2)])
    kept = PolicyDecision.objects.get()
    assert (kept.people, kept.screened, kept.rule_set) == (1, "held", None)
    lifecycle.approve(user=manager, operation_id=sent.pk)
    sent.refresh_from_db()
    assert sent.status in (Status.DONE, Status.PENDING)
    books(rich)


def test_what_it_refuses_moves_nothing_and_its_sender_does_not_learn_why(rich, alice, bob):
    with pytest.raises(NotAllowed) as refused:
        pay(alice, rich, bob, 3)
    assert "list" not in refused.value.message
    assert (balances(rich, alice, bob), PolicyDecision.objects.get().screened) == ([(100, 0), (0, 0)], "on a list")


@pytest.mark.parametrize(("function", "amount", "why"), [
    ("broken", 1, "the screening failed: ValueError"), ("slow", 1, "the screening gave no answer in 0 seconds"),
    ("missing", 1, "the screening failed: ImportError"), ("answering", 4, "the screening gave an answer that is none"),
    ("answering", 5, "the screening gave an answer that is none"),
])  # fmt: skip
def test_whatever_goes_wrong_holds(rich, alice, bob, settings, function, amount, why):
    settings.WALLETS_SCREEN = f"{__name__}.{function}"
    settings.WALLETS_SCREEN_SECONDS = 0 if function == "slow" else 5
    assert pay(alice, rich, bob, amount).status == Status.UNCONFIRMED
    assert PolicyDecision.objects.get().screened == why


def test_a_payment_asked_for_inside_a_transaction_is_held_unasked(rich, alice, bob):
    quote = moves.preview_move(user=alice, coin=rich, recipient=bob, amount=1)
    with transaction.atomic():
        assert screening.ask(quote) == screening.Screened(
            screening.Answer.HOLD, "it could not be screened: a transaction was open"
        )
    assert asked == []


def test_it_adds_to_the_rules_and_takes_nothing_away(rich, alice, bob, manager):
    in_force(manager, {"verdict": "people", "people": 2})
    pay(alice, rich, bob, 2)
    assert PolicyDecision.objects.get().people == 2
    in_force(manager, {"verdict": "block"})
    with pytest.raises(NotAllowed):
        pay(alice, rich, bob, 1)


def test_a_repeat_of_a_payment_that_was_made_is_answered(rich, alice, bob, settings):
    quote = moves.preview_move(user=alice, coin=rich, recipient=bob, amount=1)
    first = moves.request_move(user=alice, quote=quote, proof=proof_of(alice), key="once")
    settings.WALLETS_SCREEN = f"{__name__}.broken"
    assert moves.request_move(user=alice, quote=quote, proof=proof_of(alice), key="once") == first
    assert balances(rich, alice, bob) == [(99, 0), (1, 0)]
