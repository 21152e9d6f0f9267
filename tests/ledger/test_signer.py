"""The signer agrees to what the books hold and the bytes pay, and to nothing else; without it nothing leaves."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, connections

from accounts import holds
from adapters import registry
from adapters.base import Payment
from adapters.codecs import bolt11
from adapters.demo import encode_address
from ledger.drains import pay
from ledger.drains.signer.books import Disagrees
from ledger.drains.signer.judge import Terms, judge
from ledger.drains.signer.memory import Memory
from ledger.drains.signer.server import Server, Signer
from ledger.models import Approval, Dispatch, Event, Freeze, Operation, PolicyDecision, Switch, Withdrawal
from ledger.services import lifecycle
from tests.devnet.fixtures import litecoin
from tests.journeys.conftest import connect
from tests.journeys.conftest import fund as fund_for_real
from tests.ledger.test_payouts import paid_to, state
from tests.support import lightning
from tests.support.databases import Database
from tests.support.live import child_environment
from tests.support.money import (
    balances,
    blocks,
    books,
    bound,
    charge,
    fund,
    node,
    pay_now,
    send,
    switch,
    use_of,
)
from tests.support.postgresql import USER
from tests.support.processes import PYTHON, Child, wait_for
from wallets_site.base.clock import now

__all__ = ["litecoin"]
THIEF = encode_address("tst", b"\x66" * 20)


@pytest.fixture
def away(coin) -> str:
    return encode_address("tst", b"\x05" * 20)


class Office:
    """A signer in a thread of this process, at a socket of its own."""

    def __init__(self, folder: Path, settings: Any) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.memory, self.terms = Memory(folder / "signer"), Terms()
        self.path = folder / "signer.sock"
        settings.WALLETS_SIGNER = str(self.path)
        settings.WALLETS_SIGNER_KEY = b64encode(self.key.public_key().public_bytes_raw()).decode()
        self.people = {os.getuid()}

    @contextmanager
    def open(self) -> Iterator[None]:
        signer = Signer(self.key, self.memory, self.terms)
        with Server(self.path, signer, lambda uid: uid in self.people) as server:
            thread = threading.Thread(target=_serve, args=[server])
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


def _serve(server: Server) -> None:
    try:
        server.serve_forever(poll_interval=0.02)
    finally:
        connections.close_all()


@pytest.fixture
def office(tmp_path, settings, coin) -> Office:
    made = Office(tmp_path, settings)
    made.memory.accept(use_of(coin).wallet)
    return made


def prepared(coin) -> Dispatch:
    """The next payout, written down and not sent."""
    row = pay.prepare_next(use_of(coin), node(coin))
    assert row is not None
    return row


def refused(office: Office, pk: int) -> str:
    with pytest.raises(Disagrees) as found:
        judge(pk, office.memory, office.terms)
    assert office.memory.hash_of(pk) == ""
    return str(found.value)


def forge(statement: str, *values: Any) -> None:
    """As whoever holds the site's database could, past every guard of ours."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute(statement, values)
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = origin")


def test_it_costs_nothing_and_asks_nobody_while_it_is_off(coin, alice, away, clock, settings):
    assert settings.WALLETS_SIGNER == ""
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    pay_now(coin)
    assert (state(asked)[1], paid_to(coin, away)) == ("attempted", [2_000])


@pytest.mark.both_databases
def test_what_the_books_hold_is_signed_and_paid(site, coin, alice, bob, away, clock, office):
    charge(coin, "withdrawal", fixed=7)
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    with office.open():
        pay_now(coin)
        blocks(3, clock)
        pay_now(coin)
    assert (state(asked), paid_to(coin, away)) == (("done", "done"), [2_000])
    assert balances(coin, alice) == [(7_993, 0)]


