"""Everything about a person in one file for them; when they go, nothing of them is left but a number."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any, cast

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client

from accounts import api_keys, audit_chain, keys
from accounts.audit import record
from accounts.models import AuditEvent, User
from ledger import verify
from ledger.models import Address, Contact, Operation, Posting
from ledger.services import contacts, forgetting, holds, privacy
from tests.accounts.people import enrol, signed_in
from tests.support.money import balances, fund, proof_of, send
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, ProofRequired, WrongState

# What members of the staff did to the site, or to others: not a member's own.
OF_STAFF = {
    "admin.LogEntry.user", "accounts.Invitation.created_by", "accounts.Invitation.used_by", "accounts.AuditEvent.who",
    "accounts.AccessHelp.asked_by", "accounts.AccessHelp.agreed_by",
    "accounts.PayoutHold.asked_by", "accounts.PayoutHold.lifted_by", "ledger.Transaction.actor",
    "ledger.Adjustment.proposed_by", "ledger.Adjustment.decided_by", "ledger.Approval.person", "ledger.Freeze.ended_by",
    "ledger.Brake.release_by", "ledger.Brake.released_by", "ledger.PayoutDecision.proposed_by",
    "ledger.PayoutDecision.decided_by", "ledger.RuleSet.drafted_by", "ledger.RuleSet.published_by",
    "ledger.Switch.on_by", "ledger.Switch.asked_by", "ledger.Switch.off_by", "ledger.Recovery.asked_by",
    "ledger.Recovery.ended_by", "ledger.LimitChange.asked_by", "ledger.LimitChange.agreed_by",
}  # fmt: skip
# Of others, or nothing but a right.
OF_OTHERS = {
    "accounts.User_groups.user", "accounts.User_user_permissions.user", "accounts.User.managed_by",
    "ledger.Operation.counterpart", "ledger.Contact.member",
}  # fmt: skip


def files(packed: Any) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(packed if isinstance(packed, bytes) else packed.read())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def lived(coin, alice, bob, clock) -> Any:
    """alice did a little of everything; all that is hers says so."""
    fund(alice, coin, 10_000)
    send(alice, coin, bob.email, 4_000, comment="alice-word comment")
    operation = Operation.objects.filter(user=alice, kind="move").get()
    Operation.objects.filter(pk=operation.pk).update(note="alice-word note")
    Address.objects.filter(account__owner=alice).update(label="alice-word label")
    contacts.add(user=alice, label="alice-word contact", to=bob.email, coin=None, extra="")
    contacts.add(user=bob, label="alice-word friend", to=alice.email, coin=None, extra="")
    keys.show_key(alice, keys.PLUGIN_API)
    api_keys.make_key(
        user=alice, name="alice-word key", scopes=["read"], proof=proof_of(alice), key="k", addresses=["192.0.2.7"]
    )
    enrol(alice)
    record("login", who=alice, ip="192.0.2.7", object="alice-word", typed="alice-word")
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=bob, content_type=kind, object_id=str(alice.pk), object_repr=alice.email, action_flag=CHANGE,
        change_message="alice-word",
    )  # fmt: skip
    return alice


def emptied(user: User, coin: Any, other: User) -> None:
    send(user, coin, other.email, balances(coin, user)[0][0])


def test_every_table_that_names_a_person_is_handed_over_or_said_not_to_be():
    found = {
        f"{one.related_model._meta.label}.{one.field.name}"
        for one in cast("list[Any]", User._meta.get_fields(include_hidden=True))
        if one.auto_created and not one.concrete
    }
    ours = {f"{label}.{way}" for label, way in privacy.OURS.items() if "__" not in way}
    assert found - OF_STAFF - OF_OTHERS == ours
    for label in privacy.OURS:
        apps.get_model(label)


def test_the_file_holds_everything_and_no_secret(lived, coin):
    with privacy.export(user=lived, actor=lived, proof=proof_of(lived)) as packed:
        found = files(packed)
    assert json.loads(found["profile.json"])["email"] == lived.email
    whole = "\n".join(found.values())
    for words in ("comment", "note", "label", "contact", "key"):
        assert f"alice-word {words}" in whole, words
    assert "alice-word friend" not in whole  # bob's own words
    (event,) = [one for one in json.loads(found["accounts-auditevent.json"]) if one["what"] == "login"]
    assert (event["ip"], event["data"]) == ("192.0.2.7", {"typed": "alice-word"})
    assert [one["amount"] for one in json.loads(found["ledger-deposit.json"])] == [10_000]
    assert "0.00006" in found["statement-TST.csv"]
    assert found["activity.csv"].count("\n") == 3
    secrets = [lived.password, *lived.derived_keys.values_list("digest", flat=True)]
    secrets += [row.data["secret"] for row in lived.authenticator_set.filter(type="totp")]
    assert [one for one in secrets if one in whole] == []
    assert list(json.loads(found["mfa-authenticator.json"])[0]) == ["id", "type", "created_at", "last_used_at"]
    assert AuditEvent.objects.latest("pk").what == "data_exported"


def test_only_they_themselves_freshly_and_managers_get_it(lived, bob, manager, clock):
    old = proof_of(lived)
    clock.shift(timedelta(minutes=6))
    for proof in (None, old, proof_of(bob)):
        with pytest.raises(ProofRequired):
            privacy.export(user=lived, actor=lived, proof=proof)
    with pytest.raises(NotAllowed):
        privacy.export(user=lived, actor=bob, proof=proof_of(bob))
    assert not AuditEvent.objects.filter(what="data_exported").exists()
    with privacy.export(user=lived, actor=manager) as packed:
        assert "profile.json" in files(packed)
    event = AuditEvent.objects.latest("pk")
    assert (event.who, event.about, event.what) == (manager, lived, "data_exported")


@pytest.mark.both_databases
def test_nothing_of_them_is_left_but_a_number_and_the_books_and_the_trail_stand(site, lived, bob, coin):
    emptied(lived, coin, bob)
    audit_chain.seal_pending(everything=True)
    before = balances(coin, lived, bob)
    lines = Posting.objects.count()
    forgetting.forget(user=lived, actor=lived, proof=proof_of(lived), typed="ALICE@example.com")
    found = set()
    for model in apps.get_models():
        if model._meta.db_table in connection.introspection.table_names() and model._meta.managed:
            for row in model._default_manager.using("default").values_list():
                if any(word in str(row) for word in ("alice", "192.0.2.7")):
                    found.add(model._meta.label)
    assert found == {"ledger.Operation"}
    words = Operation.objects.filter(comment__contains="alice").values_list("user__username", flat=True)
    assert list(words) == ["bob"]  # what she wrote to him is his
    assert balances(coin, lived, bob) == before
    assert verify.verify().problems == []
    report = audit_chain.verify()
    assert (report.problems, report.erased > 0) == ([], True)
    lived.refresh_from_db()
    assert (lived.is_active, lived.has_usable_password(), lived.username) == (False, False, None)
    assert Posting.objects.count() == lines


def test_the_way_in_is_closed_at_once(lived, bob, coin):
    browser = signed_in(User.objects.get(pk=bob.pk))
    key = keys.show_key(bob, keys.PLUGIN_API)
    emptied(bob, coin, lived)
    forgetting.forget(user=bob, actor=bob, proof=proof_of(bob), typed=bob.email)
    assert browser.get("/accounts/profile/").status_code in (302, 404)
    assert keys.owner_of(key, keys.PLUGIN_API) is None
    answer = Client().post("/accounts/login/", {"login": "bob@example.com", "password": "x"})
    assert answer.status_code == 200
    assert "_auth_user_id" not in browser.session


OPEN = {
    "money": lambda user, coin, other: None,
    "hold": lambda user, coin, other: holds.place_hold(
        user=user, coin=coin, amount=6_000, expires_at=now() + timedelta(hours=1), proof=proof_of(user), key="h"
    ),
    "payment": lambda user, coin, other: send(user, coin, "tst1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg94xwfgl", 6_000),
}


@pytest.mark.parametrize("name", OPEN)
def test_it_is_refused_while_anything_is_open_and_nothing_changes(lived, bob, coin, name):
    OPEN[name](lived, coin, bob)
    before = User.objects.filter(pk=lived.pk).values().get()
    assert forgetting.obstacles(lived)
    with pytest.raises(WrongState):
        forgetting.forget(user=lived, actor=lived, proof=proof_of(lived), typed=lived.email)
    assert User.objects.filter(pk=lived.pk).values().get() == before
    assert Contact.objects.filter(user=lived).exists()
    assert not AuditEvent.objects.filter(what="person_erased").exists()


def test_it_is_refused_to_strangers_to_typing_errors_and_of_managers(lived, bob, coin, manager):
    emptied(lived, coin, bob)
    for actor, proof, typed, expected in (
        (lived, None, lived.email, ProofRequired),
        (lived, proof_of(lived), "bob@example.com", InvalidRequest),
        (bob, proof_of(bob), lived.email, NotAllowed),
        (manager, None, "", InvalidRequest),
    ):
        with pytest.raises(expected):
            forgetting.forget(user=lived, actor=actor, proof=proof, typed=typed)
    with pytest.raises(NotAllowed):
        forgetting.forget(user=manager, actor=manager, proof=proof_of(manager), typed=manager.email)
    forgetting.forget(user=lived, actor=manager, reason="asked by letter")
    event = AuditEvent.objects.get(what="person_erased")
    assert (event.who, event.about, event.data) == (manager, lived, {"reason": "asked by letter"})
    with pytest.raises(WrongState, match="forgotten already"):
        forgetting.forget(user=lived, actor=manager, reason="again")


def test_the_page_hands_it_over_and_lets_go(lived, bob, coin, clock):
    browser = signed_in(bob)
    page = browser.get("/privacy/").content.decode()
    assert "There is money in this account (TST)" in page
    assert 'name="email"' not in page
    answer = browser.post("/privacy/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.zip"'
    assert "profile.json" in files(b"".join(cast("Any", answer).streaming_content))
    clock.shift(timedelta(minutes=6))
    for place in ("/privacy/export/", "/privacy/forget/"):
        assert browser.post(place)["Location"].startswith("/accounts/reauthenticate/?next=%2Fprivacy%2F")
    clock.shift(timedelta(minutes=-6))
    emptied(bob, coin, lived)
    assert 'name="email"' in browser.get("/privacy/").content.decode()
    assert browser.post("/privacy/forget/", {"email": "no"}, follow=True).status_code == 200
    assert User.objects.get(pk=bob.pk).is_active
    last = browser.post("/privacy/forget/", {"email": bob.email}, follow=True)
    assert "Your account is deleted." in last.content.decode()
    assert not User.objects.get(pk=bob.pk).is_active
    assert browser.get("/").status_code == 302


def test_managers_do_both_in_the_admin_and_others_do_not(lived, bob, coin, manager):
    emptied(lived, coin, bob)
    browser = signed_in(manager)
    assert lived.email in browser.get("/admin/ledger/person/?q=alice").content.decode()
    assert "stands in the audit trail" in browser.get(f"/admin/ledger/person/{lived.pk}/export/").content.decode()
    answer = browser.post(f"/admin/ledger/person/{lived.pk}/export/")
    assert "profile.json" in files(b"".join(cast("Any", answer).streaming_content))
    browser.post(f"/admin/ledger/person/{lived.pk}/forget/", {"reason": "asked by letter"})
    assert not User.objects.get(pk=lived.pk).is_active
    assert signed_in(bob).get(f"/admin/ledger/person/{lived.pk}/export/").status_code in (302, 403)
