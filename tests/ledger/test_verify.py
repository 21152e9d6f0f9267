"""ledger_verify finds one flipped digit anywhere, a missing guard, a rewritten chain; and nothing in honest books."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from adapters.demo import encode_address
from ledger import guards, posting, verify
from ledger.drains import mail as outbox
from ledger.models import Account, Posting, Queue, Seal, Transaction
from ledger.services import holds, reversals, seals
from tests.support.money import charge, fund, proof_of, send
from tests.support.schema import drop_constraints
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.runs import pack, unpack

pytestmark = pytest.mark.both_databases


@pytest.fixture
def books(coin, alice, bob, settings, tmp_path):
    settings.SEAL_FILE = tmp_path / "seals.log"
    fund(alice, coin, 123_456)
    for amount in (17, 290, 4_321):
        send(alice, coin, "bob", amount)
    send(bob, coin, "alice", 5)
    seals.seal_pending(everything=True)
    return coin


def the_head() -> Seal:
    head = seals.head()
    assert head is not None
    return head


def flip(table: str, column: str, pk: int) -> None:
    """Somebody with the database's own power changes the last digit (or letter) of one cell."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [pk])
        (value,) = cursor.fetchone()
    field = apps.get_model("ledger", table.removeprefix("ledger_"))._meta.get_field(column)
    _force(f"UPDATE {table} SET {column} = %s WHERE id = %s", [_another(field, value), pk])


def _another(field: Any, value: Any) -> Any:
    kind = field.get_internal_type()
    if field.primary_key:
        return value + 1000
    if kind == "BooleanField":
        return not value
    if kind == "DateTimeField":
        return value + timedelta(microseconds=1)
    text = str(value)
    return text[:-1] + ({"9": "8", "z": "y"}.get(text[-1]) or chr(ord(text[-1]) + 1))


def test_honest_books_are_in_order(books):
    report = verify.verify()
    assert report.problems == []
    assert (report.transactions, report.sealed) == (5, 5)
    while any(posting.roll_up(pk) for pk in Account.objects.filter(shared=True).values_list("pk", flat=True)):
        pass
    assert verify.verify().ok


def test_a_site_that_goes_on_working_is_told_the_truth_about(books, coin, alice, bob):
    ended = threading.Event()

    def either(number: int) -> int:
        if number == 0:
            while not ended.is_set():
                send(alice, coin, "bob", 1)
            return 0
        try:
            return sum(len(verify.verify().problems) for _ in range(8))
        finally:
            ended.set()

    assert at_once(2, either) == [0, 0]
    assert Transaction.objects.count() > 5


# Every column of every table of the books, but for the bare row numbers of Queue and Seal, which say nothing.
BOOKS = (Transaction, Posting, Account, Queue, Seal)
NAMELESS = {("ledger_queue", "id"), ("ledger_seal", "id")}
CELLS = [
    (model._meta.db_table, str(field.column))
    for model in BOOKS
    for field in model._meta.concrete_fields
    if (model._meta.db_table, field.column) not in NAMELESS
]
SHOWN = [
    ("ledger_coin", "decimals"), ("ledger_coin", "symbol"), ("ledger_operation", "gross"), ("ledger_operation", "fee"),
    ("ledger_operation", "incoming"), ("ledger_operation", "account_id"), ("ledger_withdrawal", "amount"),
    ("ledger_withdrawal", "fee"), ("ledger_withdrawal", "network_reserve"), ("ledger_hold", "amount"),
    ("ledger_hold", "captured"),
]  # fmt: skip


@pytest.fixture
def all_of_it(books, coin, alice, bob, manager):
    """Honest books in which no cell is empty: a fee, a reversal, a payout under way and a hold, all of it sealed."""
    charge(coin, "move", fixed=7)
    charge(coin, "withdrawal", fixed=5)
    sent = send(alice, coin, "bob", 1_000)
    reversals.reverse_transaction(user=manager, transaction_id=sent.transaction_id or 0, reason="Sent twice.")
    send(alice, coin, encode_address("tst", b"\x05" * 20), 2_000)
    hold = holds.place_hold(
        user=alice, coin=coin, amount=600, expires_at=now() + timedelta(days=1), proof=proof_of(alice), key="h",
        memo="m",
    )  # fmt: skip
    holds.capture_hold(user=alice, hold_id=hold.pk, to=bob, amount=250, key="c")
    seals.seal_pending(everything=True)
    assert verify.verify().problems == []
    return books


