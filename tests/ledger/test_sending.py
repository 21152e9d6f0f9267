"""What people may send: amounts, limits, quotes, proof, and the same request twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import proof as proofs
from ledger import money
from ledger.models import Operation, Purpose, Transaction
from ledger.services import fees, quotes, sending
from tests.support.factories import make_user
from tests.support.money import balances, books, bound, charge, fund, proof_of, send
from wallets_site.base.clock import now
from wallets_site.base.errors import (
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidRequest,
    LimitReached,
    NotAllowed,
    ProofRequired,
    QuoteExpired,
    WalletError,
)

TRAPS = {
    "": "Enter an amount.",
    " ": "Enter an amount.",
    "-1": "minus sign",
    "-0": "minus sign",
    "1e3": "without an exponent",
    "1E3": "without an exponent",
    "1,5": "Use a dot",
    "1.000,5": "Use a dot",
    "0.5abc": "Enter digits",
    "NaN": "Enter digits",
    "nan": "Enter digits",
    "Infinity": "Enter digits",
    "1_0": "Enter digits",
    "+1": "Enter digits",
    " 1": "Enter digits",
    "1\n": "Enter digits",
    "01": "Enter digits",
    ".5": "Enter digits",
    "5.": "Enter digits",
    "0x10": "Enter digits",
    "١٢٣": "Enter digits",
    "１": "Enter digits",
    "²": "Enter digits",
    "1 000": "Enter digits",
    "1.2.3": "Enter digits",
    "9" * 400: "too many digits",
    "9" * 51: "too many digits",
    "0." + "0" * 40 + "1": "too many decimals",
    "0.123456789": "8 decimals",
    "9" * 50: "too large",
}


@pytest.mark.parametrize(("text", "says"), TRAPS.items())
def test_each_bad_amount_has_one_clear_error(text, says):
    with pytest.raises(InvalidAmount, match=says):
        money.parse_positive(text, 8)


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["1"], b"1"])
def test_an_amount_that_is_no_text_is_refused(value):
    with pytest.raises(InvalidAmount):
        money.parse(value, 8)


def test_zero_is_an_amount_but_not_a_payment():
    assert money.parse("0", 8) == 0
    with pytest.raises(InvalidAmount, match="more than zero"):
        money.parse_positive("0.000", 8)


@pytest.mark.parametrize(
    ("atomic", "decimals", "text"),
    [
        (2**128 - 1, 29, "3402823669.20938463463374607431768211455"),
        (1, 29, "0.00000000000000000000000000001"),
        (150_000_000, 8, "1.5"),
        (0, 8, "0"),
        (7, 0, "7"),
        (10**50 - 1, 36, "9" * 14 + "." + "9" * 36),
    ],
)
def test_text_and_atomic_units_are_exact_both_ways(atomic, decimals, text):
    assert money.plain(atomic, decimals) == text
    assert money.parse(text, decimals) == atomic


def test_fees_round_up_and_max_leaves_nothing_over():
    assert fees.charge(5, 10_000, 101) == 5 + 2
    assert fees.charge(0, 1, 1) == 1


@pytest.mark.parametrize(
    ("fixed", "ppm", "available"), [(0, 0, 100), (7, 0, 100), (7, 123_456, 10**6), (0, 500_000, 3)]
)
def test_max_is_the_largest_amount_whose_fee_still_fits(coin, fixed, ppm, available):
    charge(coin, "move", fixed=fixed, ppm=ppm)
    best = fees.most_sendable(coin, Purpose.MOVE, available)
    assert best + fees.charge(fixed, ppm, best) <= available
    assert best + 1 + fees.charge(fixed, ppm, best + 1) > available


@pytest.mark.both_databases
def test_the_same_key_sends_once_and_answers_with_the_same_operation(coin, alice, bob):
    fund(alice, coin, 1_000)
    first = send(alice, coin, "bob", 1_000, key="k")
    quote = quotes.Quote("move", coin, alice.pk, bob, "", "", 1_000, 0)
    again = sending.request_send(user=alice, quote=quote, proof=proof_of(alice), key="k")

    assert again.pk == first.pk
    assert balances(coin, alice, bob) == [(0, 0), (1_000, 0)]


def test_the_same_key_for_another_payment_is_refused_and_moves_nothing(coin, alice, bob):
    fund(alice, coin, 1_000)
    send(alice, coin, "bob", 10, key="k")
    before = books(coin), Transaction.objects.count()
    with pytest.raises(IdempotencyConflict):
        send(alice, coin, "bob", 11, key="k")
    assert (books(coin), Transaction.objects.count()) == before


def test_two_people_may_use_the_same_key(coin, alice, bob):
    fund(alice, coin, 100)
    fund(bob, coin, 100)
    send(alice, coin, "bob", 10, key="k")
    send(bob, coin, "alice", 10, key="k")
    assert Operation.objects.filter(kind="move", incoming=False).count() == 2


def test_more_than_available_is_refused_and_nothing_moves(coin, alice, bob):
    charge(coin, "move", fixed=1)
    fund(alice, coin, 1_000)
    before = books(coin)
    with pytest.raises(InsufficientFunds):
        send(alice, coin, "bob", 1_000)
    assert books(coin) == before


@pytest.mark.parametrize(("amount", "says"), [(9, "smallest"), (501, "largest")])
def test_bounds_of_one_payment(coin, alice, bob, amount, says):
    bound(coin, "move", minimum=10, maximum=500)
    fund(alice, coin, 1_000)
    with pytest.raises(LimitReached, match=says):
        send(alice, coin, "bob", amount)
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_the_bound_of_a_day_counts_the_last_24_hours(coin, alice, bob, clock):
    bound(coin, "move", daily=100)
    fund(alice, coin, 1_000)
    send(alice, coin, "bob", 60)
    with pytest.raises(LimitReached, match=r"0\.0000004 TST of it is left"):
        send(alice, coin, "bob", 41)
    send(alice, coin, "bob", 40)
    clock.shift(timedelta(hours=24, seconds=1))
    send(alice, coin, "bob", 100)
    assert balances(coin, bob) == [(200, 0)]


def test_a_quote_is_taken_within_a_minute_or_not_at_all(coin, alice, bob, clock):
    fund(alice, coin, 1_000)
    quote = sending.preview_send(user=alice, coin=coin, to="bob", amount=100)
    clock.shift(61)
    with pytest.raises(QuoteExpired):
        sending.request_send(user=alice, quote=quote, proof=proof_of(alice), key="k")
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_a_quote_survives_its_signed_text_and_is_only_its_owners(coin, alice, bob):
    fund(alice, coin, 1_000)
    quote = sending.preview_send(user=alice, coin=coin, to="bob", amount=100)
    assert quotes.read_quote(quote.token, user=alice) == quote
    with pytest.raises(QuoteExpired):
        quotes.read_quote(quote.token, user=bob)
    with pytest.raises(QuoteExpired):
        quotes.read_quote(quote.token[:-2] + "xx", user=alice)


def test_a_fee_that_rose_after_the_quote_does_not_surprise(coin, alice, bob):
    fund(alice, coin, 1_000)
    quote = sending.preview_send(user=alice, coin=coin, to="bob", amount=100)
    charge(coin, "move", fixed=500)
    sending.request_send(user=alice, quote=quote, proof=proof_of(alice), key="k")
    assert balances(coin, alice, bob) == [(900, 0), (100, 0)]


def test_money_leaves_only_with_a_fresh_proof_of_the_same_person(coin, alice, bob):
    fund(alice, coin, 1_000)
    quote = sending.preview_send(user=alice, coin=coin, to="bob", amount=100)
    stale = proofs.make(alice, proofs.Factor.PASSWORD, where="", at=now() - timedelta(minutes=6))
    for proof in (stale, proof_of(bob)):
        with pytest.raises(ProofRequired):
            sending.request_send(user=alice, quote=quote, proof=proof, key="k")
    with pytest.raises(TypeError):
        proofs.Proof(alice.pk, proofs.Factor.PASSWORD, now(), "")
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_unverified_mail_moves_no_money(coin, alice, bob):
    from allauth.account.models import EmailAddress

    fund(alice, coin, 1_000)
    EmailAddress.objects.filter(user=alice).update(verified=False)
    with pytest.raises(NotAllowed):
        send(alice, coin, "bob", 100)
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_who_may_not_send_is_refused_and_who_may_not_receive_is_nobody(coin, alice, bob):
    fund(alice, coin, 1_000)
    make_user("dora", groups=())
    with pytest.raises(InvalidRequest) as unreachable:
        send(alice, coin, "dora", 100)
    with pytest.raises(InvalidRequest) as unknown:
        send(alice, coin, "nobody", 100)
    assert unreachable.value.message.replace("dora", "?") == unknown.value.message.replace("nobody", "?")
    alice.groups.clear()
    from accounts.models import User

    with pytest.raises(NotAllowed):
        send(User.objects.get(pk=alice.pk), coin, "bob", 100)
    assert balances(coin, bob) == [(0, 0)]


def test_sending_to_oneself_is_refused(coin, alice):
    fund(alice, coin, 1_000)
    with pytest.raises(InvalidRequest, match="own account"):
        send(alice, coin, "alice", 100)


@pytest.mark.parametrize("to", ["", "x" * 90, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "\x00", "💥"])
def test_a_wrong_destination_is_refused_before_anything_is_written(coin, alice, to):
    fund(alice, coin, 1_000)
    before = books(coin)
    with pytest.raises(WalletError):
        send(alice, coin, to, 100)
    assert books(coin) == before


def test_a_program_sends_in_one_step_and_repeats_itself_without_harm(coin, alice, bob):
    fund(alice, coin, 1_000)
    asked = {"user": alice, "coin": coin, "to": "bob", "amount": 300, "proof": proof_of(alice), "key": "pay-1"}

    first = sending.send_to_member(**asked)
    again = sending.send_to_member(**asked)

    assert first is not None
    assert again is not None
    assert first.pk == again.pk
    assert sending.send_to_member(**{**asked, "to": "nobody"}) is None
    assert balances(coin, alice, bob) == [(700, 0), (300, 0)]
    with pytest.raises(IdempotencyConflict):
        sending.send_to_member(**{**asked, "amount": 301})
    with pytest.raises(InsufficientFunds) as refused:
        sending.send_to_member(**{**asked, "amount": 701, "key": "pay-2"})
    assert refused.value.data == {"available": "700", "total": "701"}
    assert balances(coin, alice, bob) == [(700, 0), (300, 0)]
