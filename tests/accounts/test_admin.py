from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import AuditEvent, Invitation, User
from tests.accounts.people import code_of, enrol, link_in, sign_in, signed_in, trail
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def boss(site) -> User:
    user = make_user("boss", staff=True)
    User.objects.update(is_superuser=True)
    user.refresh_from_db()
    return user


@pytest.fixture
def in_production(settings):
    settings.TESTING = settings.DEMO = False


def form_of(page, **changes: object) -> dict[str, object]:
    """The change form as a browser would send it back."""
    form = page.context["adminform"].form
    return {**{name: value for name, value in form.initial.items() if name in form.fields}, **changes}


def test_a_stranger_is_sent_to_the_sign_in_of_everybody_and_comes_back(boss):
    client = Client()
    first = client.get("/admin/accounts/user/", follow=True)
    assert first.redirect_chain[-1][0] == "/accounts/login/?next=/admin/accounts/user/"
    data = {"login": boss.email, "password": PASSWORD, "next": "/admin/accounts/user/"}
    assert client.post("/accounts/login/", data)["Location"] == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200


def test_who_is_not_staff_gets_no_admin_and_no_loop(alice):
    client = signed_in(alice)
    assert client.get("/admin/", follow=True).status_code == 403


def test_staff_without_a_second_factor_are_told_how_to_get_one(in_production, boss):
    client = signed_in(boss)
    page = client.get("/admin/", follow=True)
    assert page.status_code == 403
    assert "Staff need a second step" in page.text
    assert "/accounts/2fa/" in page.text
    assert "The administration opens to you once you" in client.get("/accounts/").text


def test_staff_who_have_one_must_use_it_in_this_session(in_production, boss):
    client = signed_in(boss)
    secret = enrol(boss)
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2F"
    answer = client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_staff_who_sign_in_with_both_factors_are_let_in(in_production, boss):
    client, secret = Client(), enrol(boss)
    sign_in(client, boss)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200


def test_staff_cannot_drop_their_last_factor(in_production, boss):
    client, secret = Client(), enrol(boss)
    sign_in(client, boss)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    client.post("/accounts/2fa/totp/deactivate/")
    assert boss.authenticator_set.count() == 1


def test_a_demo_asks_staff_for_no_second_factor(in_production, settings, boss):
    settings.DEMO = True
    client = signed_in(boss)
    assert client.get("/admin/").status_code == 200
    assert "The administration opens to you once you" not in client.get("/accounts/").text


def test_the_admin_has_no_password_page_of_its_own(boss):
    assert signed_in(boss).get("/admin/password_change/")["Location"] == "/accounts/password/change/"


def test_the_page_of_a_person_shows_no_password_hash(boss, alice):
    page = signed_in(boss).get(f"/admin/accounts/user/{alice.pk}/change/")
    assert page.status_code == 200
    assert "alice@example.com" in page.text
    assert alice.password not in page.text
    assert "argon2" not in page.text
    assert "password" not in page.context["adminform"].form.fields


def test_nobody_is_deleted(boss, alice):
    client = signed_in(boss)
    assert client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/accounts/user/", {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"})
    assert User.objects.count() == 2


def test_staff_add_a_person_who_still_proves_the_mail(boss):
    client = signed_in(boss)
    strong = "violet-harbour-42-lamp"
    answer = client.post(
        "/admin/accounts/user/add/", {"email": "Dora@example.com", "password1": strong, "password2": strong}
    )
    dora = User.objects.get(email="dora@example.com")
    assert answer.status_code == 302
    assert dora.check_password(strong)
    assert [group.name for group in dora.groups.all()] == ["Holders"]
    assert not EmailAddress.objects.get(user=dora).verified
    assert sign_in(Client(), dora, strong)["Location"] == "/accounts/confirm-email/"
    assert ("boss", "person_added") in trail()


def test_the_add_form_refuses_a_taken_mail_and_a_weak_password(boss, alice):
    page = signed_in(boss).post(
        "/admin/accounts/user/add/", {"email": "ALICE@example.com", "password1": "short", "password2": "short"}
    )
    assert "There is an account with this e-mail" in page.text
    assert "too short" in page.text
    assert User.objects.count() == 2


