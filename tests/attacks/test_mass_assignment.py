"""Fields that nobody may set, sent along with every write there is: refused by name, or without any effect."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from ledger.models import Operation
from tests.accounts.people import signed_in
from tests.api.callers import every_scope
from tests.api.test_routes import API, PREFIX
from tests.api3.client import Plugin
from tests.attacks.conftest import nothing_happens
from tests.support.money import fresh_key

FORBIDDEN = (
    "id", "pk", "user", "owner", "user_id", "account", "status", "state", "fee", "fee_paid", "confirmations", "txid",
    "approved_by", "approved_at", "is_staff", "is_superuser", "groups", "secret", "created", "version", "kind",
    "reverses", "balance", "available", "held", "limits", "allow_listed_at", "email_verified", "__proto__",
)  # fmt: skip


def test_the_rest_api_refuses_each_unknown_field_of_each_write_by_its_name(things, alice, settings):
    settings.WALLETS_API_WRITES = 10_000
    shop = every_scope(alice)
    taking, wrong = 0, []
    with nothing_happens():
        for row in [row for rows in API.values() for row in rows if row.body is not None and row.wants]:
            for field in FORBIDDEN:
                body = {**row.body, field: 1}  # type: ignore[dict-item]
                answer = shop.client.generic(
                    row.method, f"/{PREFIX}{row.path.format(**things)}", json.dumps(body),
                    content_type="application/json",
                    headers={"Authorization": f"Bearer {shop.key}", "Idempotency-Key": fresh_key()},
                )  # fmt: skip
                if answer.status_code != 400 or answer.json()["fields"].get(field) != "Unknown field.":
                    wrong.append((row.path, field, answer.status_code))
            taking += 1
    assert wrong == []
    assert taking >= 10


@pytest.mark.parametrize(
    "body", ["null", "[]", '"x"', "1", '{"coin": {"id": 1}}', '{"coin": ["TST"]}', '{"coin": null}']
)
def test_a_body_of_another_shape_is_refused(things, alice, body):
    shop = every_scope(alice)
    with nothing_happens():
        for path in ("sends", "addresses", "contacts", "webhooks", "withdrawals", "invoices"):
            answer = shop.client.post(
                f"/api/v1/{path}", body, content_type="application/json",
                headers={"Authorization": f"Bearer {shop.key}", "Idempotency-Key": fresh_key()},
            )  # fmt: skip
            assert answer.status_code == 400, (path, answer.content)


def test_forms_and_the_wordpress_api_leave_what_nobody_may_set_alone(site_row, rich, bob, coin):
    extra = {**dict.fromkeys(FORBIDDEN, "1"), "user": str(bob.pk), "status": "failed", "fee": "0", "kind": "deposit"}
    plugin = Plugin().sign_in(rich)
    said = {"symbol": "TST", "move_toaccount": "bob", "move_amount": "1", **extra}
    assert (
        plugin.act("do_move", **{name: value for name, value in said.items() if name[0] != "_" and name != "version"})[
            "result"
        ]
        == "success"
    )
    at_alice = signed_in(rich)
    at_alice.post("/accounts/preferences/", {**extra, "language": "de", "time_zone": "UTC", "currency": "EUR"})
    at_alice.post("/accounts/name/", {**extra, "username": "other"})
    rich.refresh_from_db()
    assert (rich.is_staff, rich.is_superuser, rich.username) == (False, False, "alice")
    row = Operation.objects.get(incoming=False, kind="move")
    assert (row.user_id, row.status, row.gross) == (rich.pk, "done", 100_000_000)


def test_a_stranger_who_signs_up_gets_the_rights_of_a_new_member_alone(site):
    from accounts.models import User

    words = "a long enough passphrase"
    form = {"email": "eve@example.com", "password1": words, "password2": words, "is_staff": "1", "is_superuser": "1",
            "groups": "1", "username": "root", "is_active": "0", "id": "1"}  # fmt: skip
    Client().post("/accounts/signup/", form)
    eve = User.objects.get(email="eve@example.com")
    assert (eve.is_staff, eve.is_superuser, eve.username) == (False, False, None)
    assert [group.name for group in eve.groups.all()] == ["Holders"]
