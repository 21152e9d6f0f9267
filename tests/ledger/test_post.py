from __future__ import annotations

from copy import copy

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from ledger import posting, queries, statements
from ledger.models import Account, Adjustment, Coin, Kind, Posting, Queue, Seal, Transaction
from ledger.models.books import OWNED
from ledger.services import seals
from wallets_site.base.errors import IdempotencyConflict, InsufficientFunds

pytestmark = pytest.mark.both_databases
HUGE = 2**128 - 1


@pytest.fixture(autouse=True, params=["one function", "single statements"])
def road(request, engine, settings):
    """Both ways to post on PostgreSQL; SQLite knows the second alone."""
    settings.WALLETS_PORTABLE_POSTING = request.param == "single statements"
    return request.param


@pytest.fixture
def coin(site) -> Coin:
    return Coin.objects.create(symbol="TST", name="Testcoin", decimals=8)


def put(coin, user, amount, key="k"):
    """hot -> user, as a deposit does."""
    with transaction.atomic():
        return posting.post(
            kind="deposit", scope="test", key=key, request={"amount": str(amount)},
            legs=[posting.Leg(posting.account(coin, Kind.HOT), user, amount)],
        )  # fmt: skip


def account(coin, person):
    return posting.account(coin, Kind.USER, owner_id=person.pk)


def everything():
    return (
        list(Account.objects.order_by("pk").values()),
        list(Transaction.objects.order_by("pk").values()),
        list(Posting.objects.order_by("pk").values()),
        list(Queue.objects.order_by("pk").values()),
        list(Seal.objects.order_by("pk").values()),
        list(Adjustment.objects.order_by("pk").values()),
    )


def test_it_posts_a_move_with_its_fee_and_running_balances(coin, alice, bob):
    mine, theirs = account(coin, alice), account(coin, bob)
    put(coin, mine, 1000)
    fee = posting.account(coin, Kind.FEE_INCOME)

    with transaction.atomic():
        made = posting.post(
            kind="move", scope="test", key="m", request={}, actor_id=alice.pk,
            legs=[posting.Leg(mine, theirs, 600), posting.Leg(mine, fee, 5)],
        )  # fmt: skip

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.balance, theirs.balance) == (395, 600)
    first, second = posting.postings_of(made.id)
    assert (first.debit_seq, first.debit_debits, first.debit_credits) == (2, 600, 1000)
    assert (first.credit_seq, first.credit_debits, first.credit_credits) == (1, 0, 600)
    assert (second.debit_seq, second.debit_debits, second.credit_seq) == (3, 605, None)
    assert queries.totals(coin)[Kind.FEE_INCOME] == 5
    assert sum(queries.totals(coin).values()) == 0


def test_it_keeps_amounts_of_128_bits_exact(coin, alice, bob):
    mine, theirs = account(coin, alice), account(coin, bob)
    put(coin, mine, HUGE)

    with transaction.atomic():
        posting.post(kind="move", scope="test", key="m", request={}, legs=[posting.Leg(mine, theirs, HUGE - 1)])

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.balance, theirs.balance) == (1, HUGE - 1)


def test_it_refuses_to_overdraw_and_writes_nothing(coin, alice, bob):
    mine, theirs = account(coin, alice), account(coin, bob)
    put(coin, mine, 1000)
    before = everything()

    with pytest.raises(InsufficientFunds), transaction.atomic():
        posting.post(kind="move", scope="test", key="m", request={}, legs=[posting.Leg(mine, theirs, 1001)])

    assert everything() == before


def test_the_same_key_and_request_post_once(coin, alice):
    mine = account(coin, alice)
    first = put(coin, mine, 7)
    second = put(coin, mine, 7)

    mine.refresh_from_db()
    assert (first.created, second.created, second.id) == (True, False, first.id)
    assert mine.balance == 7


