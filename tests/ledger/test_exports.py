"""The export is read by tools of others, and they find the balances we do."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import call_command

from ledger import money, statements
from ledger.models import Account, Kind
from tests.accounts.people import signed_in
from tests.support.accountants import of_beancount, of_hledger, ours
from tests.support.money import balances, charge, fund, make_coin, pay_now, send
from wallets_site.base.clock import now
from wallets_site.base.tables import cell


def export(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ledger_export", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def lived_in(coin, alice, bob):
    from adapters.demo import encode_address

    big = make_coin("BIG", 29)
    charge(coin, "move", fixed=5)
    fund(alice, coin, 123_456_789)
    fund(bob, big, 2**128 - 1)
    send(alice, coin, "bob", 23_456)
    send(bob, big, "alice", 10**29 + 1)
    send(alice, coin, encode_address("tst", b"\x05" * 20), 1_000)
    pay_now(coin)
    return coin, big


def test_hledger_finds_every_balance_we_do(lived_in, tmp_path):
    journal = tmp_path / "books.journal"
    journal.write_text(export("--format", "hledger"))
    assert of_hledger(journal) == ours()


def test_beancount_finds_every_balance_we_do(lived_in, tmp_path):
    path = tmp_path / "books.beancount"
    path.write_text(export("--format", "beancount"))
    assert of_beancount(path) == ours()


def test_the_trial_balance_sums_to_zero(lived_in):
    rows = list(csv.DictReader(io.StringIO(export("--format", "trial"))))
    assert [row["balance"] for row in rows if row["account"] == "total"] == ["0." + "0" * 29, "0." + "0" * 8]
    found = {row["account"]: row["balance"].lstrip("'") for row in rows if row["account"] != "total"}
    assert {name: amount for name, amount in found.items() if float(amount)} == ours()


def test_the_csv_has_every_line_at_full_precision(lived_in):
    rows = list(csv.DictReader(io.StringIO(export("--format", "csv"))))
    assert "1.00000000000000000000000000001" in {row["amount"] for row in rows}
    assert {row["kind"] for row in rows} == {"deposit", "move", "withdrawal_reserved", "withdrawal_attempted"}


def test_a_trial_balance_of_a_day_holds_what_was_booked_until_then(lived_in):
    rows = list(csv.DictReader(io.StringIO(export("--format", "trial", "--until", "2001-01-01"))))
    assert {money.parse(row["balance"], 29) for row in rows} <= {0}
    today = export("--format", "trial", "--until", (now() + timedelta(days=1)).date().isoformat())
    assert today == export("--format", "trial")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text):
    assert cell(text).startswith("'")
    assert cell("plain") == "plain"


def test_a_statement_carries_the_balance_after_each_line(lived_in, alice):
    coin, _ = lived_in
    account = Account.objects.get(coin=coin, owner=alice, kind=Kind.USER)
    lines = list(statements.walk(account))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1].balance == balances(coin, alice)[0][0]
    text = export("--format", "statement", "--account", str(account.pk))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["balance"] for row in rows][:2] == ["1.23456789", "1.23433333"]
    assert rows[1]["amount"] == "0.00023456-"


def test_a_statement_by_days_leaves_the_others_out(lived_in, alice):
    coin, _ = lived_in
    number = str(Account.objects.get(coin=coin, owner=alice, kind=Kind.USER).pk)
    assert len(export("--format", "statement", "--account", number, "--until", "2001-01-01").splitlines()) == 1
    assert len(export("--format", "statement", "--account", number, "--since", "2001-01-01").splitlines()) > 1
    assert export("--format", "csv", "--until", "2001-01-01").count("\n") == 1


def test_a_member_downloads_their_own_statement(lived_in, alice, bob):
    answer = signed_in(bob).get("/statements/TST.csv")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["balance"] for row in rows] == ["0.00023456"]
    assert 'filename="statement-TST.csv"' in answer["Content-Disposition"]


def test_pages_of_a_statement_use_the_same_statements_at_any_depth(coin, alice, bob, django_assert_num_queries_of):
    fund(alice, coin, 1_000)
    for _ in range(30):
        send(alice, coin, "bob", 1)
    account = Account.objects.get(coin=coin, owner=alice, kind=Kind.USER)
    for before in (None, 20, 3):
        with django_assert_num_queries_of() as counted:
            statements.lines(account, before=before, limit=5)
        assert len(counted.statements) == 2
