from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts import audit_chain
from accounts.audit import record
from accounts.guards import apply_after_migrate, drop
from accounts.models import AuditEvent
from tests.accounts.people import code_of, enrol, sign_in, signed_in, trail
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("site")


def test_it_notes_who_did_what_from_where(alice):
    client = Client(REMOTE_ADDR="192.0.2.7")
    sign_in(client, alice)
    event = AuditEvent.objects.get()
    assert (event.who, event.what, event.ip, event.data) == (alice, "login", "192.0.2.7", {})


def test_a_forged_header_does_not_change_where(alice):
    Client(REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="203.0.113.9").post(
        "/accounts/login/", {"login": alice.email, "password": "wrong"}
    )
    assert AuditEvent.objects.get().ip == "192.0.2.7"


def test_a_password_typed_into_the_wrong_box_is_not_kept(alice):
    Client().post("/accounts/login/", {"login": "my-secret-password@example.com", "password": "another-secret"})
    event = AuditEvent.objects.get()
    assert (event.who, event.what) == (None, "login_failed")
    assert "secret" not in f"{event.object}{event.data}"


def test_it_notes_factors_coming_and_going(alice, time_machine_now):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    time_machine_now.shift(31)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    client.post("/accounts/2fa/totp/deactivate/")
    assert trail() == [
        ("alice", "login"),
        ("alice", "confirmed_identity"),
        ("alice", "factor_added"),
        ("alice", "payouts_held"),
        ("alice", "confirmed_identity"),
        ("alice", "factor_added"),
        ("alice", "confirmed_identity"),
        ("alice", "factor_removed"),
        ("alice", "payouts_held"),
        ("alice", "factor_removed"),
    ]
    assert list(AuditEvent.objects.filter(what="factor_added").values_list("object", flat=True)) == [
        "totp",
        "recovery_codes",
    ]


@pytest.mark.both_databases
@pytest.mark.parametrize("forbidden", ["UPDATE accounts_auditevent SET what = 'x'", "DELETE FROM accounts_auditevent"])
def test_the_database_refuses_to_change_the_trail_also_after_another_migration(site, forbidden):
    record("something", who=None)
    call_command("migrate", verbosity=0)
    with pytest.raises(DatabaseError, match="audit events are only added"), transaction.atomic():
        connection.cursor().execute(forbidden)
    assert trail() == [("", "something")]


def test_a_person_with_a_trail_is_not_deleted_by_accident(alice):
    enrol(alice)
    record("something", who=alice)
    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute(f"DELETE FROM accounts_user WHERE id = {alice.pk}")


@pytest.mark.both_databases
def test_the_chain_holds_over_an_honest_trail(site, alice):
    record("first", who=alice, ip="::ffff:192.0.2.7", object="ü", numbers=[1, 2.5, None], nested={"b": 1, "a": True})
    record("second", who=None)
    assert audit_chain.seal_pending() == 0  # too young: a neighbour may still commit
    assert audit_chain.seal_pending(everything=True) == 1
    record("third", who=alice, object=alice)
    assert audit_chain.seal_pending(everything=True) == 1
    report = audit_chain.verify()
    assert (report.problems, report.events, report.sealed, report.blocks) == ([], 3, 3, 2)
    assert audit_chain.verify(head=report.head).ok
    assert not audit_chain.verify(head="f" * 64).ok


