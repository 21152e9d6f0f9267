from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.audit import record
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
        ("alice", "factor_added"),
        ("alice", "confirmed_identity"),
        ("alice", "factor_removed"),
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