def test_the_same_key_with_another_request_is_refused_and_writes_nothing(coin, alice):
    mine = account(coin, alice)
    put(coin, mine, 7)
    before = everything()

    with pytest.raises(IdempotencyConflict):
        put(coin, mine, 8)

    assert everything() == before


@pytest.mark.parametrize("amount", [0, -1, 1.0, "5", True, 10**50])
def test_it_refuses_what_is_no_positive_amount(coin, alice, amount):
    mine = account(coin, alice)
    before = everything()

    with pytest.raises(ValueError):
        put(coin, mine, amount)

    assert everything() == before


def test_it_refuses_to_join_accounts_of_two_coins(coin, alice):
    other = Coin.objects.create(symbol="OTH", name="Other", decimals=8)

    with pytest.raises(ValueError, match="one coin"):
        put(other, account(coin, alice), 5)


def test_it_uses_a_constant_number_of_statements(
    coin, alice, bob, engine, road, django_assert_num_queries_of
):  # fmt: skip
    mine, theirs = account(coin, alice), account(coin, bob)
    put(coin, mine, 1000)
    fee = posting.account(coin, Kind.FEE_INCOME)

    counts = set()
    for legs in (1, 3):
        with django_assert_num_queries_of() as counted, transaction.atomic():
            posting.post(
                kind="move", scope="test", key=f"m{legs}", request={},
                legs=[posting.Leg(mine, theirs, 10)] * legs + [posting.Leg(mine, fee, 1)],
            )  # fmt: skip
        counts.add(len([sql for sql in counted.statements if sql.split()[0] in ("INSERT", "UPDATE", "SELECT")]))
    assert counts == {1 if (engine, road) == ("postgresql", "one function") else 5}


def test_the_roll_up_brings_shared_accounts_up_to_date_and_changes_no_sum(coin, alice):
    mine = account(coin, alice)
    for number in range(5):
        put(coin, mine, 100, key=str(number))
    before = queries.totals(coin)
    hot = posting.account(coin, Kind.HOT)
    assert hot.debits == 0

    assert posting.roll_up(hot.pk) == 5

    hot.refresh_from_db()
    assert (hot.debits, hot.credits, Queue.objects.count()) == (500, 0, 0)
    assert queries.totals(coin) == before
    assert posting.roll_up(hot.pk) == 0


def test_history_pages_backwards_with_the_balance_after_each_posting(coin, alice):
    mine = account(coin, alice)
    for number in range(7):
        put(coin, mine, 10, key=str(number))

    newest = statements.lines(mine, limit=3)
    older = statements.lines(mine, before=newest[-1].number, limit=10)
    oldest = statements.lines(mine, after=2, limit=2, newest=False)

    assert [row.number for row in newest] == [7, 6, 5]
    assert [row.balance for row in older] == [40, 30, 20, 10]
    assert [row.number for row in oldest] == [3, 4]


