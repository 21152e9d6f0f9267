"""Sessions: new keys, ends by time, ends elsewhere; browsers that are known, and those that are not."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from accounts import devices
from accounts.models import User
from tests.accounts.people import STRONG, code_of, enrol, sign_in, signed_in
from tests.support.factories import PASSWORD, make_manager

pytestmark = pytest.mark.usefixtures("site")


def key_of(client: Client) -> str:
    return str(client.session.session_key)


def is_in(client: Client) -> bool:
    return client.get("/accounts/").status_code == 200


# Fixation --------------------------------------------------------------------------------------------------
def test_confirming_gives_the_session_a_new_key_and_the_old_one_is_dead(alice):
    client = signed_in(alice)
    before = key_of(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/"})
    assert key_of(client) != before
    assert is_in(client)
    thief = Client()
    thief.cookies["session"] = before
    assert not is_in(thief)
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [key_of(client)]


def test_a_planted_session_cookie_is_not_the_one_that_gets_in(alice):
    planted = Client()
    planted.get("/accounts/login/")
    planted.session.save()
    victim = Client()
    victim.cookies["session"] = "0" * 32
    sign_in(victim, alice)
    assert key_of(victim) != "0" * 32
    thief = Client()
    thief.cookies["session"] = "0" * 32
    assert not is_in(thief)


def test_the_second_step_gives_a_new_key_too(alice):
    secret, client = enrol(alice), Client()
    sign_in(client, alice)
    half = key_of(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert key_of(client) != half
    thief = Client()
    thief.cookies["session"] = half
    assert not is_in(thief)


def test_a_planted_csrf_cookie_is_replaced_at_sign_in(alice):
    client = Client()
    client.cookies["csrf"] = "a" * 32
    sign_in(client, alice)
    assert client.cookies["csrf"].value != "a" * 32


# Factors and others ------------------------------------------------------------------------------------------
def test_adding_and_removing_a_second_step_ends_the_other_sessions(alice, time_machine_now):
    here, elsewhere = signed_in(alice), signed_in(alice)
    here.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = here.get("/accounts/2fa/totp/activate/").context["form"].secret
    here.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert UserSession.objects.filter(user=alice).count() == 1
    time_machine_now.shift(31)
    sign_in(elsewhere, alice)
    elsewhere.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert is_in(elsewhere)
    time_machine_now.shift(31)
    here.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    here.post("/accounts/2fa/totp/deactivate/")
    assert (is_in(here), is_in(elsewhere)) == (True, False)


# Time --------------------------------------------------------------------------------------------------------
def test_half_an_hour_without_use_ends_a_session_and_the_page_says_why(alice, time_machine_now):
    client = signed_in(alice)
    time_machine_now.shift(29 * 60)
    assert is_in(client)
    time_machine_now.shift(29 * 60)
    assert is_in(client), "use begins the half hour anew"
    time_machine_now.shift(31 * 60)
    page = client.get("/accounts/", follow=True)
    assert "You were signed out, because nothing happened for a while." in page.text
    assert not is_in(client)


def test_a_page_that_asks_by_itself_keeps_no_session_alive(alice, time_machine_now):
    client = signed_in(alice)
    for _ in range(4):
        time_machine_now.shift(9 * 60)
        client.get("/live/?after=0")
    assert not is_in(client)


def test_twelve_hours_end_a_session_whatever_was_done(alice, time_machine_now):
    client = signed_in(alice)
    for _ in range(28):
        time_machine_now.shift(25 * 60)
        assert is_in(client)
    time_machine_now.shift(21 * 60)
    assert not is_in(client)


def test_staff_work_under_shorter_terms(time_machine_now):
    client = signed_in(make_manager())
    time_machine_now.shift(14 * 60)
    assert is_in(client)
    time_machine_now.shift(16 * 60)
    assert not is_in(client)


# Known browsers ----------------------------------------------------------------------------------------------
def test_a_stranger_locks_nobody_out_of_a_browser_they_used_before(alice):
    known = signed_in(alice)
    known.post("/accounts/logout/")
    for number in range(6):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), alice, "wrong")
    assert "Too many failed login attempts" in sign_in(Client(REMOTE_ADDR="192.0.2.99"), alice).text
    assert sign_in(known, alice).status_code == 302
    assert is_in(known)


def test_a_known_browser_has_five_tries_of_its_own(alice):
    known = signed_in(alice)
    known.post("/accounts/logout/")
    for _ in range(5):
        assert "not correct" in sign_in(known, alice, "wrong").text
    assert "Too many failed login attempts" in sign_in(known, alice).text
    assert sign_in(Client(REMOTE_ADDR="192.0.2.1"), alice).status_code == 302, "and locks nobody else out"


@pytest.mark.parametrize("spoil", ["forged", "another's", "old password"])
def test_a_cookie_that_is_not_right_gives_no_bucket_of_its_own(alice, bob, spoil):
    client = signed_in(bob if spoil == "another's" else alice)
    client.post("/accounts/logout/")
    if spoil == "forged":
        client.cookies["device"] = client.cookies["device"].value[:-2] + "xx"
    if spoil == "old password":
        alice.set_password(STRONG)
        alice.save()
    for number in range(5):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), alice, "wrong")
    password = STRONG if spoil == "old password" else PASSWORD
    assert "Too many failed login attempts" in sign_in(client, alice, password).text


def test_the_cookie_opens_nothing_and_scripts_cannot_read_it(alice):
    client = signed_in(alice)
    cookie = client.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    stranger = Client()
    stranger.cookies["device"] = cookie.value
    assert not is_in(stranger)


def test_a_sign_in_with_an_unknown_browser_is_told_by_mail_and_one_with_a_known_is_not(alice):
    known = signed_in(alice)
    assert mail.outbox == [], "the first of all is no news"
    sign_in(known, alice)
    assert mail.outbox == []
    known.post("/accounts/logout/")
    sign_in(known, alice)
    assert mail.outbox == []
    signed_in(alice)
    assert [(message.subject, message.to) for message in mail.outbox] == [
        ("Wallets: New sign-in", ["alice@example.com"])
    ]
    assert "From address: 127.0.0.1" in mail.outbox[0].body


def test_one_browser_knows_five_people_at_most(site):
    client = Client()
    people = [User.objects.create_user(f"p{number}@example.com", PASSWORD) for number in range(6)]
    for person in people:
        request = type("Request", (), {"COOKIES": {name: each.value for name, each in client.cookies.items()}})()
        middleware = devices.KnownDevices(lambda _: HttpResponse())
        devices.remember(request, person)
        client.cookies.update(middleware(request).cookies)
    request = type("Request", (), {"COOKIES": {name: each.value for name, each in client.cookies.items()}})()
    assert [devices.knows(request, person) for person in people] == [False, True, True, True, True, True]
