from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts import services
from accounts.models import Invitation, User
from tests.accounts.people import STRONG, link_in, sign_in, sign_up, trail
from tests.support.threads import at_once
from wallets_site.base.errors import NotAllowed

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def by_invitation(settings):
    settings.SIGNUP = "invitation"


def invite(manager: User, email: str = "", days: int = 7) -> str:
    _invitation, code = services.make_invitation(actor=manager, email=email, days=days)
    return code


def test_a_person_signs_up_proves_the_mail_signs_in_and_chooses_a_name():
    client = Client()
    assert sign_up(client, "Alice@Example.com")["Location"] == "/accounts/confirm-email/"
    link = link_in(mail.outbox[0], "confirm-email")
    user = User.objects.get()
    assert (user.email, user.username) == ("alice@example.com", None)
    assert list(user.groups.values_list("name", flat=True)) == ["Holders"]

    page = client.get(link)
    assert "alice@example.com" in page.text
    assert not EmailAddress.objects.get().verified, "opening the link alone proves nothing: scanners open links"
    assert client.post(link)["Location"] == "/accounts/login/"
    assert EmailAddress.objects.get().verified
    assert "_auth_user_id" not in client.session, "a mail link signs nobody in"

    assert sign_in(client, user, STRONG)["Location"] == "/accounts/name/"
    assert client.post("/accounts/name/", {"username": "alice"})["Location"] == "/"
    user.refresh_from_db()
    assert user.username == "alice"
    assert trail() == [
        ("alice", "signed_up"),
        ("alice", "email_proven"),
        ("alice", "login"),
        ("alice", "handle_chosen"),
    ]


def test_nobody_signs_in_before_the_mail_is_proven():
    client = Client()
    sign_up(client, "alice@example.com")
    mail.outbox.clear()
    other = Client()
    assert sign_in(other, User.objects.get(), STRONG)["Location"] == "/accounts/confirm-email/"
    assert other.get("/accounts/")["Location"].startswith("/accounts/login/")


def test_a_taken_mail_gets_the_same_answer_and_its_owner_is_told(alice):
    new, taken = Client(), Client()
    answers = [sign_up(new, "new@example.com"), sign_up(taken, alice.email)]
    assert [(a.status_code, a["Location"], a.content) for a in answers] == [(302, "/accounts/confirm-email/", b"")] * 2
    pages = [new.get("/accounts/confirm-email/"), taken.get("/accounts/confirm-email/")]
    assert "new@example.com" in pages[0].text
    assert pages[0].text.replace("new@example.com", alice.email) == pages[1].text
    assert User.objects.count() == 2
    assert [message.to for message in mail.outbox] == [["new@example.com"], [alice.email]]
    assert mail.outbox[1].subject == "Wallets: You have an account already"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short-1", "too short"),
        ("password123", "too common"),
        ("8361940275", "entirely numeric"),
        ("mywalletbitcoin1", "too close to the name of this site"),
        ("alice@example.com", "too similar to the"),
        ("x7" * 513, "longer than 1024 bytes"),
    ],
)
def test_it_refuses_a_weak_password(password, why):
    answer = sign_up(Client(), "alice@example.com", password)
    assert answer.status_code == 200
    assert why in answer.text
    assert User.objects.count() == 0


@pytest.mark.parametrize("password", ["  violet harbour lamp  ", "😀" * 64, "пароль из слов и букв"])
def test_it_takes_any_long_password_byte_for_byte(password):
    sign_up(Client(), "alice@example.com", password)
    assert User.objects.get().check_password(password)


def test_five_sign_ups_an_hour_from_one_address_then_no_more():
    statuses = [sign_up(Client(), f"user{n}@example.com").status_code for n in range(6)]
    assert statuses == [302] * 5 + [429]
    assert User.objects.count() == 5


def test_a_closed_site_takes_nobody(settings):
    settings.SIGNUP = "closed"
    answer = sign_up(Client(), "alice@example.com")
    assert "Sign-up is closed" in answer.text
    assert User.objects.count() == 0


def test_a_site_by_invitation_takes_nobody_without_one(by_invitation):
    answer = sign_up(Client(), "alice@example.com")
    assert "New people join this site by invitation" in answer.text
    assert User.objects.count() == 0


def test_an_invitation_lets_one_person_in(by_invitation, manager):
    client, code = Client(), invite(manager)
    assert client.get(f"/accounts/invitation/{code}/")["Location"] == "/accounts/signup/"
    assert sign_up(client, "new@example.com")["Location"] == "/accounts/confirm-email/"
    user = User.objects.get(email="new@example.com")
    invitation = Invitation.objects.get()
    assert (invitation.used_by, invitation.digest != code) == (user, True)
    assert invitation.used_at is not None

    late = Client()
    late.get(f"/accounts/invitation/{code}/")
    assert "it was used or has expired" in sign_up(late, "late@example.com").text
    assert not User.objects.filter(email="late@example.com").exists()
    assert [what for _who, what in trail()] == ["invitation_made", "invitation_used", "signed_up"]


def test_an_expired_invitation_lets_nobody_in(by_invitation, manager, time_machine_now):
    client, code = Client(), invite(manager, days=1)
    client.get(f"/accounts/invitation/{code}/")
    time_machine_now.shift(86_401)
    assert "it was used or has expired" in sign_up(client, "new@example.com").text
    assert User.objects.count() == 1


def test_an_invitation_for_one_mail_admits_no_other(by_invitation, manager):
    client, code = Client(), invite(manager, email="New@example.com")
    client.get(f"/accounts/invitation/{code}/")
    assert "This invitation is for another e-mail address" in sign_up(client, "other@example.com").text
    assert sign_up(client, "new@example.com").status_code == 302
    assert User.objects.filter(email="new@example.com").exists()


def test_an_invitation_does_not_tell_whose_mail_is_taken(by_invitation, manager, alice):
    """Used on a taken mail it is spent all the same: one that still works would be the answer."""
    client, code = Client(), invite(manager)
    client.get(f"/accounts/invitation/{code}/")
    assert sign_up(client, alice.email)["Location"] == "/accounts/confirm-email/"
    assert Invitation.objects.get().used_at is not None
    assert Invitation.objects.get().used_by is None


@pytest.mark.both_databases
def test_eight_people_with_one_invitation_at_once_make_one_user(site, manager):
    digest = services.digest_of(invite(manager))
    people = [services.create_person(email=f"user{n}@example.com", password=None) for n in range(8)]

    def use(number: int) -> int:
        services.use_invitation(digest=digest, user=people[number])
        return people[number].pk

    answers = at_once(8, use)
    winners = [answer for answer in answers if isinstance(answer, int)]
    refusals = [str(answer) for answer in answers if isinstance(answer, NotAllowed)]
    assert refusals == ["This invitation was used or has expired. Ask for a new one."] * 7
    assert winners == [Invitation.objects.get().used_by_id]


def test_only_who_manages_wallets_invites(alice, manager):
    with pytest.raises(NotAllowed, match="may not manage coins, wallets and settings"):
        services.make_invitation(actor=alice)
    assert Invitation.objects.count() == 0
    assert len(services.make_invitation(actor=manager)[1]) == 22
