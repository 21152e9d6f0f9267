"""A variant of post() that reads without a lock: the database refuses it, and without guards our checks see it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from accounts.models import User
from ledger import locks, posting, queries, verify
from ledger.models import Account, Coin, Kind, Posting, Transaction
from tests.support.schema import drop_constraints
from tests.support.threads import at_once

pytestmark = pytest.mark.both_databases
ALL = 10**9
SPENDERS = 2


@pytest.fixture
def coin(site, alice, bob) -> Coin:
    """alice has ALL of it."""
    coin = Coin.objects.create(symbol="TST", name="Testcoin", decimals=8)
    mine = posting.account(coin, Kind.USER, owner_id=alice.pk)
    legs = [posting.Leg(posting.account(coin, Kind.HOT), mine, ALL)]
    with transaction.atomic():
        posting.post(kind="deposit", scope="t", key="d", request={}, legs=legs)
    return coin


@pytest.fixture
def unlocked(coin, alice, bob, monkeypatch, settings):
    """Everybody reads the accounts before anybody writes, as without a lock; then each spends all there was."""
    settings.WALLETS_PORTABLE_POSTING = True  # the road that asks locks.accounts()
    payer = posting.account(coin, Kind.USER, owner_id=alice.pk)
    payee = posting.account(coin, Kind.USER, owner_id=bob.pk)
    everybody_has_read = threading.Barrier(SPENDERS, timeout=30)
    read = threading.local()
    monkeypatch.setattr(locks, "accounts", lambda ids: {pk: read.rows[pk] for pk in ids})

    def spend(number: int) -> str:
        rows = Account.objects.filter(shared=False).values_list("id", "coin_id", "debits", "credits", "version")
        read.rows = {row[0]: locks.LockedAccount(*row) for row in rows}
        everybody_has_read.wait()
        try:
            with transaction.atomic():
                posting.post(kind="move", scope="t", key=f"{number}", request={}, legs=[posting.Leg(payer, payee, ALL)])
        except Exception as error:
            return str(error)
        return "paid"

    return lambda: at_once(SPENDERS, spend)


def without_guards() -> None:
    """Take away what the database itself holds against it: triggers, and the numbering of each account's lines."""
    drop_constraints("posting", "posting_debit_seq", "posting_credit_seq")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in ("ledger_account", "ledger_posting"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def spent(person: User) -> int:
    lines = Posting.objects.filter(debit__owner=person)
    return sum(lines.values_list("amount", flat=True))


def test_the_database_refuses_what_no_lock_prevented(unlocked, coin, alice):
    answers = unlocked()

    assert answers.count("paid") == 1, answers
    assert any("posting_debit_seq" in said or "guard" in said for said in answers), answers
    assert (spent(alice), Transaction.objects.filter(kind="move").count()) == (ALL, 1)
    assert verify.verify().problems == []


def test_without_lock_and_guards_all_is_spent_twice_and_every_check_says_so(unlocked, coin, alice):
    """Were the lock forgotten and the guards gone, the assertions of the races and of ledger_verify would fail."""
    without_guards()

    answers = unlocked()

    assert answers == ["paid", "paid"]
    assert spent(alice) == 2 * ALL
    said = [problem for problem in verify.verify().problems if " missing in the database" not in problem]
    assert any("its totals are not the sum of its postings" in problem for problem in said)
    assert any("does not follow from the one before" in problem for problem in said)
    assert sum(queries.totals(coin).values()) == 0, "a lost update hides in the totals: only the replay sees it"
