"""Payouts nobody can tell the outcome of: evidence, two people, and money moved exactly once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from adapters.demo import encode_address
from ledger.models import Attempt, Dispatch, Event, Freeze, Operation, PayoutDecision
from ledger.services import payouts, unclear
from tests.support.factories import make_manager, make_user
from tests.support.money import (
    balances,
    blocks,
    books,
    chain,
    charge,
    fund,
    pay_now,
    scan_now,
    send,
    switch,
)
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, WrongState

AWAY = encode_address("tst", b"\x05" * 20)


@pytest.fixture
def second(site) -> User:
    return make_manager("second")


@pytest.fixture
def lost(coin, alice, clock) -> Operation:
    """Handed to a node that has not answered since; alice had 10,000 and sent 2,000 at a fee of 50."""
    charge(coin, "withdrawal", fixed=50)
    fund(alice, coin, 10_000)
    asked = send(alice, coin, AWAY, 2_000)
    switch(coin, lose_sends=True)
    pay_now(coin)
    switch(coin, outage=True)
    clock.shift(timedelta(minutes=11))
    pay_now(coin)
    return asked


def the_payout() -> Dispatch:
    return Dispatch.objects.get()


def propose_absent(user: User) -> PayoutDecision:
    return unclear.propose(
        user=user,
        dispatch_id=the_payout().pk,
        verdict="absent",
        reason="No explorer knows it, its coins are elsewhere.",
    )


def paid_elsewhere(coin, amount: int = 2_000) -> str:
    """The very payment, made from our wallet by a hand that knew its bytes under another id."""
    return chain(coin).spend(AWAY, amount, 10)


def test_an_unclear_payout_is_listed_with_every_attempt_and_its_times(lost, coin, manager):
    assert [row.pk for row in unclear.unclear_payouts()] == [the_payout().pk]
    (one,) = Attempt.objects.all()
    assert (one.number, one.outcome, one.reason) == (1, "unclear", "The simulated node did not answer.")
    assert one.begun_at == the_payout().attempted_at
    assert one.answered_at is not None


def test_two_people_refund_what_is_proven_absent_once(lost, coin, alice, manager, second):
    made = propose_absent(manager)
    assert balances(coin, alice) == [(7_950, 50)]

    unclear.accept(user=second, decision_id=made.pk, reason="Agreed.")

    lost.refresh_from_db()
    assert (lost.status, lost.withdrawal.state) == ("failed", "failed")
    assert lost.reason == "The payment never reached the network; the coins are back."
    assert balances(coin, alice) == [(10_000, 0)]
    assert books(coin) == {"hot": -10_000, "user": 10_000}
    with pytest.raises(WrongState, match="decided already"):
        unclear.accept(user=second, decision_id=made.pk)
    switch(coin, outage=False, lose_sends=False)
    pay_now(coin)
    assert chain(coin).paid_to(AWAY) == []
    assert balances(coin, alice) == [(10_000, 0)]


@pytest.mark.both_databases
def test_eight_who_accept_at_once_refund_once(engine, lost, coin, alice, manager):
    made = propose_absent(manager)
    others = [make_manager(f"manager{number}") for number in range(8)]

    answers = at_once(8, lambda number: unclear.accept(user=others[number], decision_id=made.pk))

    assert sum(isinstance(answer, PayoutDecision) for answer in answers) == 1
    assert {type(answer) for answer in answers} == {PayoutDecision, WrongState}
    assert balances(coin, alice) == [(10_000, 0)]
    assert books(coin) == {"hot": -10_000, "user": 10_000}


def test_the_same_person_never_does_both(lost, coin, alice, manager):
    made = propose_absent(manager)
    before = books(coin)
    with pytest.raises(NotAllowed, match="Somebody else"):
        unclear.accept(user=manager, decision_id=made.pk)
    assert books(coin) == before
    with pytest.raises(IntegrityError), transaction.atomic():
        PayoutDecision.objects.update(state="accepted", decided_by=manager, decided_at=made.created_at)


def test_who_asked_for_the_withdrawal_neither_proposes_nor_accepts_nor_rejects(coin, manager, second, clock):
    fund(manager, coin, 10_000)
    send(manager, coin, AWAY, 2_000)
    switch(coin, lose_sends=True)
    pay_now(coin)
    switch(coin, outage=True)
    clock.shift(timedelta(minutes=11))
    before = books(coin)

    with pytest.raises(NotAllowed, match="yourself"):
        propose_absent(manager)
    made = propose_absent(second)
    for refuse in (unclear.accept, unclear.reject):
        with pytest.raises(NotAllowed, match="yourself"):
            refuse(user=manager, decision_id=made.pk, reason="Mine.")
    assert books(coin) == before


def test_members_and_people_without_the_right_decide_nothing(lost, bob, manager):
    with pytest.raises(NotAllowed):
        propose_absent(bob)
    operator = make_user("operator", groups=("Holders", "Operators"), staff=True)
    with pytest.raises(NotAllowed):
        unclear.accept(user=operator, decision_id=propose_absent(manager).pk)


def test_a_proposal_is_void_once_the_payout_was_tried_again(lost, coin, alice, manager, second):
    made = propose_absent(manager)
    Dispatch.objects.update(attempts=2)  # as by a worker that had begun before the proposal stood
    before = books(coin)

    with pytest.raises(WrongState, match="tried again"):
        unclear.accept(user=second, decision_id=made.pk)
    assert books(coin) == before

    assert unclear.reject(user=second, decision_id=made.pk, reason="Stale.").state == "lapsed"
    unclear.accept(user=second, decision_id=propose_absent(manager).pk)
    assert balances(coin, alice) == [(10_000, 0)]


def test_it_is_not_sent_again_while_people_decide_and_is_after_a_rejection(lost, coin, alice, manager, clock):
    made = propose_absent(manager)
    switch(coin, outage=False, lose_sends=False)
    pay_now(coin)
    assert (the_payout().attempts, chain(coin).paid_to(AWAY)) == (1, [])

    unclear.reject(user=manager, decision_id=made.pk, reason="The node is back.")
    for _ in range(3):
        pay_now(coin)
        blocks(1, clock)
    pay_now(coin)
    lost.refresh_from_db()
    assert (lost.status, chain(coin).paid_to(AWAY)) == ("done", [2_000])
    assert balances(coin, alice) == [(7_950, 0)]


def test_what_the_network_knows_is_not_for_people_to_decide(lost, coin, manager, second):
    made = propose_absent(manager)
    switch(coin, outage=False, lose_sends=False)
    chain(coin).pay(the_payout().ident, [(AWAY, 2_000)], 10)
    before = books(coin)

    with pytest.raises(WrongState, match="ends by itself"):
        unclear.accept(user=second, decision_id=made.pk)
    assert books(coin) == before


def test_nothing_is_absent_a_moment_after_the_last_attempt(lost, coin, manager):
    Dispatch.objects.update(attempted_at=now() - timedelta(minutes=9))
    with pytest.raises(WrongState, match="wait ten minutes"):
        propose_absent(manager)


def test_a_reason_and_the_right_fields_are_needed(lost, manager):
    for verdict, txid, reason in (
        ("absent", "", " "),
        ("found", "", "seen"),
        ("absent", "ab", "x"),
        ("maybe", "", "x"),
    ):
        with pytest.raises(InvalidRequest):
            unclear.propose(user=manager, dispatch_id=the_payout().pk, verdict=verdict, txid=txid, reason=reason)
    assert not PayoutDecision.objects.exists()


def test_found_on_chain_under_another_id_ends_the_payout_as_paid(lost, coin, alice, manager, second, clock):
    switch(coin, outage=False, lose_sends=False)
    txid = paid_elsewhere(coin)
    pk = the_payout().pk

    def found(user: User) -> PayoutDecision:
        return unclear.propose(user=user, dispatch_id=pk, verdict="found", txid=txid, reason="Two explorers show it.")

    with pytest.raises(WrongState, match="not enough confirmations"):
        found(manager)
    blocks(coin.confirmations + 1, clock)
    made = found(manager)
    unclear.accept(user=second, decision_id=made.pk)

    lost.refresh_from_db()
    assert (lost.status, lost.txid) == ("done", txid)
    assert balances(coin, alice) == [(7_950, 0)]
    assert books(coin) == {"hot": -7_990, "user": 7_950, "fee_income": 50, "network_fee": -10}
    pay_now(coin)
    scan_now(coin)
    assert chain(coin).paid_to(AWAY) == [2_000]
    assert not Freeze.objects.filter(ended_at=None).exists()


def test_a_transaction_that_pays_somebody_else_or_less_or_is_another_payout_is_no_proof(lost, coin, manager, clock):
    switch(coin, outage=False)
    other = encode_address("tst", b"\x06" * 20)
    wrong = [chain(coin).spend(other, 2_000, 10), paid_elsewhere(coin, 1_999)]
    blocks(coin.confirmations + 1, clock)
    pk = the_payout().pk
    for txid, words in ((wrong[0], "does not pay"), (wrong[1], "does not pay"), ("ab" * 32, "knows no payment")):
        with pytest.raises(WrongState, match=words):
            unclear.propose(user=manager, dispatch_id=pk, verdict="found", txid=txid, reason="I think so.")
    Dispatch.objects.create(
        wallet=the_payout().wallet,
        coin=coin,
        lane="wallet",
        ident=wrong[1],
        slot=wrong[1],
        blob="",
        fee=0,
        state="final",
    )
    with pytest.raises(WrongState, match="another payout"):
        unclear.propose(user=manager, dispatch_id=pk, verdict="found", txid=wrong[1], reason="I think so.")
    assert not PayoutDecision.objects.exists()


def test_a_refunded_payment_that_is_mined_after_all_freezes_the_wallet(lost, coin, manager, second, clock):
    unclear.accept(user=second, decision_id=propose_absent(manager).pk)
    switch(coin, outage=False, lose_sends=False)
    chain(coin).pay(the_payout().ident, [(AWAY, 2_000)], 10)
    scan_now(coin)
    assert not Freeze.objects.exists()
    blocks(1, clock)
    scan_now(coin)
    assert "given up and given back" in Freeze.objects.get().reason


def test_a_decision_races_the_worker_and_one_of_them_wins(lost, coin, alice, manager, second, clock):
    """Accepting looks at the payout under its lock: what the worker wrote meanwhile is seen."""
    made = propose_absent(manager)
    payouts.confirm(the_payout().pk, txid=the_payout().ident, confirmations=9, fee=10, needed=2)
    before = books(coin)
    with pytest.raises(WrongState, match="nothing to decide"):
        unclear.accept(user=second, decision_id=made.pk)
    assert books(coin) == before
    assert balances(coin, alice) == [(7_950, 0)]


def test_each_step_stands_in_the_trail_and_among_the_events(lost, manager, second):
    unclear.accept(user=second, decision_id=propose_absent(manager).pk, reason="Agreed.")
    trail = list(AuditEvent.objects.filter(what__startswith="payout").values_list("what", "who__username"))
    assert trail == [("payout_proposed", "manager"), ("payout_decided", "second")]
    assert Event.objects.filter(name__in=("payout_decision_proposed", "payout_decided")).count() == 2
    row = PayoutDecision.objects.get()
    assert row.evidence["node"] == row.decided_evidence["node"] == "The simulated node is switched off."


# -- the pages --


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_from_the_list_to_the_refund_through_the_pages(lost, coin, alice, manager, second):
    first, other = browser(manager), browser(second)
    assert "1 payments had no clear answer" in text_of(first.get(reverse("admin:ledger_dispatch_changelist")))
    shown = text_of(first.get(reverse("admin:payouts_unclear")))
    assert "0.00002 TST" in shown
    page = reverse("admin:payout_unclear", args=[the_payout().pk])
    assert page in shown

    evidence = text_of(first.get(page))
    for part in (the_payout().ident, AWAY, "The simulated node is switched off.", "The simulated node did not answer."):
        assert part in evidence
    propose = reverse("admin:payout_propose", args=[the_payout().pk])
    assert "This field is required" in text_of(first.post(propose, {"verdict": "absent", "reason": ""}, follow=True))
    said = {"verdict": "absent", "txid": "", "reason": "No explorer knows it."}
    assert "Another person must accept it" in text_of(first.post(propose, said, follow=True))

    accept = reverse("admin:payout_accept", args=[PayoutDecision.objects.get().pk])
    assert "Somebody else must accept" in text_of(first.post(accept, follow=True))
    other.get(accept)
    assert balances(coin, alice) == [(7_950, 50)]
    assert "No explorer knows it." in text_of(other.get(page))
    assert "Accepted and booked." in text_of(other.post(accept, {"reason": "Agreed."}, follow=True))
    assert balances(coin, alice) == [(10_000, 0)]
    assert "it is known what became of it" in text_of(first.get(reverse("admin:payouts_unclear")))
    assert "What became of this payout is known." in text_of(first.get(page))
    assert first.get(reverse("admin:ledger_payoutdecision_changelist")).status_code == 200


def test_the_pages_are_closed_to_members(lost, alice):
    for page in (reverse("admin:payouts_unclear"), reverse("admin:payout_unclear", args=[the_payout().pk])):
        assert browser(alice).get(page).status_code in (302, 403)
