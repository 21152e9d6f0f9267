from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import User
from tests.accounts.people import STRONG, code_of, enrol, link_in, mail_to, sign_in, signed_in, trail
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("site")


def answer_of(page) -> str:
    """The page without what differs between any two visits, and without the typed address."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page.text)
    return re.sub(r'value="[^"]*@example.com"', "", text)


def test_an_unknown_mail_and_a_wrong_password_get_the_same_answer(alice):
    wrong = sign_in(Client(), alice, "not the password")
    unknown = Client().post("/accounts/login/", {"login": "nobody@example.com", "password": "not the password"})
    assert wrong.status_code == unknown.status_code == 200
    assert "not correct" in wrong.text
    assert answer_of(wrong) == answer_of(unknown)
    assert trail() == [("alice", "login_failed"), ("", "login_failed")]


def test_a_user_name_signs_nobody_in(alice):
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_after_five_wrong_passwords_even_the_right_one_waits(alice):
    for _ in range(5):
        assert "not correct" in sign_in(Client(), alice, "wrong").text
    assert "Too many failed login attempts" in sign_in(Client(), alice).text


def test_the_limit_stands_in_a_cache_all_processes_share(alice, settings):
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


def test_an_inactive_person_is_shut_out_at_once(alice):
    client = signed_in(alice)
    assert client.get("/accounts/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/accounts/")["Location"] == "/accounts/login/?next=/accounts/"
    assert "_auth_user_id" not in sign_in(Client(), alice).client.session


def test_signing_in_gives_a_new_session_and_signing_out_ends_it(alice):
    client = Client()
    client.get("/accounts/login/")
    planted = client.session
    planted["planted"] = 1
    planted.save()
    before = client.session.session_key
    sign_in(client, alice)
    after = str(client.session.session_key)
    assert before != after
    assert client.get("/accounts/logout/").status_code == 200, "a GET asks first"
    assert client.get("/accounts/").status_code == 200
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies["session"] = after
    assert thief.get("/accounts/").status_code == 302
    assert trail() == [("alice", "login"), ("alice", "logout")]


def test_a_reset_for_a_known_and_an_unknown_mail_look_the_same(alice):
    known = Client().post("/accounts/password/reset/", {"email": alice.email})
    unknown = Client().post("/accounts/password/reset/", {"email": "nobody@example.com"})
    assert [(a.status_code, a["Location"]) for a in (known, unknown)] == [(302, "/accounts/password/reset/done/")] * 2
    assert [message.to for message in mail.outbox] == [[alice.email]], "strangers get no mail from us"


def test_a_reset_sets_the_password_once_ends_all_sessions_and_signs_nobody_in(alice):
    elsewhere = signed_in(alice)
    client = Client()
    client.post("/accounts/password/reset/", {"email": alice.email})
    link = link_in(mail.outbox[0], "password/reset/key")
    form = client.get(link)["Location"]
    assert client.post(form, {"password1": STRONG, "password2": STRONG}).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(STRONG)
    assert elsewhere.get("/accounts/").status_code == 302
    assert "_auth_user_id" not in client.session
    assert "This link has expired or was used" in Client().get(link).text
    assert mail.outbox[1].subject == "Wallets: Password Reset"
    assert trail() == [("alice", "login"), ("alice", "password_reset"), ("alice", "payouts_held")]


def test_a_reset_link_dies_after_half_an_hour(alice, time_machine_now):
    Client().post("/accounts/password/reset/", {"email": alice.email})
    time_machine_now.shift(1801)
    assert "This link has expired or was used" in Client().get(link_in(mail.outbox[0], "password/reset/key")).text


def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(alice):
    here, elsewhere = signed_in(alice), signed_in(alice)
    new = {"oldpassword": PASSWORD, "password1": STRONG, "password2": STRONG}
    assert here.post("/accounts/password/change/", new).status_code == 302
    assert here.get("/accounts/").status_code == 200
    assert elsewhere.get("/accounts/").status_code == 302
    assert mail.outbox[-1].subject == "Wallets: Password Changed"
    assert trail()[-2:] == [("alice", "password_changed"), ("alice", "payouts_held")]


def test_the_mail_changes_when_the_new_one_is_proven_and_the_old_one_is_told(alice):
    client = signed_in(alice)
    wanted = {"email": "alice@example.net", "action_add": ""}
    assert (
        client.post("/accounts/email/", wanted)["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    )
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/email/"})
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    link = link_in(mail_to("alice@example.net"), "confirm-email")
    client.post(link)
    alice.refresh_from_db()
    assert alice.email == "alice@example.net"
    assert EmailAddress.objects.get(user=alice).email == "alice@example.net"
    assert mail.outbox[-1].to == ["alice@example.com"]
    assert [what for _, what in trail()] == [
        "login",
        "confirmed_identity",
        "email_change_asked",
        "email_proven",
        "email_changed",
        "payouts_held",
    ]


def test_with_an_authenticator_app_the_password_is_half_a_sign_in(alice):
    secret, client = enrol(alice), Client()
    assert sign_in(client, alice)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/accounts/").status_code == 302
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 302
    assert client.get("/accounts/").status_code == 200
    assert trail() == [("alice", "second_factor_failed"), ("alice", "login")]


def test_a_code_works_once(alice):
    secret, first, second = enrol(alice), Client(), Client()
    code = code_of(secret)
    for client in (first, second):
        sign_in(client, alice)
        client.post("/accounts/2fa/authenticate/", {"code": code})
    assert "_auth_user_id" in first.session
    assert "_auth_user_id" not in second.session


def test_a_reset_password_does_not_get_around_the_second_step(alice):
    enrol(alice)
    client = Client()
    client.post("/accounts/password/reset/", {"email": alice.email})
    form = client.get(link_in(mail.outbox[0], "password/reset/key"))["Location"]
    client.post(form, {"password1": STRONG, "password2": STRONG})
    assert sign_in(client, alice, STRONG)["Location"] == "/accounts/2fa/authenticate/"


def test_second_factor_secrets_do_not_lie_in_clear(alice):
    secret = enrol(alice)
    stored = str(alice.authenticator_set.get().data)
    assert secret not in stored
    assert stored.count("gAAAA") == 1


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(alice, url):
    answer = Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": url})
    assert answer["Location"] == "/"


OPEN = {
    "account_login", "account_signup", "account_logout", "account_inactive", "account_email_verification_sent",
    "account_confirm_email", "account_reset_password", "account_reset_password_done", "accept_invitation",
    "account_reset_password_from_key", "account_reset_password_from_key_done", "mfa_authenticate", "mfa_login_webauthn",
    "account_confirm_login_code", "mfa_trust", "freeze",
}  # fmt: skip


def test_every_other_account_page_sends_a_stranger_to_sign_in(site):
    parameters = {"key": "x", "uidb36": "1", "code": "x", "pk": 1}
    names = {name for name in (*all_names("accounts.urls"), *all_names("allauth.urls")) if name not in OPEN}
    assert len(names) > 15
    for name in sorted(names):
        answer = Client().get(path_of(name, parameters))
        assert (name, answer.status_code) == (name, 302)
        assert answer["Location"].startswith("/accounts/login/"), name


def all_names(module: str) -> list[str]:
    return [str(name) for name in get_resolver(module).reverse_dict if isinstance(name, str)]


def path_of(name: str, parameters: dict[str, object]) -> str:
    wanted = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
    return reverse(name, kwargs={key: parameters[key] for key in wanted})
