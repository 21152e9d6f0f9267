"""Second steps: each code once, the strongest for money, weaker ones at the price of a hold."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from accounts import factors, proof, queries
from accounts.adapter import AccountAdapter
from accounts.models import User
from tests.accounts.people import code_of, enrol, sign_in, signed_in
from tests.accounts.test_proof import request_of
from tests.support.factories import PASSWORD, make_manager
from tests.support.threads import at_once
from wallets_site.base import crypto
from wallets_site.base.errors import ProofRequired

pytestmark = pytest.mark.usefixtures("site")
LOCAL = "django.core.cache.backends.locmem.LocMemCache"
DUMMY = "django.core.cache.backends.dummy.DummyCache"


def add_passkey(user: User) -> Authenticator:
    """A passkey of this person's, without its private half: it can be asked for and never answers."""
    data = {"name": "Phone", "credential": {}}
    return Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=data)


def with_code(user: User, code: str) -> Client:
    client = Client()
    sign_in(client, user)
    client.post("/accounts/2fa/authenticate/", {"code": code})
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# A code works once -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", ["", DUMMY, LOCAL])
@pytest.mark.parametrize("tolerance", [0, 1])
def test_a_code_works_once_whatever_the_cache_and_the_tolerance(
    alice, settings, time_machine_now, backend, tolerance
):  # fmt: skip
    if backend:
        settings.CACHES = {"default": {"BACKEND": backend}}
    settings.MFA_TOTP_TOLERANCE = tolerance
    secret = enrol(alice)
    code = code_of(secret)
    assert is_in(with_code(alice, code))
    assert not is_in(with_code(alice, code))
    time_machine_now.shift(31)
    assert not is_in(with_code(alice, code)), "nor in the next half minute, where a tolerance would take it"


@pytest.mark.both_databases
def test_of_two_who_come_with_one_code_at_once_one_gets_in(alice):
    secret = enrol(alice)
    code = code_of(secret)
    got = at_once(6, lambda _: factors.spend_totp(user_id=alice.pk, secret=secret, code=code))
    assert (got.count(True), got.count(False)) == (1, 5)


def test_the_code_of_a_sign_in_confirms_nothing_afterwards(alice):
    secret = enrol(alice)
    code = code_of(secret)
    client = with_code(alice, code)
    answer = client.post("/accounts/2fa/reauthenticate/", {"code": code, "next": "/accounts/"})
    assert answer.status_code == 200
    assert "Incorrect code" in answer.text


def test_the_code_that_switched_the_app_on_signs_nobody_in(alice):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    code = code_of(secret)
    client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    assert not is_in(with_code(alice, code))


def test_an_earlier_code_than_the_last_is_refused(alice, time_machine_now, settings):
    settings.MFA_TOTP_TOLERANCE = 1
    secret = enrol(alice)
    earlier = code_of(secret)
    time_machine_now.shift(30)
    assert is_in(with_code(alice, code_of(secret)))
    assert not is_in(with_code(alice, earlier))


def test_a_recovery_code_works_once(alice):
    enrol(alice)
    code = RecoveryCodes.activate(alice).get_unused_codes()[0]
    assert is_in(with_code(alice, code))
    assert not is_in(with_code(alice, code))


def test_codes_are_limited_for_each_person_from_all_addresses(alice):
    secret = enrol(alice)
    for number in range(5):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        sign_in(client, alice)
        assert "Incorrect code" in client.post("/accounts/2fa/authenticate/", {"code": "000000"}).text
    client = Client(REMOTE_ADDR="192.0.2.99")
    sign_in(client, alice)
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert "Too many wrong codes" in answer.text
    assert not is_in(client)


# Secrets ---------------------------------------------------------------------------------------------------
def test_the_secret_being_enrolled_lies_encrypted_and_for_ten_minutes(alice, time_machine_now):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    stored = [each.get_decoded() for each in Session.objects.all()]
    assert secret not in str(stored)
    assert crypto.decrypt(client.session["totp_enrolling"]["secret"]) == secret
    time_machine_now.shift(601)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert not Authenticator.objects.filter(user=alice).exists()