def a_row(table: str, column: str) -> int:
    """The newest row of a member that has something in this cell."""
    model = apps.get_model("ledger", table.removeprefix("ledger_"))
    name = model._meta.get_field(column.removesuffix("_id") if column != "id" else "id").name
    owned: dict[str, dict[str, Any]] = {
        "posting": {("credit" if column.startswith("credit") else "debit") + "__shared": False},
        "account": {"owner__isnull": False, "version__gt": 0},
        "operation": {"incoming": False, "fee__gt": 0},
    }
    rows = model._default_manager.filter(**owned.get(str(model._meta.model_name), {})).exclude(
        **{f"{name}__isnull": True}
    )
    empty = rows.exclude(**{name: ""}) if column in ("memo", "ids") else rows
    return int(empty.order_by("-pk").values_list("pk", flat=True)[0])


def test_one_flipped_digit_anywhere_is_found(all_of_it):
    """Each cell in turn is altered and put right again; the guards are away meanwhile, and are not what is asked."""
    unseen = []
    with hands_on_the_tables(constraints=True) as execute:
        for table, column in CELLS + SHOWN:
            pk = a_row(table, column)
            before = execute(f"SELECT {column} FROM {table} WHERE id = %s", [pk])
            field = apps.get_model("ledger", table.removeprefix("ledger_"))._meta.get_field(column)
            new = pk if column != "id" else _another(field, pk)
            execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [_another(field, before), pk])
            if not others():
                unseen.append((table, column))
            execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [before, new])
        assert others() == []
    assert unseen == []
    assert len(CELLS) >= 40


def others() -> list[str]:
    return [problem for problem in verify.verify().problems if " missing in the database: " not in problem]


