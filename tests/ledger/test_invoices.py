"""Invoices of members: asked for, paid once, by a member inside the ledger or by the network."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from ledger.models import Address, Deposit, Event, Invoice, Operation
from ledger.services import invoices, lifecycle, sending, site_settings
from tests.support.lightning import (
    COIN,
    ROUTE,
    ask,
    fill,
    lightning_coin,
    node,
    outside,
    pay,
    pay_in,
    signed_anew,
    stands,
)
from tests.support.money import balances, books, charge, fresh_key, pay_now, proof_of, scan_now, switch
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import (
    CoinUnavailable,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAddress,
    InvalidAmount,
    InvalidRequest,
    InvoicePaid,
    LimitReached,
    NotAllowed,
    NotFound,
    WalletError,
)


@pytest.fixture
def lnbtc(site):
    return lightning_coin()


def managers_decide(yes: bool) -> None:
    settings = site_settings.current()
    settings.confirm_move_admin = yes
    settings.save(update_fields=["confirm_move_admin"])


# Asking ----------------------------------------------------------------------------------------------
def test_an_invoice_says_what_was_asked_and_carries_a_payment_secret(lnbtc, alice, clock):
    made = ask(alice, lnbtc, 3 * COIN, memo="Tea for two", expires_in=600)

    said = node(lnbtc).read_invoice(made.bolt11)
    assert (said.amount, said.description, said.payment_hash) == (3 * COIN, "Tea for two", made.payment_hash)
    assert len(said.secret) == 64
    assert abs(said.expires - (now() + timedelta(seconds=600))) <= timedelta(seconds=1)
    assert (made.status, made.memo, made.account.owner) == ("open", "Tea for two", alice)
    clock.shift(timedelta(seconds=601))
    assert made.status == "expired"


def test_a_description_may_be_given_as_its_hash_or_as_the_text_to_hash(lnbtc, alice):
    metadata = '[["text/plain","Tea"]]'
    wanted = hashlib.sha256(metadata.encode()).hexdigest()

    by_text = ask(alice, lnbtc, COIN, unhashed_description=metadata)
    by_hash = ask(alice, lnbtc, COIN, description_hash=wanted.upper())

    for made in (by_text, by_hash):
        assert node(lnbtc).read_invoice(made.bolt11).description_hash == wanted


def test_the_same_key_answers_with_the_same_invoice(lnbtc, alice):
    first = ask(alice, lnbtc, COIN, key="k")

    assert ask(alice, lnbtc, COIN, key="k") == first
    with pytest.raises(IdempotencyConflict):
        ask(alice, lnbtc, 2 * COIN, key="k")
    assert Invoice.objects.count() == Address.objects.count() == 1


@pytest.mark.both_databases
def test_the_same_key_many_times_at_once_is_one_invoice(lnbtc, alice):
    answers = at_once(6, lambda _: ask(alice, lnbtc, COIN, key="k").payment_hash)

    assert answers == [Invoice.objects.get().payment_hash] * 6


def test_invoices_are_not_counted_as_addresses_and_need_no_pool(lnbtc, alice):
    lnbtc.addresses_max = 1
    lnbtc.save()

    hashes = {ask(alice, lnbtc, COIN).payment_hash for _ in range(3)}

    assert len(hashes) == 3
    assert not Address.objects.filter(account=None).exists()


@pytest.mark.parametrize("amount", [0, -5, 1, 1_500, 10**30])
def test_an_amount_that_no_invoice_can_ask_for_is_refused(lnbtc, alice, amount):
    with pytest.raises((InvalidAmount, InvalidRequest)):
        ask(alice, lnbtc, amount)
    assert not Invoice.objects.exists()


@pytest.mark.parametrize(
    "what",
    [
        {"memo": "x" * 640}, {"memo": "é" * 320}, {"memo": "bell\x07"}, {"description_hash": "zz"},
        {"description_hash": "00" * 32, "unhashed_description": "Tea"}, {"expires_in": 0}, {"expires_in": -1},
        {"expires_in": 31 * 86_400},
    ],
)  # fmt: skip
def test_what_no_invoice_can_say_is_refused(lnbtc, alice, what):
    with pytest.raises(InvalidRequest):
        ask(alice, lnbtc, COIN, **what)
    assert not Address.objects.exists()


def test_less_than_the_smallest_deposit_is_not_asked_for(lnbtc, alice):
    lnbtc.min_deposit = COIN
    lnbtc.save()

    with pytest.raises(InvalidAmount, match="smallest"):
        ask(alice, lnbtc, COIN - 1_000)


def test_a_coin_of_addresses_has_no_invoices(coin, alice):
    with pytest.raises(InvalidRequest, match="addresses"):
        ask(alice, coin, COIN)


def test_without_a_node_or_with_one_that_does_not_answer_there_is_no_invoice(lnbtc, alice):
    switch(lnbtc, outage=True)
    with pytest.raises(CoinUnavailable, match="does not answer"):
        ask(alice, lnbtc, COIN)

    lnbtc.wallets.update(is_active=False)
    with pytest.raises(CoinUnavailable, match="No Lightning node"):
        ask(alice, lnbtc, COIN)
    assert not Address.objects.exists()


def test_who_may_not_make_addresses_may_not_ask(lnbtc, alice):
    alice.groups.clear()

    with pytest.raises(NotAllowed):
        ask(alice, lnbtc, COIN)


def test_there_is_an_end_to_open_invoices(lnbtc, alice, monkeypatch):
    monkeypatch.setattr(invoices, "MOST_OPEN", 2)
    first, _ = ask(alice, lnbtc, COIN), ask(alice, lnbtc, COIN)
    with pytest.raises(LimitReached):
        ask(alice, lnbtc, COIN)

    pay_in(lnbtc, first)
    scan_now(lnbtc)

    assert ask(alice, lnbtc, COIN).status == "open"


def test_an_invoice_is_found_by_its_hash_and_read_by_its_owner_alone(lnbtc, alice, bob):
    made = ask(alice, lnbtc, COIN)

    assert invoices.find(coin=lnbtc, payment_hash=made.payment_hash) == made
    assert invoices.find(coin=lnbtc, payment_hash="00" * 32) is None
    assert invoices.own(user=alice, payment_hash=made.payment_hash) == made
    with pytest.raises(NotFound):
        invoices.own(user=bob, payment_hash=made.payment_hash)


# Paid from outside -----------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_a_payment_from_outside_is_credited_once_and_the_invoice_says_so(lnbtc, alice):
    made = ask(alice, lnbtc, 3 * COIN, memo="Tea")
    pay_in(lnbtc, made)

    for _ in range(3):
        scan_now(lnbtc)

    made.refresh_from_db()
    assert (made.status, made.inside) == ("paid", False)
    assert balances(lnbtc, alice) == [(3 * COIN, 0)]
    assert made.operation == Operation.objects.get()
    assert (made.operation.payment_hash, made.operation.comment) == (made.payment_hash, "Tea")


def test_an_invoice_is_credited_though_the_smallest_deposit_was_raised_since(lnbtc, alice):
    made = ask(alice, lnbtc, COIN)
    lnbtc.min_deposit = 2 * COIN
    lnbtc.save()
    pay_in(lnbtc, made)

    scan_now(lnbtc)

    assert balances(lnbtc, alice) == [(COIN, 0)]


# Paid inside -----------------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_an_invoice_of_a_member_is_paid_inside_at_once(lnbtc, alice, bob):
    fill(alice, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN, memo="Tea")

    done = pay(alice, lnbtc, made.bolt11)

    made.refresh_from_db()
    assert (done.kind, done.status, done.gross) == ("move", "done", COIN)
    assert (done.payment_hash, done.comment) == (made.payment_hash, "Tea")
    assert (made.status, made.inside, made.operation) == ("paid", True, done.pair)
    assert balances(lnbtc, alice, bob) == [(2 * COIN, 0), (COIN, 0)]
    assert books(lnbtc) == {"hot": -3 * COIN, "user": 3 * COIN}
    assert node(lnbtc).network.payment(made.payment_hash) is None


def test_paying_again_with_the_same_key_is_the_same_payment_even_after_it_expired(lnbtc, alice, bob, clock):
    fill(alice, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN)
    first = pay(alice, lnbtc, made.bolt11, key="once")
    clock.shift(timedelta(hours=2))

    assert pay(alice, lnbtc, made.bolt11, key="once") == first
    assert balances(lnbtc, alice, bob) == [(2 * COIN, 0), (COIN, 0)]


def test_an_invoice_is_paid_once_whoever_comes_second(lnbtc, alice, bob, charlie):
    fill(alice, lnbtc, 3 * COIN)
    fill(charlie, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN)
    pay(alice, lnbtc, made.bolt11)

    for payer in (alice, charlie):
        with pytest.raises(InvoicePaid):
            pay(payer, lnbtc, made.bolt11)

    assert balances(lnbtc, alice, bob, charlie) == [(2 * COIN, 0), (COIN, 0), (3 * COIN, 0)]


@pytest.mark.both_databases
def test_of_many_who_pay_an_invoice_at_once_one_does(lnbtc, alice, bob, charlie):
    fill(alice, lnbtc, 9 * COIN)
    fill(charlie, lnbtc, 9 * COIN)
    made = ask(bob, lnbtc, COIN)
    payers = (alice, charlie)

    answers = at_once(6, lambda number: pay(payers[number % 2], lnbtc, made.bolt11))

    assert sorted(type(answer).__name__ for answer in answers) == [*["InvoicePaid"] * 5, "Operation"]
    assert sum(available for available, _ in balances(lnbtc, alice, charlie)) == 17 * COIN
    assert balances(lnbtc, bob) == [(COIN, 0)]


@pytest.mark.both_databases
def test_a_payment_inside_and_one_from_outside_at_once_are_both_kept(lnbtc, alice, bob):
    """Whoever comes second pays nobody: from outside it waits in suspense, inside it is refused."""
    fill(alice, lnbtc, 9 * COIN)
    made = ask(bob, lnbtc, COIN)
    pay_in(lnbtc, made)

    paid, _ = at_once(2, lambda number: scan_now(lnbtc) if number else pay(alice, lnbtc, made.bolt11))

    inside = isinstance(paid, Operation)
    assert inside or isinstance(paid, InvoicePaid)
    assert balances(lnbtc, alice, bob) == [((9 - inside) * COIN, 0), (COIN, 0)]
    suspense = {"suspense": COIN} if inside else {}
    assert books(lnbtc) == {"hot": -10 * COIN, "user": (10 - inside) * COIN, **suspense}


def test_a_payment_from_outside_for_an_invoice_paid_inside_waits_for_a_manager(lnbtc, alice, bob):
    fill(alice, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN)
    pay(alice, lnbtc, made.bolt11)
    pay_in(lnbtc, made)

    for _ in range(2):
        scan_now(lnbtc)

    assert balances(lnbtc, alice, bob) == [(2 * COIN, 0), (COIN, 0)]
    assert books(lnbtc) == {"hot": -4 * COIN, "user": 3 * COIN, "suspense": COIN}
    assert Deposit.objects.get(txid=made.payment_hash).state == Deposit.State.UNCLAIMED
    assert Event.objects.filter(name="deposit_unclaimed").count() == 1


def test_an_invoice_paid_from_outside_cannot_be_paid_inside(lnbtc, alice, bob):
    fill(alice, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN)
    pay_in(lnbtc, made)
    scan_now(lnbtc)

    with pytest.raises(InvoicePaid):
        pay(alice, lnbtc, made.bolt11)
    assert balances(lnbtc, alice, bob) == [(3 * COIN, 0), (COIN, 0)]


@pytest.mark.parametrize("amount", [1_000, 9 * COIN, COIN])
def test_an_invoice_signed_anew_over_the_hash_of_ours_moves_nothing(lnbtc, alice, bob, amount):
    fill(alice, lnbtc, 20 * COIN)
    made = ask(bob, lnbtc, COIN)

    with pytest.raises(InvalidAddress, match="changed"):
        pay(alice, lnbtc, signed_anew(made, amount))

    made.refresh_from_db()
    assert made.status == "open"
    assert balances(lnbtc, alice, bob) == [(20 * COIN, 0), (0, 0)]


def test_an_expired_invoice_of_a_member_is_refused(lnbtc, alice, bob, clock):
    fill(alice, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN, expires_in=60)
    clock.shift(timedelta(seconds=61))

    with pytest.raises(InvalidAddress, match="expired"):
        pay(alice, lnbtc, made.bolt11)
    assert balances(lnbtc, alice, bob) == [(3 * COIN, 0), (0, 0)]


def test_an_invoice_that_expires_between_the_price_and_the_payment_is_refused(lnbtc, alice, bob, clock):
    fill(alice, lnbtc, 3 * COIN)
    quote = invoices.preview(user=alice, coin=lnbtc, bolt11=ask(bob, lnbtc, COIN, expires_in=30).bolt11)
    clock.shift(timedelta(seconds=31))

    with pytest.raises(InvalidAddress, match="expired"):
        sending.request_send(user=alice, quote=quote, proof=proof_of(alice), key="k")
    assert balances(lnbtc, alice, bob) == [(3 * COIN, 0), (0, 0)]


def test_ones_own_invoice_and_too_little_money_are_refused(lnbtc, alice, bob):
    fill(alice, lnbtc, COIN)

    with pytest.raises(InvalidRequest, match="your own"):
        pay(alice, lnbtc, ask(alice, lnbtc, 1_000).bolt11)
    with pytest.raises(InsufficientFunds):
        pay(alice, lnbtc, ask(bob, lnbtc, 2 * COIN).bolt11)
    with pytest.raises(InsufficientFunds):
        pay(alice, lnbtc, outside(lnbtc, COIN))
    assert balances(lnbtc, alice, bob) == [(COIN, 0), (0, 0)]


def test_a_fee_for_members_comes_on_top_of_what_the_invoice_asks(lnbtc, alice, bob):
    charge(lnbtc, "move", fixed=1_000)
    fill(alice, lnbtc, 3 * COIN)

    pay(alice, lnbtc, ask(bob, lnbtc, COIN).bolt11)

    assert balances(lnbtc, alice, bob) == [(2 * COIN - 1_000, 0), (COIN, 0)]


@pytest.mark.parametrize("amount", [1, COIN - 1_000, COIN + 1_000])
def test_an_invoice_is_paid_as_a_whole(lnbtc, alice, bob, amount):
    fill(alice, lnbtc, 9 * COIN)
    for text in (ask(bob, lnbtc, COIN).bolt11, outside(lnbtc, COIN)):
        with pytest.raises(InvalidAmount, match="exactly"):
            invoices.preview(user=alice, coin=lnbtc, bolt11=text, amount=amount)
        assert invoices.preview(user=alice, coin=lnbtc, bolt11=text, amount=COIN).amount == COIN


def test_a_payment_that_waited_for_a_manager_is_cancelled_when_somebody_else_paid_first(
    lnbtc, alice, bob, charlie, manager
):
    fill(alice, lnbtc, 3 * COIN)
    fill(charlie, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN)
    managers_decide(True)
    waiting = pay(alice, lnbtc, made.bolt11)
    assert (waiting.status, balances(lnbtc, alice)) == ("unconfirmed", [(2 * COIN, COIN)])
    managers_decide(False)
    pay(charlie, lnbtc, made.bolt11)

    lifecycle.approve(user=manager, operation_id=waiting.pk)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason[:29]) == ("cancelled", "The invoice was paid by someb")
    assert balances(lnbtc, alice, bob, charlie) == [(3 * COIN, 0), (COIN, 0), (2 * COIN, 0)]


def test_a_payment_that_waited_for_a_manager_settles_the_invoice(lnbtc, alice, bob, manager):
    fill(alice, lnbtc, 3 * COIN)
    made = ask(bob, lnbtc, COIN)
    managers_decide(True)
    waiting = pay(alice, lnbtc, made.bolt11)

    lifecycle.approve(user=manager, operation_id=waiting.pk)

    made.refresh_from_db()
    assert (made.status, made.operation_id) == ("paid", Operation.objects.get(pk=waiting.pk).pair_id)
    assert balances(lnbtc, alice, bob) == [(2 * COIN, 0), (COIN, 0)]


# Several accounts of one person ----------------------------------------------------------------------
def test_each_account_of_a_person_is_paid_and_pays_by_itself(lnbtc, alice, bob):
    fill(alice, lnbtc, 5 * COIN, number=2)
    assert (stands(alice, lnbtc, 2), stands(alice, lnbtc)) == ((5 * COIN, 0), (0, 0))

    pay(alice, lnbtc, ask(bob, lnbtc, COIN).bolt11, number=2)
    pay(alice, lnbtc, ask(alice, lnbtc, COIN).bolt11, number=2)

    assert (stands(alice, lnbtc, 2), stands(alice, lnbtc)) == ((3 * COIN, 0), (COIN, 0))
    with pytest.raises(InsufficientFunds):
        pay(alice, lnbtc, outside(lnbtc, 2 * COIN), number=0)
    with pytest.raises(InvalidRequest, match="your own"):
        pay(alice, lnbtc, ask(alice, lnbtc, COIN, number=2).bolt11, number=2)


def test_what_a_payment_to_the_outside_did_not_use_returns_to_the_account_that_paid(lnbtc, alice):
    fill(alice, lnbtc, 5 * COIN, number=2)
    asked = pay(alice, lnbtc, outside(lnbtc, COIN, "Tea"), number=2)
    assert stands(alice, lnbtc, 2) == (4 * COIN - 10_000, COIN + 10_000)

    pay_now(lnbtc)

    asked.refresh_from_db()
    assert (asked.status, asked.comment) == ("done", "Tea")
    assert (stands(alice, lnbtc, 2), stands(alice, lnbtc)) == ((4 * COIN - ROUTE, 0), (0, 0))


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_payment_that_came_to_nothing_returns_to_the_account_that_paid(lnbtc, alice, how):
    fill(alice, lnbtc, 5 * COIN, number=2)
    switch(lnbtc, refuse_sends=True)
    asked = pay(alice, lnbtc, outside(lnbtc, COIN), number=2)

    if how == "cancelled":
        lifecycle.cancel(user=alice, operation_id=asked.pk, key=fresh_key())
    for _ in range(3):
        pay_now(lnbtc)

    asked.refresh_from_db()
    assert asked.status == how
    assert (stands(alice, lnbtc, 2), stands(alice, lnbtc)) == ((5 * COIN, 0), (0, 0))


# Two who pay one invoice of somebody outside ---------------------------------------------------------
def test_an_invoice_of_somebody_outside_is_paid_once(lnbtc, alice, bob):
    fill(alice, lnbtc, 3 * COIN)
    fill(bob, lnbtc, 3 * COIN)
    text = outside(lnbtc, COIN)
    pay(alice, lnbtc, text)

    for person in (alice, bob):
        with pytest.raises(InvoicePaid):
            pay(person, lnbtc, text)
    pay_now(lnbtc)

    for person in (alice, bob):
        with pytest.raises(InvoicePaid):
            pay(person, lnbtc, text)
    assert balances(lnbtc, alice, bob) == [(2 * COIN - ROUTE, 0), (3 * COIN, 0)]


@pytest.mark.both_databases
def test_of_two_who_ask_at_once_to_pay_one_invoice_one_pays_and_the_other_gets_everything_back(lnbtc, alice, bob):
    fill(alice, lnbtc, 3 * COIN)
    fill(bob, lnbtc, 3 * COIN)
    text = outside(lnbtc, COIN)

    answers = at_once(2, lambda number: pay((alice, bob)[number], lnbtc, text))
    for _ in range(3):
        pay_now(lnbtc)

    assert all(isinstance(answer, Operation | WalletError) for answer in answers)
    states = sorted(Operation.objects.filter(kind="withdraw").values_list("status", flat=True))
    assert states in (["done"], ["done", "failed"])
    assert sorted(balances(lnbtc, alice, bob)) == [(2 * COIN - ROUTE, 0), (3 * COIN, 0)]
    assert node(lnbtc).funds(()).total == 5 * COIN - ROUTE
