"""Somebody tries to take an account over: by its mailbox, by a session, by the staff, by another site's page."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import freeze_links, freezing, helping, holds, queries
from accounts.models import AccessHelp, FreezeLink, User
from tests.accounts.people import STRONG, enrol, link_in, sign_in, signed_in, trail
from tests.support.factories import PASSWORD, make_manager, make_user
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, PayoutsHeld, WrongState

pytestmark = pytest.mark.usefixtures("site")
WAITS = int(helping.WAITS.total_seconds())


@pytest.fixture
def second(site):
    return make_manager("second")


def is_in(client: Client) -> bool:
    return client.get("/accounts/").status_code == 200


def ask_for(client: Client, email: str) -> None:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/email/"})
    client.post("/accounts/email/", {"email": email, "action_add": ""})


def reasons(user: User) -> list[str]:
    return sorted(row.reason for row in queries.open_holds(User.objects.get(pk=user.pk)))


def to(address: str) -> list[mail.EmailMessage]:
    return [message for message in mail.outbox if message.to == [address]]


# Reset by a thief of the mailbox -----------------------------------------------------------------------------
def test_a_link_to_reset_dies_with_its_use_and_so_does_an_older_one(alice):
    for _ in range(2):
        Client().post("/accounts/password/reset/", {"email": alice.email})
    older, newer = (link_in(message, "password/reset/key") for message in mail.outbox[:2])
    client = Client()
    form = client.get(newer)["Location"]
    client.post(form, {"password1": STRONG, "password2": STRONG})
    for link in (older, newer):
        assert "This link has expired or was used" in Client().get(link, follow=True).text


def test_a_link_to_reset_dies_with_the_address_and_with_the_account(alice, bob):
    for user in (alice, bob):
        Client().post("/accounts/password/reset/", {"email": user.email})
    links = [link_in(message, "password/reset/key") for message in mail.outbox]
    User.objects.filter(pk=alice.pk).update(email="alice@example.net")
    EmailAddress.objects.filter(user=alice).update(email="alice@example.net")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    for link, user in zip(links, (alice, bob), strict=True):
        client = Client()
        page = client.get(link, follow=True)
        client.post(page.request["PATH_INFO"], {"password1": STRONG, "password2": STRONG})
        assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_the_page_behind_the_link_hands_its_address_to_no_other_site(alice):
    Client().post("/accounts/password/reset/", {"email": alice.email})
    answer = Client().get(link_in(mail.outbox[0], "password/reset/key"), follow=True)
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer", "origin")
    assert not re.search(r'(?:src|href)="https?://', answer.text)


def test_a_reset_by_a_thief_changes_no_address_makes_no_key_and_moves_nothing_out(alice):
    Client().post("/accounts/password/reset/", {"email": alice.email})
    client = Client()
    form = client.get(link_in(mail.outbox[0], "password/reset/key"))["Location"]
    client.post(form, {"password1": STRONG, "password2": STRONG})
    sign_in(client, alice, STRONG)
    client.post("/accounts/reauthenticate/", {"password": STRONG, "next": "/accounts/email/"})
    refused = client.post("/accounts/email/", {"email": "thief@example.net", "action_add": ""})
    assert "because the password was reset by mail" in refused.text
    assert not EmailAddress.objects.filter(email="thief@example.net").exists()
    with pytest.raises(PayoutsHeld):
        holds.demand_payouts(User.objects.get(pk=alice.pk))


# Another address ---------------------------------------------------------------------------------------------
def test_the_old_address_hears_of_a_change_when_it_is_asked_and_when_it_is_done(alice):
    client = signed_in(alice)
    ask_for(client, "alice@example.net")
    assert [message.subject for message in to("alice@example.com")] == ["Wallets: A new e-mail address was asked for"]
    assert "alice@example.net" in to("alice@example.com")[0].body
    client.post(link_in(to("alice@example.net")[0], "confirm-email"))
    assert User.objects.get(pk=alice.pk).email == "alice@example.net"
    asked, done = to("alice@example.com")
    assert link_in(asked, "freeze") != link_in(done, "freeze")


def test_a_stranger_with_the_link_changes_no_address(alice):
    client = signed_in(alice)
    ask_for(client, "alice@example.net")
    link = link_in(to("alice@example.net")[0], "confirm-email")
    for stranger in (Client(), signed_in(make_user("mallory"))):
        stranger.post(link)
        assert User.objects.get(pk=alice.pk).email == "alice@example.com"
    client.post(link)
    assert User.objects.get(pk=alice.pk).email == "alice@example.net"


def test_a_new_password_drops_a_change_that_waits(alice):
    client = signed_in(alice)
    ask_for(client, "thief@example.net")
    link = link_in(to("thief@example.net")[0], "confirm-email")
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": STRONG, "password2": STRONG})
    client.post(link)
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", flat=True)) == ["alice@example.com"]


def test_a_new_address_gets_no_link_to_reset_for_a_day(alice, time_machine_now):
    client = signed_in(alice)
    ask_for(client, "alice@example.net")
    client.post(link_in(to("alice@example.net")[0], "confirm-email"))
    before = len(mail.outbox)
    known = Client().post("/accounts/password/reset/", {"email": "alice@example.net"})
    assert (known.status_code, known["Location"]) == (302, "/accounts/password/reset/done/")
    assert len(mail.outbox) == before
    time_machine_now.shift(24 * 3600 + 1)
    Client().post("/accounts/password/reset/", {"email": "alice@example.net"})
    assert len(mail.outbox) == before + 1


# The link that stops an account --------------------------------------------------------------------------------
def test_looking_at_the_link_changes_nothing_and_the_button_stops_the_account_once(alice):
    client = signed_in(alice)
    link = freeze_links.new_link(alice, alice.email).removeprefix("http://127.0.0.1:8000")
    for look in (Client().get, Client().head, Client().get):
        answer = look(link)
        assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
        assert "no-store" in answer.headers["Cache-Control"]
    assert User.objects.get(pk=alice.pk).frozen_at is None
    assert is_in(client)
    assert "The account is stopped" in Client().post(link).text
    stopped = User.objects.get(pk=alice.pk)
    assert stopped.frozen_at is not None
    assert reasons(alice) == ["frozen"]
    assert not is_in(client)
    for again in (Client().get(link), Client().post(link)):
        assert (again.status_code, "This link was used already" in again.text) == (404, True)
    assert trail()[-2:] == [("alice", "payouts_held"), ("alice", "account_frozen")]


def test_the_link_is_kept_as_a_digest_and_dies_after_seven_days(alice, time_machine_now):
    link = freeze_links.new_link(alice, alice.email)
    token = link.rstrip("/").rsplit("/", 1)[1]
    assert token not in str(list(FreezeLink.objects.values()))
    time_machine_now.shift(7 * 86_400 + 1)
    assert Client().post(link.removeprefix("http://127.0.0.1:8000")).status_code == 404
    assert User.objects.get(pk=alice.pk).frozen_at is None


def test_a_stopped_account_is_freed_by_two_of_the_staff_only(alice, manager, second):
    freezing.freeze(freeze_links.new_link(alice, alice.email).rstrip("/").rsplit("/", 1)[1])
    hold = queries.open_holds(User.objects.get(pk=alice.pk)).get()
    holds.ask_lift(actor=manager, hold_id=hold.pk, reason="She came by.")
    assert User.objects.get(pk=alice.pk).frozen_at is not None
    holds.lift(actor=second, hold_id=hold.pk)
    freed = User.objects.get(pk=alice.pk)
    assert (freed.frozen_at, freed.held_until) == (None, None)


def test_the_link_drops_a_change_of_address_that_waits(alice):
    client = signed_in(alice)
    ask_for(client, "thief@example.net")
    Client().post(link_in(to("alice@example.com")[0], "freeze"))
    signed_in(alice).post(link_in(to("thief@example.net")[0], "confirm-email"))
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"


def test_every_mail_about_security_has_such_a_link(alice):
    client = signed_in(alice)
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": STRONG, "password2": STRONG})
    sign_in(Client(), alice, STRONG)
    subjects = [message.subject for message in to(alice.email)]
    assert subjects == ["Wallets: Password Changed", "Wallets: New sign-in"]
    assert len({link_in(message, "freeze") for message in to(alice.email)}) == 2


# Let in again by the staff ---------------------------------------------------------------------------------------
def test_two_of_the_staff_and_three_days_take_a_lost_second_step_away(alice, manager, second, time_machine_now):
    enrol(alice)
    client = signed_in_by_force(alice)
    row = helping.ask(actor=manager, email=alice.email, kind="lost_factor", reason="Passport seen.")
    with pytest.raises(NotAllowed, match="Somebody else"):
        helping.agree(actor=manager, help_id=row.pk)
    helping.agree(actor=second, help_id=row.pk)
    assert reasons(alice) == ["help"]
    assert helping.carry_out_due() == 0
    assert Authenticator.objects.filter(user=alice).exists()
    time_machine_now.shift(WAITS + 1)
    assert (helping.carry_out_due(), helping.carry_out_due()) == (1, 0)
    assert not Authenticator.objects.filter(user=alice).exists()
    assert not is_in(client)
    with pytest.raises(PayoutsHeld, match="the staff were asked to let somebody in again"):
        holds.demand_payouts(User.objects.get(pk=alice.pk))
    assert [message.subject for message in to(alice.email)] == [
        "Wallets: Somebody asked us to let them in again",
        "Wallets: In three days somebody is let in again",
        "Wallets: Your account was opened again",
    ]


def test_a_new_address_by_the_staff_is_told_to_both_and_must_be_confirmed(alice, manager, second, time_machine_now):
    row = helping.ask(
        actor=manager, email=alice.email, kind="new_email", new_email="new@example.net", reason="Passport seen."
    )
    helping.agree(actor=second, help_id=row.pk)
    time_machine_now.shift(WAITS + 1)
    helping.carry_out_due()
    assert User.objects.get(pk=alice.pk).email == "new@example.net"
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified")) == [
        ("new@example.net", False)
    ]
    assert [len(to(address)) for address in ("alice@example.com", "new@example.net")] == [3, 3]


@pytest.mark.parametrize("moment", ["asked", "agreed"])
def test_whoever_reads_the_old_mail_stops_it(alice, manager, second, time_machine_now, moment):
    enrol(alice)
    row = helping.ask(actor=manager, email=alice.email, kind="lost_factor", reason="A call.")
    if moment == "agreed":
        helping.agree(actor=second, help_id=row.pk)
    Client().post(link_in(to(alice.email)[-1], "freeze"))
    time_machine_now.shift(WAITS + 1)
    assert helping.carry_out_due() == 0
    assert Authenticator.objects.filter(user=alice).exists()
    assert AccessHelp.objects.get().state == "stopped"


def test_help_is_refused_for_oneself_for_nobody_and_twice(alice, bob, manager, second):
    cases = [
        (manager, manager.email, "lost_factor", "", NotAllowed), (bob, alice.email, "lost_factor", "", NotAllowed),
        (manager, "nobody@example.com", "lost_factor", "", NotFound),
        (manager, alice.email, "magic", "", InvalidRequest),
        (manager, alice.email, "new_email", bob.email, InvalidRequest),
        (manager, alice.email, "new_email", "", InvalidRequest),
        (manager, alice.email, "lost_factor", "x@example.net", InvalidRequest),
        (manager, alice.email, "new_email", "no address", InvalidRequest),
    ]  # fmt: skip
    for actor, email, kind, new_email, refusal in cases:
        with pytest.raises(refusal):
            helping.ask(actor=actor, email=email, kind=kind, reason="x", new_email=new_email)
    helping.ask(actor=manager, email=alice.email, kind="lost_factor", reason="x")
    with pytest.raises(WrongState, match="under way already"):
        helping.ask(actor=second, email=alice.email, kind="lost_factor", reason="x")
    assert mail.outbox[0].to == [alice.email]
    assert len(mail.outbox) == 1


@pytest.mark.both_databases
def test_the_database_itself_wants_two_others_to_let_somebody_in(alice, manager):
    row = helping.ask(actor=manager, email=alice.email, kind="lost_factor", reason="x")
    for change in ({"state": "agreed"}, {"agreed_by": manager}, {"agreed_by": alice}, {"asked_by": alice}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessHelp.objects.filter(pk=row.pk).update(due_at="2030-01-01T00:00:00Z", **change)


def test_the_admin_asks_agrees_and_stops(alice, manager, second):
    first, other = signed_in(manager), signed_in(second)
    first.post("/admin/accounts/accesshelp/ask/", {"email": alice.email, "kind": "lost_factor", "reason": "A call."})
    row = AccessHelp.objects.get()
    assert "Somebody else must confirm" in first.post(f"/admin/accounts/accesshelp/{row.pk}/agree/", follow=True).text
    assert "A call." in other.get(f"/admin/accounts/accesshelp/{row.pk}/agree/").text
    assert "it is done in three days" in other.post(f"/admin/accounts/accesshelp/{row.pk}/agree/", follow=True).text
    other.post(f"/admin/accounts/accesshelp/{row.pk}/stop/")
    assert AccessHelp.objects.get().state == "stopped"


def test_staff_end_all_sessions_of_a_person(alice, manager):
    client = signed_in(alice)
    signed_in(manager).post(
        "/admin/accounts/user/", {"action": "sign_out", "_selected_action": [str(alice.pk)]}, follow=True
    )
    assert not is_in(client)
    assert trail()[-1] == ("manager", "signed_out")


# Where a request says it comes from ------------------------------------------------------------------------------
@pytest.mark.parametrize("forged", [
    {"HTTP_HOST": "evil.example"}, {"HTTP_HOST": "127.0.0.1:80@evil.example"}, {"HTTP_HOST": "evil.example:8000"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "https"},
    {"HTTP_X_ORIGINAL_URL": "/evil"}, {"HTTP_X_FORWARDED_SERVER": "evil.example"},
])  # fmt: skip
def test_no_mail_carries_a_host_that_a_request_named(alice, forged):
    client = Client()
    answer = client.post("/accounts/password/reset/", {"email": alice.email}, **forged)
    if "HTTP_HOST" in forged:
        assert answer.status_code == 400
        assert mail.outbox == []
    else:
        assert re.findall(r"https?://[^/\s]+", str(mail.outbox[0].body)) == [
            "http://127.0.0.1:8000",
            "http://127.0.0.1:8000",
        ]


def test_no_page_lets_itself_be_framed(alice, manager):
    known, staff = signed_in(alice), signed_in(manager)
    pages = [known.get(path) for path in ("/", "/accounts/security/", "/accounts/nothing/", "/send/X/", "/contacts/")]
    pages += [Client().get(path) for path in ("/accounts/login/", "/accounts/freeze/x/", "/api/v1/", "/wp-login.php")]
    pages += [staff.get(path) for path in ("/admin/", "/admin/accounts/user/", "/admin/nothing/")]
    for page in pages:
        policy = page.headers.get("Content-Security-Policy", "")
        assert "frame-ancestors 'none'" in policy, page.request["PATH_INFO"]
        assert page.headers.get("X-Frame-Options") == "DENY", page.request["PATH_INFO"]


def signed_in_by_force(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