TAMPERING = {
    "details": ("UPDATE accounts_auditevent SET object = 'other' WHERE id = {second}", "its details are not"),
    "who": ("UPDATE accounts_auditevent SET who_id = NULL WHERE id = {second}", "are not what was sealed"),
    "when": ("UPDATE accounts_auditevent SET at = '2020-01-01 00:00:00+00' WHERE id = {second}", "are not what was"),
    "dropped": ("DELETE FROM accounts_auditevent WHERE id = {second}", "are not what was sealed"),
    "erased": (
        "UPDATE accounts_auditevent SET erased_at = at, object = '', ip = NULL, salt = '', data = '{{}}'"
        " WHERE id = {second}",
        "nobody was forgotten",
    ),
    "block": ("DELETE FROM accounts_auditseal WHERE number = 1", "does not follow"),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("name", TAMPERING)
def test_it_finds_what_was_done_to_the_trail_past_its_guards(site, alice, name):
    statement, found = TAMPERING[name]
    for what in ("first", "second", "third"):
        row = record(what, who=alice, ip="192.0.2.7")
        audit_chain.seal_pending(everything=True)
    drop(connection)
    connection.cursor().execute(statement.format(second=row.pk - 1))
    apply_after_migrate(using="default")
    assert found in "\n".join(audit_chain.verify().problems)


@pytest.mark.both_databases
def test_it_finds_an_event_put_in_behind_the_chains_back(site, alice):
    for _ in range(audit_chain.LATE_BLOCKS + 2):
        record("something", who=alice)
        audit_chain.seal_pending(everything=True)
    old = record("forged", who=alice)
    drop(connection)
    numbers = {"pk": 0, "old": old.pk}
    connection.cursor().execute(
        "UPDATE accounts_auditevent SET id = %(pk)s, at = '2020-01-01 00:00:00+00' WHERE id = %(old)s", numbers
    )
    apply_after_migrate(using="default")
    audit_chain.seal_pending(everything=True)
    assert audit_chain.verify().problems == ["event 0: stands outside of the chain"]


@pytest.mark.both_databases
def test_it_finds_a_missing_guard(site):
    drop(connection)
    assert "guard missing in the database: audit_no_delete" in audit_chain.verify().problems
    apply_after_migrate(using="default")
    assert audit_chain.verify().ok


@pytest.mark.both_databases
@pytest.mark.parametrize("forbidden", ["UPDATE accounts_auditseal SET hash = 'x'", "DELETE FROM accounts_auditseal"])
def test_the_database_refuses_to_change_a_block(site, forbidden):
    record("something", who=None)
    audit_chain.seal_pending(everything=True)
    with pytest.raises(DatabaseError, match="audit events are only added"), transaction.atomic():
        connection.cursor().execute(forbidden)
    assert audit_chain.verify().ok


@pytest.mark.both_databases
def test_details_may_be_erased_once_and_nothing_with_them(site, alice):
    row = record("something", who=alice, ip="192.0.2.7", object="alice@example.com")
    blank = "object = '', ip = NULL, salt = '', data = '{}', erased_at = at"
    for more in ("what = 'else'", "digest = 'x'", "who_id = NULL"):
        with pytest.raises(DatabaseError, match="only added"), transaction.atomic():
            connection.cursor().execute(f"UPDATE accounts_auditevent SET {blank}, {more}")
    connection.cursor().execute(f"UPDATE accounts_auditevent SET {blank}")
    with pytest.raises(DatabaseError, match="only added"), transaction.atomic():
        connection.cursor().execute("UPDATE accounts_auditevent SET object = 'back'")
    row.refresh_from_db()
    assert (row.object, row.ip, row.salt, row.data, row.who) == ("", None, "", {}, alice)


def test_it_knows_whom_an_event_is_about(alice, bob, manager):
    assert record("x", who=alice).about == alice
    assert record("x", who=manager, object=bob).about == bob
    assert record("x", who=manager, object=f"user {bob.pk}").about == bob
    assert record("x", who=manager, object="coin LTC", about=bob).about == bob
    assert record("x", who=None).about is None


def test_the_command_says_so_and_ends_with_1(alice, capsys):
    record("something", who=alice)
    audit_chain.seal_pending(everything=True)
    call_command("audit_verify")
    assert "The trail is in order." in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        call_command("audit_verify", head="0f" * 32)
    assert end.value.code == 1
    assert "not in this chain" in capsys.readouterr().err