def test_once_enrolled_nothing_is_left_in_the_session(alice):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert "totp_enrolling" not in client.session
    rows = Authenticator.objects.filter(user=alice)
    assert {row.type for row in rows} == {"totp", "recovery_codes"}
    assert secret not in str([row.data for row in rows])
    seed = crypto.decrypt(rows.get(type="recovery_codes").data["seed"])
    assert seed not in str([row.data for row in rows])


# Downgrade -------------------------------------------------------------------------------------------------
def test_with_a_passkey_enrolled_the_codes_of_the_app_sign_in_and_move_no_money(alice):
    secret = enrol(alice)
    add_passkey(alice)
    client = with_code(alice, code_of(secret))
    assert is_in(client)
    with pytest.raises(ProofRequired, match="with your passkey or security key") as refusal:
        proof.of_request(request_of(client, alice))
    assert refusal.value.data == {"factor": "mfa"}
    assert [row.reason for row in queries.open_holds(User.objects.get(pk=alice.pk))] == ["weaker_factor"]
    assert mail.outbox[-1].subject == "Wallets: Your second step was replaced by a weaker one"


def test_with_a_passkey_enrolled_a_code_of_the_app_confirms_nothing(alice, time_machine_now):
    secret = enrol(alice)
    add_passkey(alice)
    RecoveryCodes.activate(alice)
    client = with_code(alice, code_of(secret))
    time_machine_now.shift(31)
    answer = client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": "/accounts/"})
    assert "This is not enough here." in answer.text
    for path in ("2fa/totp/deactivate/", "2fa/webauthn/add/", "2fa/recovery-codes/generate/"):
        answer = client.get(f"/accounts/{path}")
        assert answer["Location"].startswith("/accounts/2fa/webauthn/reauthenticate/"), path
    assert Authenticator.objects.filter(user=alice).count() == 3


def test_a_recovery_code_changes_second_steps_but_moves_no_money(alice):
    secret = enrol(alice)
    passkey = add_passkey(alice)
    codes = RecoveryCodes.activate(alice).get_unused_codes()
    client = with_code(alice, code_of(secret))
    client.post("/accounts/2fa/reauthenticate/", {"code": codes[0], "next": "/accounts/"})
    with pytest.raises(ProofRequired):
        proof.of_request(request_of(client, alice))
    client.post(f"/accounts/2fa/webauthn/keys/{passkey.pk}/remove/")
    assert not Authenticator.objects.filter(pk=passkey.pk).exists()
    found = {row.reason for row in queries.open_holds(User.objects.get(pk=alice.pk))}
    assert found == {"weaker_factor", "recovery_code", "factor_changed"}


def test_the_strongest_way_is_offered_first_and_the_password_never(alice):
    enrol(alice)
    RecoveryCodes.activate(alice)
    client = signed_in_before(alice)
    page = client.get("/accounts/2fa/reauthenticate/")
    assert "password" not in page.text.lower()
    add_passkey(alice)
    page = client.get("/accounts/reauthenticate/")
    assert page["Location"] == "/accounts/2fa/webauthn/reauthenticate/"
    offered = [way["description"] for way in AccountAdapter().get_reauthentication_methods(alice)]
    assert [str(way) for way in offered] == ["Use a security key", "Lost it? Use a recovery code"]


def test_the_admin_opens_by_the_strongest_second_step_only(settings, time_machine_now):
    settings.TESTING = False
    manager = make_manager()
    secret = enrol(manager)
    client = with_code(manager, code_of(secret))
    assert client.get("/admin/").status_code == 200
    add_passkey(manager)
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/login/?next=/admin/")["Location"].startswith("/accounts/2fa/webauthn/reauthenticate/")


def test_staff_with_a_password_alone_are_told_to_set_up_a_second_step(settings):
    settings.TESTING = False
    client = signed_in(make_manager())
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "Staff need a second step" in answer.text


def signed_in_before(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