FORBIDDEN = [
    "UPDATE ledger_transaction SET memo = 'x'",
    "DELETE FROM ledger_transaction",
    "UPDATE ledger_posting SET amount = amount",
    "DELETE FROM ledger_posting",
    "DELETE FROM ledger_account",
    "UPDATE ledger_account SET credits = debits, version = version + 1 WHERE kind = 'user'",
    "UPDATE ledger_account SET version = 0 WHERE kind = 'user'",
    "UPDATE ledger_account SET kind = 'held' WHERE kind = 'user'",
    "UPDATE ledger_account SET owner_id = NULL WHERE kind = 'user'",
    "UPDATE ledger_queue SET amount = amount",
    "UPDATE ledger_coin SET decimals = 2",
    "UPDATE ledger_coin SET symbol = 'OTHER'",
    "UPDATE ledger_seal SET hash = 'x'",
    "DELETE FROM ledger_seal",
]
SQLITE_FORBIDDEN = [
    "INSERT OR REPLACE INTO ledger_transaction SELECT * FROM ledger_transaction",
    "INSERT OR REPLACE INTO ledger_posting SELECT * FROM ledger_posting",
    "INSERT OR REPLACE INTO ledger_account SELECT * FROM ledger_account",
    "UPDATE OR REPLACE ledger_posting SET id = id + 1",
    "INSERT INTO ledger_transaction SELECT * FROM ledger_transaction WHERE 1 ON CONFLICT DO UPDATE SET memo = 'x'",
    "INSERT INTO ledger_posting SELECT * FROM ledger_posting WHERE 1 ON CONFLICT DO UPDATE SET number = 9",
    "INSERT INTO ledger_account SELECT * FROM ledger_account WHERE 1 ON CONFLICT DO UPDATE SET debits = credits",
    "INSERT OR REPLACE INTO ledger_queue SELECT * FROM ledger_queue",
    "INSERT OR REPLACE INTO ledger_seal SELECT * FROM ledger_seal",
    "INSERT INTO ledger_seal SELECT * FROM ledger_seal WHERE 1 ON CONFLICT DO UPDATE SET hash = 'x'",
]
POSTGRESQL_FORBIDDEN = [
    "TRUNCATE ledger_transaction CASCADE",
    "TRUNCATE ledger_posting CASCADE",
    "TRUNCATE ledger_queue",
    "INSERT INTO ledger_transaction SELECT * FROM ledger_transaction ON CONFLICT (id) DO UPDATE SET memo = 'x'",
    "INSERT INTO ledger_posting SELECT * FROM ledger_posting ON CONFLICT (id) DO UPDATE SET number = 9",
    "INSERT INTO ledger_seal SELECT * FROM ledger_seal ON CONFLICT (id) DO UPDATE SET hash = 'x'",
    "TRUNCATE ledger_account CASCADE",
    "TRUNCATE ledger_seal",
]


@pytest.fixture
def written(coin, alice):
    """One deposit, sealed."""
    put(coin, account(coin, alice), 1000)
    seals.seal_pending(everything=True)
    assert Seal.objects.count() == 1
    return coin