def test_who_may_do_everything_gives_rights_and_it_is_noted(boss, alice):
    client = signed_in(boss)
    url = f"/admin/accounts/user/{alice.pk}/change/"
    operators = Group.objects.get(name="Operators")
    assert client.post(url, form_of(client.get(url), groups=[operators.pk], is_staff="on")).status_code == 302
    alice.refresh_from_db()
    assert alice.is_staff
    assert list(alice.groups.all()) == [operators]
    event = AuditEvent.objects.latest("pk")
    assert (event.who, event.what, event.object) == (boss, "person_changed", f"user {alice.pk}")
    assert set(event.data["fields"]) == {"is_staff", "groups"}


def test_an_operator_cannot_make_anybody_a_manager(manager, alice):
    client = signed_in(manager)
    for person in (manager, alice):
        url = f"/admin/accounts/user/{person.pk}/change/"
        assert client.get(url).status_code == 200
        client.post(url, {"is_superuser": "on", "is_staff": "on", "groups": [], "email": "x@example.com"})
        person.refresh_from_db()
        assert not person.is_superuser
        assert person.email.endswith("@example.com")
        assert person.email != "x@example.com"
    assert not alice.is_staff
    assert client.get("/admin/auth/group/add/").status_code == 403


def test_shutting_out_ends_the_session_and_letting_in_again_works(boss, alice):
    staff, client = signed_in(boss), signed_in(alice)
    staff.post("/admin/accounts/user/", {"action": "shut_out", "_selected_action": [alice.pk]})
    assert client.get("/accounts/").status_code == 302
    staff.post("/admin/accounts/user/", {"action": "let_in", "_selected_action": [alice.pk]})
    assert signed_in(alice).get("/accounts/").status_code == 200
    assert ("boss", "person_deactivated") in trail()
    assert ("boss", "person_activated") in trail()


def test_nobody_shuts_out_themselves_and_an_operator_no_manager(boss, manager):
    client = signed_in(manager)
    data = {"action": "shut_out", "_selected_action": [boss.pk, manager.pk]}
    page = client.post("/admin/accounts/user/", data, follow=True)
    assert "Only a manager of the whole site may switch this account" in page.text
    assert "You cannot switch your own account" in page.text
    assert User.objects.filter(is_active=True).count() == 2


def test_an_invitation_link_is_shown_once(boss):
    client = signed_in(boss)
    page = client.post("/admin/accounts/invitation/add/", {"email": "", "days": "7"})
    link = page.context["link"]
    assert page.text.count(link) == 1
    code = link.rstrip("/").rsplit("/", 1)[1]
    assert Client().get(f"/accounts/invitation/{code}/")["Location"] == "/accounts/signup/"
    invitation = Invitation.objects.get()
    for path in ("", f"{invitation.pk}/change/"):
        assert code not in client.get(f"/admin/accounts/invitation/{path}").text
    assert code not in str(AuditEvent.objects.values_list("data", "object"))
    assert ("boss", "invitation_made") in trail()


@pytest.mark.parametrize("days", ["0", "-1", "91", "x", ""])
def test_an_invitation_has_an_end_in_sight(boss, days):
    signed_in(boss).post("/admin/accounts/invitation/add/", {"email": "", "days": days})
    assert Invitation.objects.count() == 0


def test_the_trail_is_there_to_read_and_to_filter(boss, alice):
    client = signed_in(boss)
    signed_in(alice)
    assert "alice" in client.get("/admin/accounts/auditevent/?what=login").text
    event = AuditEvent.objects.latest("pk")
    page = f"/admin/accounts/auditevent/{event.pk}"
    assert client.get(f"{page}/change/").status_code == 200
    assert client.post(f"{page}/change/", {"what": "x"}).status_code == 403
    assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/accounts/auditevent/add/").status_code == 403


def test_secrets_and_addresses_of_people_are_no_business_of_the_admin():
    names = {model._meta.label for model in admin.site._registry}
    assert "accounts.User" in names
    assert not names & {
        "mfa.Authenticator",
        "account.EmailAddress",
        "account.EmailConfirmation",
        "usersessions.UserSession",
    }


def test_links_in_mails_name_the_host_that_was_asked(alice, mailoutbox):
    Client().post("/accounts/password/reset/", {"email": alice.email}, headers={"host": "evil.example"})
    assert mailoutbox == []
    Client().post("/accounts/password/reset/", {"email": alice.email}, headers={"host": "127.0.0.1"})
    assert link_in(mailoutbox[0], "password/reset/key").startswith("/accounts/")
