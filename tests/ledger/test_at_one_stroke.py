"""A move in one statement leaves exactly what the longer way leaves, and gives way to it wherever it must."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from accounts import proof as proofs
from ledger import posting, queries
from ledger.models import Event, FeeRule, KeySpend, Operation, Posting, Purpose, Push, Queue, SiteSettings, Transaction
from ledger.services import key_caps, moves, purse_payments, purses, site_settings
from tests.support.lightning import COIN, ask, fill, lightning_coin, pay, stands
from tests.support.money import bound, charge, fresh_key, fund, proof_of
from tests.support.threads import at_once
from wallets_site.base.errors import IdempotencyConflict, InsufficientFunds, InvoicePaid, LimitReached

pytestmark = pytest.mark.postgresql
TABLES = (Transaction, Posting, Queue, Operation, Event)
MOMENTS = {"created_at", "updated_at", "done_at"}


def move(user, recipient, coin, amount, *, key="", **more):
    given = {"proof": proof_of(user), "key": key or fresh_key(), **more}
    return moves.move_now(user=user, coin=coin, recipient=recipient, amount=amount, **given)


def newest():
    return {model: model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0 for model in TABLES}


def written_since(before):
    """What stands in the books since then: numbers as distances from the newest row of their table then."""
    firsts = {f"{model._meta.model_name}_id": first for model, first in before.items()}
    firsts["pair_id"] = before[Operation]
    return {
        model.__name__: [
            _plain(row, firsts | {"id": before[model]})
            for row in model.objects.filter(pk__gt=before[model]).order_by("pk").values()
        ]
        for model in TABLES
    }


def _plain(row, firsts):
    return {
        name: value - firsts[name] if name in firsts and value is not None else value
        for name, value in row.items()
        if name not in MOMENTS
    }


@pytest.fixture
def one_stroke():
    """Counts the moves that were written by one statement."""
    with patch.object(posting, "move", wraps=posting.move) as seen:
        yield seen


@pytest.mark.parametrize("fee", [0, 7])
def test_both_ways_leave_the_same_rows(coin, alice, bob, settings, fee, one_stroke):
    fund(alice, coin, 10_000)
    fund(bob, coin, 1)
    if fee:
        charge(coin, Purpose.MOVE, fixed=fee)
    move(alice, bob, coin, 1)  # opens what is not open yet

    def by(portable):
        settings.WALLETS_PORTABLE_POSTING = portable
        before = newest()
        sent = move(alice, bob, coin, 500, key="one and the same" + "!" * portable, comment="for lunch", tags="food")
        assert sent == Operation.objects.get(pk=sent.pk)
        return written_since(before)

    longer, before_it = by(True), one_stroke.call_count
    shorter = by(False)

    assert one_stroke.call_count == before_it + 1
    for rows in (longer, shorter):
        for row in rows["Transaction"]:
            row.pop("key")
        _without_running_totals(rows["Posting"])
    assert shorter == longer
    assert queries.balance(alice, coin).available == 10_000 - 1 - 1000 - 3 * fee
    assert queries.balance(bob, coin).available == 1002


def _without_running_totals(rows):
    for row in rows:
        for name in ("debit_seq", "debit_debits", "debit_credits", "credit_seq", "credit_debits", "credit_credits"):
            row[name] = row[name] is not None


def test_the_answer_is_what_stands_in_the_database(coin, alice, bob):
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    sent = move(alice, bob, coin, 300, comment="hello", tags="one two")

    stored = Operation.objects.get(pk=sent.pk)
    for field in Operation._meta.concrete_fields:
        assert getattr(sent, field.attname) == getattr(stored, field.attname), field.name
    received = Operation.objects.get(pk=sent.pair_id)
    for field in Operation._meta.concrete_fields:
        assert getattr(sent.pair, field.attname) == getattr(received, field.attname), field.name
    assert (received.user, received.incoming, received.gross, received.pair) == (bob, True, 300, stored)


def test_the_same_key_again_answers_with_the_same_operation_and_another_body_is_refused(coin, alice, bob):
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    sent = move(alice, bob, coin, 300, key="once")

    assert move(alice, bob, coin, 300, key="once") == sent
    with pytest.raises(IdempotencyConflict):
        move(alice, bob, coin, 301, key="once")

    assert queries.balance(alice, coin).available == 700
    assert Operation.objects.filter(kind="move").count() == 2


def test_too_much_is_refused_with_the_figures_and_nothing_moves(coin, alice, bob):
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    before = newest()

    with pytest.raises(InsufficientFunds) as refused:
        move(alice, bob, coin, 1001)

    assert refused.value.data == {"total": "1001", "available": "1000"}
    assert all(rows == [] for rows in written_since(before).values())
    assert queries.balance(alice, coin).available == 1000


def test_rules_that_change_meanwhile_are_asked_again(coin, alice, bob, one_stroke):
    """The bound is set after the rules were read and before the money moves."""
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    move(alice, bob, coin, 1)
    real, before = one_stroke._mock_wraps, newest()

    def late(**what):
        bound(coin, Purpose.MOVE, maximum=100)
        return real(**what)

    one_stroke.side_effect = late
    with pytest.raises(LimitReached):
        move(alice, bob, coin, 300)

    assert all(rows == [] for rows in written_since(before).values())
    assert queries.balance(alice, coin).available == 999


def test_what_must_be_counted_or_confirmed_takes_the_longer_way(coin, alice, bob, one_stroke):
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    bound(coin, Purpose.MOVE, daily=500)
    move(alice, bob, coin, 300)
    with pytest.raises(LimitReached):
        move(alice, bob, coin, 300)
    assert one_stroke.call_count == 0

    site_settings.current()
    SiteSettings.objects.update(confirm_move_admin=True)
    waiting = move(alice, bob, coin, 100, proof=proofs.of_plugin_api(alice, where="127.0.0.1"))
    assert (waiting.status, one_stroke.call_count) == (Operation.Status.UNCONFIRMED, 0)


def test_an_account_that_is_not_open_yet_is_opened_on_the_longer_way(coin, alice, bob):
    fund(alice, coin, 1000)

    sent = move(alice, bob, coin, 300)

    assert sent.status == Operation.Status.DONE
    assert queries.balance(bob, coin).available == 300


def test_a_fee_falls_on_the_queue_of_the_fee_account(coin, alice, bob):
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    FeeRule.objects.create(coin=coin, purpose=Purpose.MOVE, fixed=5)
    for _ in range(3):
        move(alice, bob, coin, 100)

    assert queries.totals(coin)["fee_income"] == 15
    assert queries.balance(alice, coin).available == 1000 - 315


def test_an_api_key_is_noted_with_what_it_spent_and_one_with_a_bound_is_counted(coin, alice, bob, one_stroke):
    fund(alice, coin, 1000)
    fund(bob, coin, 1)
    free, _ = key_caps.make_key(
        user=alice, name="free", scopes=["send"], proof=proof_of(alice), key=fresh_key()
    )  # fmt: skip
    bounded, _ = key_caps.make_key(
        user=alice, name="bounded", scopes=["send"], proof=proof_of(alice), key=fresh_key(), caps={coin: 150}
    )  # fmt: skip

    def by(key):
        return proofs.of_api_key(alice, key_id=key.pk, scopes=key.scopes, where="127.0.0.1")

    sent = move(alice, bob, coin, 100, proof=by(free))
    assert KeySpend.objects.get(operation=sent).key == free
    move(alice, bob, coin, 100, proof=by(bounded))
    with pytest.raises(LimitReached):
        move(alice, bob, coin, 100, proof=by(bounded))

    assert key_caps.spent(bounded.pk, coin) == 100
    assert queries.balance(alice, coin).available == 800
    assert one_stroke.call_count == 3


def test_an_invoice_is_paid_with_the_same_rows_by_both_ways_and_once(site, alice, bob, settings, one_stroke):
    coin = lightning_coin()
    fill(alice, coin, 9 * COIN)
    fill(bob, coin, COIN)

    def by(portable):
        settings.WALLETS_PORTABLE_POSTING = portable
        made = ask(bob, coin, COIN, memo="tea")
        before = newest()
        sent = pay(alice, coin, made.bolt11)
        made.refresh_from_db()
        assert (made.operation, made.inside, made.paid_at is not None) == (sent.pair, True, True)
        with pytest.raises(InvoicePaid):
            pay(alice, coin, made.bolt11)
        return made, written_since(before)

    (first, longer), calls = by(True), one_stroke.call_count
    second, shorter = by(False)

    assert one_stroke.call_count == calls + 1
    for made, rows in ((first, longer), (second, shorter)):
        for row in rows["Transaction"]:
            del row["key"], row["request_hash"]
        for row in rows["Operation"]:
            assert row.pop("payment_hash") == made.payment_hash
            assert row.pop("address") == ("" if row["incoming"] else made.bolt11)
        _without_running_totals(rows["Posting"])
    assert shorter == longer
    assert queries.balance(bob, coin).available == 3 * COIN


def test_two_who_pay_one_invoice_at_once_pay_it_once(site, alice, bob, charlie):
    coin = lightning_coin()
    for person in (alice, bob, charlie):
        fill(person, coin, 9 * COIN)
    made = ask(bob, coin, COIN)

    payers = (alice, charlie) * 4

    done = at_once(8, lambda number: pay(payers[number], coin, made.bolt11))

    assert sum(isinstance(each, Operation) for each in done) == 1
    assert all(isinstance(each, Operation | InvoicePaid) for each in done)
    assert queries.balance(bob, coin).available == 10 * COIN


def test_an_invoice_whose_maker_waits_for_a_webhook_takes_the_longer_way(site, alice, bob, one_stroke):
    coin = lightning_coin()
    fill(alice, coin, 9 * COIN)
    fill(bob, coin, COIN)
    purse = purses.open_purse(user=bob, name="shop")
    made = ask(bob, coin, COIN, number=purse.account.number)
    purse_payments.attach(made, webhook="https://shop.example/paid")

    pay(alice, coin, made.bolt11)

    assert Push.objects.filter(user=bob, name="payment").count() == 1
    assert stands(bob, coin, purse.account.number) == (COIN, 0)