def test_every_forbidden_statement_is_refused_and_changes_nothing(written, engine):
    before = everything()
    own = SQLITE_FORBIDDEN if engine == "sqlite" else POSTGRESQL_FORBIDDEN

    for statement in FORBIDDEN + own:
        with pytest.raises(DatabaseError, match="guard"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert everything() == before, statement


def _rewritten(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _upsert(row, **values):
    """What `bulk_create(update_conflicts=True)` makes of a row that is there."""
    row = _rewritten(copy(row), **values)
    return lambda: type(row).objects.bulk_create(
        [row], update_conflicts=True, update_fields=list(values), unique_fields=["id"]
    )


def test_the_orm_cannot_rewrite_the_books_either(written):
    before = everything()
    posted, made, seal = Posting.objects.get(), Transaction.objects.get(), Seal.objects.get()
    mine = Account.objects.get(shared=False)
    attempts = [
        lambda: Posting.objects.bulk_update([_rewritten(posted, amount=5)], ["amount"]),
        lambda: Transaction.objects.bulk_update([_rewritten(made, memo="x")], ["memo"]),
        lambda: Account.objects.bulk_update([_rewritten(mine, credits=1)], ["credits"]),
        lambda: Seal.objects.bulk_update([_rewritten(seal, hash="x")], ["hash"]),
        lambda: Queue.objects.bulk_update([_rewritten(q, amount=1) for q in Queue.objects.all()], ["amount"]),
        _upsert(posted, amount=5),
        _upsert(made, memo="x"),
        _upsert(seal, hash="x"),
        _upsert(mine, credits=0),
        *[lambda rows=rows: rows.objects.all().delete() for rows in (Posting, Transaction, Account, Seal, Coin)],
        lambda: posted.delete(),
        lambda: posted.save(),
        lambda: seal.save(),
        lambda: Posting.objects.update(amount=5),
        lambda: Transaction.objects.update_or_create(pk=made.pk, defaults={"memo": "x"}),
        lambda: Transaction.objects.all()._raw_delete("default"),
        lambda: Posting.objects.all()._raw_delete("default"),
        lambda: Account.objects.update(credits=0),
    ]
    for number, attempt in enumerate(attempts):
        with pytest.raises(Exception, match=r"guard|protected|referenced"), transaction.atomic():
            attempt()
        assert everything() == before, number


def test_an_account_cannot_open_with_money_in_it(coin, alice):
    with pytest.raises(DatabaseError, match="guard"), transaction.atomic():
        Account.objects.create(coin=coin, owner=alice, kind=Kind.USER, shared=False, credits=5)
    assert not Account.objects.exists()


def test_the_database_refuses_an_overdraft_by_itself(coin, alice):
    mine = account(coin, alice)
    put(coin, mine, 10)
    with pytest.raises(IntegrityError, match="account_no_overdraft"), transaction.atomic():
        Account.objects.filter(pk=mine.pk).update(debits=11, version=2)
    mine.refresh_from_db()
    assert mine.debits == 0


def test_a_posting_that_disagrees_with_its_account_is_refused(coin, alice, bob):
    mine, theirs = account(coin, alice), account(coin, bob)
    made = put(coin, mine, 100)
    row = {
        "transaction_id": made.id, "number": 7, "coin": coin, "debit": mine, "credit": theirs, "amount": 50,
        "debit_seq": 1, "debit_debits": 50, "debit_credits": 100,
        "credit_seq": 1, "credit_debits": 0, "credit_credits": 50,
    }  # fmt: skip
    before = everything()
    with pytest.raises(DatabaseError, match="guard"), transaction.atomic():
        Posting.objects.create(**row)
    with pytest.raises(DatabaseError, match="guard"), transaction.atomic():
        Queue.objects.create(posting=Posting.objects.get(), side="credit", account=mine, amount=100)
    after = everything()
    assert after[1:] == before[1:]


def test_a_posting_of_two_coins_is_refused_though_everything_else_agrees(coin, alice):
    """Between two shared accounts, which carry no running balance that could disagree."""
    other = Coin.objects.create(symbol="OTH", name="Other", decimals=8)
    made = put(coin, account(coin, alice), 100)
    hot, cold, foreign = (posting.account(*each) for each in ((coin, Kind.HOT), (coin, Kind.COLD), (other, Kind.COLD)))
    row = {"transaction_id": made.id, "number": 7, "amount": 50}
    before = everything()
    for wrong in (
        {"coin": coin, "debit": hot, "credit": foreign}, {"coin": coin, "debit": foreign, "credit": hot},
        {"coin": other, "debit": hot, "credit": cold},
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="guard"), transaction.atomic():
            Posting.objects.create(**row, **wrong)
        assert everything() == before
    with transaction.atomic():
        assert Posting.objects.create(**row, coin=coin, debit=hot, credit=cold).pk
        transaction.set_rollback(True)


SHARED = [kind for kind in Kind if kind not in OWNED]


@pytest.mark.parametrize("kind", SHARED)
def test_every_shared_account_is_queued_on_either_side_and_rolled_up(coin, alice, kind):
    """A payment never waits for its row: it is not touched, and every sum counts what is open."""
    mine = account(coin, alice)
    put(coin, mine, 100)
    shared = posting.account(coin, kind)
    with transaction.atomic():
        posting.post(kind="test", scope="test", key="out", request={}, legs=[posting.Leg(mine, shared, 30)])
        posting.post(kind="test", scope="test", key="in", request={}, legs=[posting.Leg(shared, mine, 7)])
    found = {Kind.HOT: -100, Kind.USER: 77}
    found[kind] = found.get(kind, 0) + 23
    for opened in (True, False):
        shared.refresh_from_db()
        assert ((shared.debits, shared.credits) == (0, 0)) == opened
        assert {name: amount for name, amount in queries.totals(coin).items() if amount} == found
        for pk in Account.objects.filter(shared=True).values_list("pk", flat=True):
            posting.roll_up(pk)
    assert not Queue.objects.exists()