def test_without_its_answer_payouts_wait_and_go_on_by_themselves(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    before = books(coin)
    pay_now(coin)
    row = Dispatch.objects.get()
    assert (row.state, row.attempts, paid_to(coin, away), books(coin)) == ("live", 0, [], before)
    assert row.reason.startswith("Waiting for the signer")
    with office.open():
        pay_now(coin)
    assert (state(asked)[1], paid_to(coin, away)) == ("attempted", [2_000])


def test_an_answer_of_another_key_is_no_consent(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    office.key = Ed25519PrivateKey.generate()
    with office.open():
        pay_now(coin)
    row = Dispatch.objects.get()
    assert (row.attempts, paid_to(coin, away)) == (0, [])
    assert "signature" in row.reason
    assert Event.objects.filter(name="payout_unsigned").count() == 1


def test_a_stranger_at_the_socket_gets_no_answer(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    office.people = {4_000_000}
    with office.open():
        pay_now(coin)
    assert (Dispatch.objects.get().attempts, paid_to(coin, away)) == (0, [])


@pytest.mark.parametrize(
    "line", [b"", b"[]", b'{"dispatch": "1"}', b'{"dispatch": true}', b"[" * 4000, b'{"dispatch": 0}']
)
def test_what_is_no_question_is_not_signed(site, coin, office, line):
    answer = Signer(office.key, office.memory, office.terms).answer(line)
    assert answer == {"refused": "this is no question", "later": False}


ALTERED = {
    "the bytes pay a thief": lambda blob: {**blob, "outputs": [[THIEF, "2000"]]},
    "the bytes pay a thief as well": lambda blob: {**blob, "outputs": [*blob["outputs"], [THIEF, "1"]]},
    "the bytes pay more": lambda blob: {**blob, "outputs": [[blob["outputs"][0][0], "2001"]]},
    "the bytes give it all to the miners": lambda blob: {**blob, "fee": "8000"},
}


@pytest.mark.parametrize("name", ALTERED)
def test_altered_bytes_are_refused_and_nothing_is_sent(coin, alice, away, clock, office, name):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    row = prepared(coin)
    blob = json.dumps(ALTERED[name](json.loads(row.blob)))
    for ident in (row.ident, hashlib.sha256(blob.encode()).hexdigest()):  # also with the name that such bytes have
        forge("UPDATE ledger_dispatch SET blob = %s, ident = %s WHERE id = %s", blob, ident, row.pk)
        assert refused(office, row.pk) in (
            "The prepared payment is another one than that in the books.",
            "the network fee is another one than that in the books",
        )
        with office.open():
            pay_now(coin)
        assert (paid_to(coin, away), paid_to(coin, THIEF)) == ([], [])
    assert Dispatch.objects.get().attempts == 0


def test_an_altered_invoice_is_refused_and_the_true_one_is_paid(site, alice, clock, tmp_path, settings):
    """bolt11, through the whole road: the blob names another's invoice, a larger one of the same hash, or none."""
    coin = lightning.lightning_coin()
    office = Office(tmp_path, settings)
    office.memory.accept(use_of(coin).wallet)
    lightning.fill(alice, coin, 10 * lightning.COIN)
    asked = send(alice, coin, lightning.outside(coin, lightning.COIN), lightning.COIN)
    row = prepared(coin)
    true, name = row.blob, row.ident
    wanted = bolt11.decode(json.loads(true)["invoice"])
    more = bolt11.encode(
        b"\x66" * 32, currency="bcrt", amount=5 * lightning.COIN, timestamp=int(now().timestamp()),
        payment_hash=bytes.fromhex(wanted.payment_hash), secret=bytes(32), description="more for me",
    )  # fmt: skip
    for text in (lightning.outside(coin, lightning.COIN), more, ""):
        forged = json.dumps({**json.loads(true), "invoice": text})
        for ident in {name, bolt11.decode(text).payment_hash if text else name}:
            forge("UPDATE ledger_dispatch SET blob = %s, ident = %s WHERE id = %s", forged, ident, row.pk)
            assert refused(office, row.pk)
            with office.open():
                pay_now(coin)
    assert (Dispatch.objects.get().attempts, lightning.node(coin).funds(()).total) == (0, 10 * lightning.COIN)

    forge("UPDATE ledger_dispatch SET blob = %s, ident = %s WHERE id = %s", true, name, row.pk)
    with office.open():
        pay_now(coin)
    assert state(asked)[0] == "done"
    assert lightning.node(coin).funds(()).total == 9 * lightning.COIN - lightning.ROUTE


FORGED = {
    "destination": ("UPDATE ledger_withdrawal SET address = %s", [THIEF]),
    "destination of both rows": ("UPDATE ledger_operation SET address = %s WHERE kind = 'withdraw'", [THIEF]),
    "confirmation": ("UPDATE ledger_operation SET needs_user_confirm = true WHERE kind = 'withdraw'", []),
    "cancelled": ("UPDATE ledger_operation SET status = 'cancelled' WHERE kind = 'withdraw'", []),
    "state": ("UPDATE ledger_withdrawal SET state = 'queued'", []),
    "never reserved": ("UPDATE ledger_operation SET transaction_id = NULL WHERE kind = 'withdraw'", []),
    "set aside for less": ("UPDATE ledger_account SET debits = credits WHERE kind = 'held'", []),
    "final": ("UPDATE ledger_dispatch SET state = 'final'", []),
    "tried": ("UPDATE ledger_dispatch SET attempts = 1", []),
    "of nobody": ("UPDATE ledger_withdrawal SET dispatch_id = NULL", []),
    "a chore": ("UPDATE ledger_dispatch SET chore = 'consolidate'", []),
    "fee": ("UPDATE ledger_dispatch SET fee = '00000000000000000000000000000000000000000000000000'", []),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_row_is_refused_and_nothing_is_sent(coin, alice, away, clock, office, name):
    statement, values = FORGED[name]
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    row = prepared(coin)
    forge(statement, *values)
    assert refused(office, row.pk)
    with office.open():
        pay_now(coin)
    assert (paid_to(coin, away), paid_to(coin, THIEF)) == ([], [])


def test_an_invented_withdrawal_is_refused(coin, alice, bob, away, clock, office):
    """All rows of it, copied from a true one that was paid: only its coins are missing."""
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    with office.open():
        pay_now(coin)
        blocks(3, clock)
        pay_now(coin)
    assert state(asked) == ("done", "done")
    copied = Operation.objects.get(pk=asked.pk)
    copied.pk, copied.status, copied._state.adding = None, Operation.Status.PENDING, True
    copied.save()
    invented = Withdrawal.objects.create(
        operation=copied, coin=coin, address=copied.address, amount=2_000, fee=0, state=Withdrawal.State.QUEUED
    )
    row = prepared(coin)
    assert list(row.withdrawals.all()) == [invented]
    assert refused(office, row.pk) == f"the coins of withdrawal {invented.pk} are not set aside any more"
    with office.open():
        pay_now(coin)
    assert paid_to(coin, away) == [2_000]


def test_what_today_needs_an_approval_is_not_signed_without(coin, alice, manager, away, clock, office):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    row = prepared(coin)
    bound(coin, "withdrawal", approve_above=1_000)
    operation = Operation.objects.get(kind="withdraw")
    assert "needs a manager's approval" in refused(office, row.pk)
    Approval.objects.create(operation=operation, version=1, person=alice, verdict="approved")
    assert "needs a manager's approval" in refused(office, row.pk)
    Approval.objects.create(operation=operation, version=2, person=manager, verdict="approved")
    assert "needs a manager's approval" in refused(office, row.pk)
    Approval.objects.create(operation=operation, version=1, person=manager, verdict="approved")
    assert judge(row.pk, office.memory, office.terms) == row


def test_an_approved_one_is_paid(coin, alice, manager, away, clock, office):
    bound(coin, "withdrawal", approve_above=1_000)
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    lifecycle.approve(user=manager, operation_id=asked.pk)
    with office.open():
        pay_now(coin)
    assert paid_to(coin, away) == [2_000]


RULED: dict[str, dict[str, Any]] = {
    "is blocked by a rule": {"verdict": "block"},
    "must wait by a rule": {"verdict": "wait", "wait_until": "2100-01-01T00:00:00Z"},
    "lacks its second factor": {"verdict": "step_up", "step_up": True},
    "needs a manager's approval": {"verdict": "people", "people": 2},
}


@pytest.mark.parametrize("words", RULED)
def test_what_a_rule_held_is_not_signed_past_it(coin, alice, manager, away, clock, office, words):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    row = prepared(coin)
    PolicyDecision.objects.create(operation=asked, user=alice, coin=coin, **RULED[words])
    Approval.objects.create(operation=asked, version=1, person=manager, verdict="approved")  # one is not two
    assert words in refused(office, row.pk)


@pytest.mark.parametrize("stop", ["coin", "wallet", "person", "switch", "by hand", "hold"])
def test_what_was_stopped_waits(coin, alice, away, clock, office, stop):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    row = prepared(coin)
    if stop == "coin":
        type(coin).objects.update(withdrawals_on=False)
    elif stop == "by hand":
        Switch.objects.create(what="payouts", reason="x", on_by=alice)
    elif stop == "hold":
        holds.place(user=alice, reason=holds.Reason.PASSWORD_CHANGED)
    elif stop == "switch":
        type(use_of(coin)).objects.update(payouts_on=False)
    else:
        whose = {"wallet": use_of(coin).wallet} if stop == "wallet" else {"coin": coin, "user": alice}
        Freeze.objects.create(cause="manual", reason="x", subject="x", **whose)
    assert refused(office, row.pk) == "payouts are stopped"


def test_a_changed_connection_is_accepted_at_the_signer_first(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    row = prepared(coin)
    switch(coin, fee="11")
    assert "is new or changed" in refused(office, row.pk)


def test_no_more_than_it_was_told_leaves_in_a_day(coin, alice, away, clock, office):
    office.terms = Terms({"TST": 2_500})
    fund(alice, coin, 10_000)
    first = send(alice, coin, away, 2_000)
    with office.open():
        pay_now(coin)
        blocks(3, clock)
        pay_now(coin)
        second = send(alice, coin, away, 600)
        pay_now(coin)
    assert (state(first)[0], state(second)[1], paid_to(coin, away)) == ("done", "dispatched", [2_000])
    assert "within 24 hours" in Dispatch.objects.latest("pk").reason


def test_a_withdrawal_is_signed_again_only_when_the_first_try_is_proven_dead(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    first = prepared(coin)
    judge(first.pk, office.memory, office.terms)
    forge("UPDATE ledger_dispatch SET state = 'dead'")  # so says a forged row; the chain does not
    forge("UPDATE ledger_withdrawal SET state = 'queued', dispatch_id = NULL")
    second = prepared(coin)
    assert "not proven dead" in refused(office, second.pk)
    node(coin).chain.ban(first.ident)
    assert judge(second.pk, office.memory, office.terms) == second


def test_other_bytes_are_never_signed_under_the_same_number(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    row = prepared(coin)
    judge(row.pk, office.memory, office.terms)
    forge("UPDATE ledger_dispatch SET blob = %s", row.blob + " ")
    with pytest.raises(Disagrees, match="other bytes were signed"):
        judge(row.pk, office.memory, office.terms)


def test_killed_in_the_middle_of_an_answer_it_loses_nothing(coin, alice, away, clock, office):
    """It agreed and died before its answer was heard: the same question gets the same answer later."""
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    row = prepared(coin)
    judge(row.pk, office.memory, office.terms)
    pay_now(coin)
    assert (Dispatch.objects.get().attempts, paid_to(coin, away)) == (0, [])
    with office.open():
        pay_now(coin)
        pay_now(coin)
    assert (state(asked)[1], paid_to(coin, away)) == ("attempted", [2_000])


def test_what_was_tried_and_is_absent_needs_consent_again(coin, alice, away, clock, office):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    switch(coin, lose_sends=True)
    office.memory.accept(use_of(coin).wallet)
    with office.open():
        pay_now(coin)
    switch(coin, lose_sends=False)
    office.memory.accept(use_of(coin).wallet)
    pay_now(coin)
    assert (Dispatch.objects.get().attempts, paid_to(coin, away)) == (1, [])
    with office.open():
        pay_now(coin)
    assert (Dispatch.objects.get().attempts, paid_to(coin, away), state(asked)[1]) == (2, [2_000], "attempted")


# -- as a process of its own --

ROLE = Path(__file__).parents[2] / "deploy" / "signer-role.sql"


def run(site: Database, folder: Path, *options: str, **environment: str) -> Child:
    """manage.py signer, over this test's databases."""
    env = child_environment(site, **{"WALLETS_DB_READONLY": "True", **environment})
    command = [PYTHON, "manage.py", "signer", "--folder", str(folder), *options]
    return Child(command, log=folder.parent / f"signer{len(list(folder.parent.glob('signer*.log')))}.log", env=env)


def said(child: Child) -> str:
    wait_for("the command", lambda: not child.running, seconds=30)
    return child.output()


def hired(site: Database, folder: Path, settings: Any, **environment: str) -> None:
    """A key, and the wallets as they are."""
    words = said(run(site, folder, "--new-key"))
    settings.WALLETS_SIGNER_KEY = words.strip().rpartition("KEY=")[2]
    assert "accepted" in said(run(site, folder, "--accept-nodes", **environment))
    assert (folder / "key").stat().st_mode & 0o077 == 0


@contextmanager
def at_work(site: Database, folder: Path, settings: Any, **environment: str) -> Iterator[Child]:
    settings.WALLETS_SIGNER = str(folder.parent / "socket")
    child = run(site, folder, "--socket", settings.WALLETS_SIGNER, **environment)
    wait_for("the signer", lambda: "ready:" in child.output(), seconds=30)
    try:
        yield child
    finally:
        child.stop()


def test_killed_and_started_again_it_goes_on(coin, alice, away, clock, tmp_path, settings, site):
    folder = tmp_path / "signer"
    hired(site, folder, settings)
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    with at_work(site, folder, settings) as child:
        os.kill(child.pid, signal.SIGKILL)
        wait_for("its end", lambda: not child.running)
        pay_now(coin)
        assert (Dispatch.objects.get().attempts, paid_to(coin, away)) == (0, [])
    with at_work(site, folder, settings):
        pay_now(coin)
        blocks(3, clock)
        pay_now(coin)
    assert (state(asked), paid_to(coin, away)) == (("done", "done"), [2_000])


def test_it_does_not_start_where_it_could_write(site, tmp_path, settings):
    folder = tmp_path / "signer"
    words = said(run(site, folder, "--accept-nodes", WALLETS_DB_READONLY="False"))
    assert "The signer only reads" in words
    assert not folder.exists()


@pytest.mark.postgresql
def test_a_role_that_may_only_read_is_enough(site, templates, coin, alice, away, clock, tmp_path, settings):
    """The SQL that the guide gives; the database refuses that role everything else."""
    with connection.cursor() as cursor:
        cursor.execute(ROLE.read_text().replace("wallets_signer", "reader").replace("'CHANGE-ME'", "'reads'"))
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
    url = site.url.replace(f"user={USER}", "user=reader")
    place = templates.postgresql().dsn(name).replace(f"user={USER}", "user=reader")
    folder = tmp_path / "signer"
    hired(site, folder, settings, DATABASE_URL=url)
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    with at_work(site, folder, settings, DATABASE_URL=url):
        pay_now(coin)
    assert paid_to(coin, away) == [2_000]
    with psycopg.connect(place, autocommit=True) as line:
        assert line.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        line.execute("SET default_transaction_read_only = off")
        for forbidden in (
            "UPDATE ledger_dispatch SET attempts = 0",
            "INSERT INTO ledger_queue DEFAULT VALUES",
            "DELETE FROM accounts_auditevent",
            "SELECT password FROM accounts_user",
            "SELECT * FROM django_session",
            "SELECT digest FROM accounts_apikey",
            "CREATE TABLE mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), line.transaction():
                line.execute(forbidden)
    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY reader; DROP ROLE reader")


# -- on a real litecoind --


def test_on_a_real_litecoind_it_signs_the_true_payment_and_not_the_stolen_one(
    litecoin, site, alice, tmp_path, settings
):
    """Whoever holds the site's database and the node's password signs bytes to themselves: they stay where they are."""
    use = connect(litecoin, confirmations=1)
    fund_for_real(litecoin, use.coin, alice, "5")
    office = Office(tmp_path, settings)
    office.memory.accept(use.wallet)
    outside, thief = litecoin.outside("getnewaddress"), litecoin.outside("getnewaddress")
    send(alice, use.coin, outside, 100_000_000)
    adapter = registry.open(use.wallet)
    row = pay.prepare_next(use, adapter)
    assert row is not None
    stolen = adapter.prepare([Payment("w1", thief, 100_000_000)], [])
    true = (row.blob, row.ident, row.fee)
    forge("UPDATE ledger_dispatch SET blob = %s, ident = %s WHERE id = %s", stolen.blob, stolen.id, row.pk)
    with office.open():
        pay.pay(use.wallet_id)
        assert Dispatch.objects.get().attempts == 0
        assert litecoin.received(thief) == []
        forge("UPDATE ledger_dispatch SET blob = %s, ident = %s WHERE id = %s", true[0], true[1], row.pk)
        pay.pay(use.wallet_id)
    litecoin.await_seen(litecoin.outside, row.ident)
    litecoin.mine(1)
    pay.pay(use.wallet_id)
    assert (litecoin.received(outside), litecoin.received(thief)) == ([Decimal(1)], [])
    assert Dispatch.objects.get().state == "final"