@contextmanager
def hands_on_the_tables(*, constraints: bool = False):
    """What somebody with the database's own power can do: no guard and no foreign key holds them, nor a constraint."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            guards.drop_for_rebuild(connection)
            cursor.execute("PRAGMA ignore_check_constraints=ON")
            cursor.execute("PRAGMA foreign_keys=OFF")
        else:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 AND %s",
                [constraints],
            )
            for table, name in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")

        def execute(statement: str, params: list[Any]) -> Any:
            cursor.execute(statement, params)
            assert cursor.rowcount != 0
            return cursor.fetchone()[0] if cursor.description else None

        yield execute
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints=OFF")
            cursor.execute("PRAGMA foreign_keys=ON")
        else:
            cursor.execute("SET session_replication_role = DEFAULT")
    guards.apply(connection)


@pytest.mark.parametrize("ids", ["", "x", "1-", "1-9999999999", "n:", "n:1-3,,", "n:1-3,2"])
def test_a_seal_that_names_what_it_did_not_seal_is_a_problem_and_no_crash(all_of_it, ids):
    _force("UPDATE ledger_seal SET ids = %s WHERE number = 1", [ids])
    assert any(problem.startswith("seal 1:") for problem in verify.verify().problems)


def test_a_block_of_an_older_version_still_verifies(books, coin, alice):
    """Before, blocks did not vouch for the names of accounts and coins."""
    _force("DELETE FROM ledger_seal", [])
    ids = list(Transaction.objects.order_by("pk").values_list("pk", flat=True))
    digest = seals.block_hash(seals.GENESIS, pack(ids), ids, now())
    Seal.objects.create(number=1, ids=pack(ids), previous=seals.GENESIS, hash=digest)
    send(alice, coin, "bob", 1)
    assert seals.seal_pending(everything=True) == 1
    assert verify.verify().problems == []
    _force("UPDATE ledger_transaction SET memo = 'x' WHERE id = %s", [ids[0]])
    assert verify.verify().problems != []


def _force(statement: str, params: list[Any]) -> None:
    with hands_on_the_tables() as execute:
        execute(statement, params)


def test_a_row_taken_away_is_found(books):
    last = Posting.objects.latest("pk")
    _force("DELETE FROM ledger_queue", [])
    _force("DELETE FROM ledger_posting WHERE id = %s", [last.pk])
    assert any("seal" in problem for problem in verify.verify().problems)


def test_a_chain_rewritten_as_a_whole_is_caught_by_a_head_that_was_kept(books):
    kept = the_head().hash
    assert verify.verify(head=kept).ok

    _force(
        "UPDATE ledger_transaction SET memo = 'another story' WHERE id = (SELECT min(id) FROM ledger_transaction)", []
    )
    _force("DELETE FROM ledger_seal", [])
    seals.seal_pending(everything=True)

    assert verify.verify().ok, "by itself the new chain is perfect"
    assert any("rewritten" in problem for problem in verify.verify(head=kept).problems)


def test_the_head_leaves_the_database(books, settings):
    line = settings.SEAL_FILE.read_text().splitlines()[-1]
    assert line.endswith(f" {Seal.objects.count()} {the_head().hash}")


def test_the_head_is_mailed_once_a_day_to_who_may_read_the_books(books, coin, alice, manager, clock):
    head = the_head()
    outbox.deliver()
    mail.outbox.clear()
    assert [seals.mail_head(), seals.mail_head()] == [True, False]
    outbox.deliver()
    (letter,) = mail.outbox
    assert (letter.to, f"ledger_verify --head {head.hash}" in letter.body) == ([manager.email], True)

    clock.shift(timedelta(days=1))
    assert [seals.mail_head(), seals.mail_head()] == [True, False]


def test_what_is_younger_than_the_lag_waits_and_later_blocks_follow(books, coin, alice, clock):
    before = Seal.objects.count()
    send(alice, coin, "bob", 3)
    assert seals.seal_pending() == 0
    clock.shift(60)
    assert seals.seal_pending() == 1
    assert seals.seal_pending() == 0
    assert Seal.objects.count() == before + 1
    assert verify.verify().ok


def test_one_that_commits_late_stands_in_a_later_block(books, coin, alice, clock):
    """Its id is lower than what was sealed before it could be seen."""
    send(alice, coin, "bob", 3)
    send(alice, coin, "bob", 4)
    early, late = Transaction.objects.order_by("-pk")[1], Transaction.objects.order_by("-pk")[0]
    latest = list(Seal.objects.order_by("-number"))
    seals._seal(latest[0], [late.pk])
    clock.shift(60)
    assert seals.seal_pending() == 1
    assert seals.ids_of(the_head().ids) == [early.pk]
    assert verify.verify().ok


def test_ranges_are_packed_and_unpacked(site):
    assert pack([5, 1, 2, 3, 9, 10]) == "1-3,5,9-10"
    assert list(unpack("1-3,5,9-10")) == [1, 2, 3, 5, 9, 10]
    assert (pack([]), list(unpack(""))) == ("", [])


def test_the_command_says_so_and_fails_when_something_is_wrong(books):
    out = io.StringIO()
    call_command("ledger_verify", stdout=out)
    assert "The books are in order." in out.getvalue()

    flip("ledger_posting", "amount", Posting.objects.earliest("pk").pk)
    err = io.StringIO()
    with pytest.raises((SystemExit, CommandError)):
        call_command("ledger_verify", stdout=io.StringIO(), stderr=err)
    assert "does not follow" in err.getvalue()


def test_a_missing_guard_is_a_problem(books):
    with connection.cursor() as cursor:
        name = "guard_posting_update" if connection.vendor == "sqlite" else "guard_posting_change"
        cursor.execute(f"DROP TRIGGER {name}" + ("" if connection.vendor == "sqlite" else " ON ledger_posting"))
    assert f"guard missing in the database: {name}" in verify.verify().problems


def test_a_missing_constraint_is_a_problem(books):
    """The one that forbids an overdraft is no trigger, and can be dropped as well."""
    drop_constraints("account", "account_no_overdraft")
    guards.apply(connection)
    assert verify.verify().problems == ["constraint missing in the database: account_no_overdraft"]


def test_a_rehearsal_answers_the_same_and_writes_nothing(books, coin, alice, bob):
    from ledger.models import Kind
    from wallets_site.base.errors import InsufficientFunds

    mine = posting.account(coin, Kind.USER, owner_id=alice.pk)
    theirs = posting.account(coin, Kind.USER, owner_id=bob.pk)
    counts = (Transaction.objects.count(), Posting.objects.count())
    event: dict[str, Any] = {"kind": "move", "scope": "s", "key": "k", "request": {}}
    assert posting.rehearse(**event, legs=[posting.Leg(mine, theirs, 1)]) == posting.Posted(0, created=True)
    with pytest.raises(InsufficientFunds):
        posting.rehearse(**event, legs=[posting.Leg(mine, theirs, 10**9)])
    assert (Transaction.objects.count(), Posting.objects.count()) == counts
    with transaction.atomic():
        made = posting.post(**event, legs=[posting.Leg(mine, theirs, 1)])
    assert posting.rehearse(**event, legs=[posting.Leg(mine, theirs, 1)]) == posting.Posted(made.id, created=False)


def test_the_balance_of_any_past_moment(site, coin, alice, bob, clock):
    from ledger import queries
    from ledger.models import Kind

    mine = posting.account(coin, Kind.USER, owner_id=alice.pk)
    start, known = now(), []
    fund(alice, coin, 1_000)
    for amount in (1, 20, 300):
        clock.shift(10)
        send(alice, coin, "bob", amount)
        known.append((now(), Account.objects.get(pk=mine.pk).balance))
    for moment, balance in known:
        assert queries.balance_at(mine, moment) == balance
        assert queries.balance_at(mine, moment + timedelta(seconds=9)) == balance
    assert queries.balance_at(mine, start - timedelta(days=1)) == 0
