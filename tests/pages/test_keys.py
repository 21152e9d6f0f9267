"""The pages of keys: made by who proves who they are, shown once, revoked at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import ApiKey
from tests.accounts.people import signed_in
from tests.api.callers import Program
from wallets_site.base.clock import now

FORM = {"name": "Shop", "scopes": ["read", "send"], "days": "90", "addresses": "192.0.2.0/24, 2001:db8::1", "key": "k"}


def key_in(page: str) -> str:
    found = re.search(r"wk_[A-Za-z0-9_-]{43}", page)
    assert found, page
    return found[0]


def test_a_key_is_made_shown_once_and_works_until_it_is_revoked(coin, alice, at_alice):
    empty = at_alice.get("/keys/").content.decode()
    assert "No keys yet" in empty
    made = at_alice.post("/keys/new/", {**FORM, "addresses": "", "cap_TST": "0.5"})
    key = key_in(made.content.decode())
    assert "no-store" in made["Cache-Control"]
    row = ApiKey.objects.get()
    assert (row.scopes, row.addresses, row.caps.get().daily) == (["read", "send"], [], 50_000_000)
    assert row.expires_at is not None
    assert timedelta(days=90) <= row.expires_at - now() <= timedelta(days=91)

    again = at_alice.post("/keys/new/", {**FORM, "addresses": "", "cap_TST": "0.5"}).content.decode()
    assert "was made before and shown then" in again
    page = at_alice.get("/keys/").content.decode()
    assert row.prefix in page
    assert key not in page + again

    headers = {"Authorization": f"Bearer {key}"}
    assert Client().get("/api/v1/accounts", headers=headers).status_code == 200
    assert at_alice.post(f"/keys/{row.pk}/revoke/").status_code == 302
    assert Client().get("/api/v1/accounts", headers=headers).status_code == 401
    assert "Revoked" in at_alice.get("/keys/").content.decode()


def test_who_signed_in_long_ago_confirms_first_and_finds_what_was_typed(coin, clock, alice):
    browser = signed_in(alice)
    clock.shift(timedelta(minutes=6))
    for answer in (browser.get("/keys/new/"), browser.post("/keys/new/", FORM)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/?next=%2Fkeys%2Fnew%2F")
    assert ApiKey.objects.count() == 0
    clock.shift(timedelta(minutes=-6))
    page = browser.get("/keys/new/?name=Shop&scopes=send&days=30").content.decode()
    assert 'value="Shop"' in page
    assert re.search(r'value="send"[^>]*checked', page)
    assert not re.search(r'value="withdraw"[^>]*checked', page)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "Give a name."), ({"scopes": []}, "Choose at least one."), ({"scopes": ["all"]}, "not one of"),
        ({"addresses": "nowhere"}, "is no IP address"), ({"cap_TST": "1e3"}, "amount"), ({"days": "7"}, "not one of"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_and_what_was_typed_is_kept(coin, at_alice, typed, said):
    page = at_alice.post("/keys/new/", {**FORM, "addresses": "", **typed}).content.decode()
    assert said in page
    assert ApiKey.objects.count() == 0
    assert typed.get("name") == "" or 'value="Shop"' in page


def test_a_hostile_name_is_text(coin, at_alice):
    page = at_alice.post("/keys/new/", {**FORM, "name": "<script>alert(1)</script>"}).content.decode()
    page += at_alice.get("/keys/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_somebody_elses_key_cannot_be_revoked(coin, alice, at_bob):
    row = Program(alice, "read").row
    assert at_bob.post(f"/keys/{row.pk}/revoke/").status_code == 404
    assert row.prefix not in at_bob.get("/keys/").content.decode()
    row.refresh_from_db()
    assert row.revoked_at is None
