"""Payouts wait after a change of what opens an account; only two others can end the wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import holds, queries
from accounts.models import AuditEvent, PayoutHold, User
from tests.accounts.people import STRONG, code_of, enrol, link_in, mail_to, sign_in, signed_in
from tests.support.factories import PASSWORD, make_manager
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, PayoutsHeld, WrongState

pytestmark = pytest.mark.usefixtures("site")
Reason = PayoutHold.Reason


@pytest.fixture
def second(site):
    return make_manager("second")


def hours_left(user: User) -> list[tuple[str, int]]:
    rows = queries.open_holds(User.objects.get(pk=user.pk)).order_by("pk")
    return [(row.reason, round((row.until - now()) / timedelta(hours=1))) for row in rows]


def test_who_changed_nothing_is_asked_about_without_a_statement(alice, django_assert_num_queries_of):
    with django_assert_num_queries_of() as seen:
        assert queries.payout_hold(alice) is None
        holds.demand_payouts(alice)
        holds.demand_not_frozen(alice)
    assert seen.statements == []


def test_a_changed_password_holds_payouts_for_a_day(alice):
    new = {"oldpassword": PASSWORD, "password1": STRONG, "password2": STRONG}
    signed_in(alice).post("/accounts/password/change/", new)
    assert hours_left(alice) == [("password_changed", 24)]


def test_a_reset_password_holds_payouts_for_a_day(alice):
    client = Client()
    client.post("/accounts/password/reset/", {"email": alice.email})
    form = client.get(link_in(mail.outbox[0], "password/reset/key"))["Location"]
    client.post(form, {"password1": STRONG, "password2": STRONG})
    assert hours_left(alice) == [("password_reset", 24)]


def test_a_changed_mail_holds_payouts_for_a_day(alice):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/email/"})
    client.post("/accounts/email/", {"email": "alice@example.net", "action_add": ""})
    assert hours_left(alice) == [], "asking changes nothing yet"
    client.post(link_in(mail_to("alice@example.net"), "confirm-email"))
    assert hours_left(alice) == [("email_changed", 24)]


def test_the_hold_ends_by_itself(alice, time_machine_now):
    holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    time_machine_now.shift(24 * 3600 - 5)
    with pytest.raises(PayoutsHeld):
        holds.demand_payouts(alice)
    time_machine_now.shift(6)
    holds.demand_payouts(alice)
    assert queries.payout_hold(alice) is None


def test_a_refusal_says_why_and_until_when(alice):
    hold = holds.place(user=alice, reason=Reason.RECOVERY_CODE)
    with pytest.raises(PayoutsHeld, match=r"Payouts wait until .* UTC, because a recovery code was used\.") as refusal:
        holds.demand_payouts(alice)
    assert refusal.value.data == {"until": hold.until.isoformat(), "reason": "recovery_code"}
    assert (refusal.value.code, refusal.value.status) == ("payouts_held", 403)


def test_a_shorter_hold_does_not_end_a_longer_one(alice):
    longer = holds.place(user=alice, reason=Reason.RECOVERY_CODE)
    holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    assert alice.held_until == longer.until
    assert hours_left(alice) == [("recovery_code", 72), ("password_changed", 24)]


def test_two_others_lift_it_together(alice, manager, second):
    hold = holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    holds.ask_lift(actor=manager, hold_id=hold.pk, reason="She called from the number we know.")
    with pytest.raises(NotAllowed, match="Somebody else must confirm"):
        holds.lift(actor=manager, hold_id=hold.pk)
    alice.refresh_from_db()
    with pytest.raises(PayoutsHeld):
        holds.demand_payouts(alice)
    holds.lift(actor=second, hold_id=hold.pk)
    alice.refresh_from_db()
    assert alice.held_until is None
    assert hours_left(alice) == []
    assert list(AuditEvent.objects.order_by("pk").values_list("who__username", "what")) == [
        ("alice", "payouts_held"), ("manager", "hold_lift_asked"), ("second", "hold_lifted"),
    ]  # fmt: skip


def test_lifting_one_hold_leaves_the_others(alice, manager, second):
    short = holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    long = holds.place(user=alice, reason=Reason.RECOVERY_CODE)
    holds.ask_lift(actor=manager, hold_id=long.pk, reason="known")
    holds.lift(actor=second, hold_id=long.pk)
    alice.refresh_from_db()
    assert alice.held_until == short.until


def test_nobody_lifts_their_own_hold_nor_one_that_is_over(manager, second):
    own = holds.place(user=manager, reason=Reason.PASSWORD_CHANGED)
    for act in (lambda: holds.ask_lift(actor=manager, hold_id=own.pk, reason="it was me"),
                lambda: holds.lift(actor=manager, hold_id=own.pk)):  # fmt: skip
        with pytest.raises(NotAllowed, match="your own account"):
            act()
    with pytest.raises(WrongState, match="Nobody has asked"):
        holds.lift(actor=second, hold_id=own.pk)
    with pytest.raises(NotFound):
        holds.lift(actor=second, hold_id=own.pk + 1)
    with pytest.raises(InvalidRequest):
        holds.ask_lift(actor=second, hold_id=own.pk, reason=" ")
    PayoutHold.objects.update(until=now())
    with pytest.raises(WrongState, match="ended already"):
        holds.ask_lift(actor=second, hold_id=own.pk, reason="late")


def test_a_member_lifts_nothing(alice, bob):
    hold = holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    with pytest.raises(NotAllowed):
        holds.ask_lift(actor=bob, hold_id=hold.pk, reason="a friend")
    with pytest.raises(NotAllowed):
        holds.lift(actor=bob, hold_id=hold.pk)


@pytest.mark.both_databases
def test_the_database_itself_wants_two_others(alice, bob, manager):
    hold = holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    for asked, lifted in ((None, bob), (bob, bob), (alice, bob), (bob, alice)):
        with pytest.raises(IntegrityError), transaction.atomic():
            PayoutHold.objects.filter(pk=hold.pk).update(asked_by=asked, lifted_by=lifted, lifted_at=now())


def test_the_security_page_tells_the_owner(alice):
    client = signed_in(alice)
    assert "Payouts wait" not in client.get("/accounts/security/").text
    holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    page = client.get("/accounts/security/").text
    assert "because the password was changed." in page
    assert "/lift" not in page


def test_the_admin_asks_one_and_lifts_by_another(alice, manager, second):
    hold = holds.place(user=alice, reason=Reason.PASSWORD_CHANGED)
    first, other = signed_in(manager), signed_in(second)
    listed = first.get("/admin/accounts/payouthold/")
    assert "Payouts of 1 people wait." in listed.text
    assert f"/admin/accounts/payouthold/{hold.pk}/ask/" in listed.text
    first.post(f"/admin/accounts/payouthold/{hold.pk}/ask/", {"reason": "She came by."})
    refused = first.post(f"/admin/accounts/payouthold/{hold.pk}/lift/", follow=True)
    assert "Somebody else must confirm" in refused.text
    assert "She came by." in other.get(f"/admin/accounts/payouthold/{hold.pk}/lift/").text
    assert "Lifted." in other.post(f"/admin/accounts/payouthold/{hold.pk}/lift/", follow=True).text
    assert hours_left(alice) == []
    assert signed_in(alice).get("/admin/accounts/payouthold/").status_code in (302, 403)


def test_a_recovery_code_signs_in_and_holds_payouts_for_three_days(alice):
    enrol(alice)
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    code = RecoveryCodes.activate(alice).get_unused_codes()[0]
    client = Client()
    sign_in(client, alice)
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert "_auth_user_id" in client.session
    assert hours_left(alice) == [("recovery_code", 72)]


def test_adding_and_removing_a_second_step_holds_payouts_once_each(alice, time_machine_now):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert hours_left(alice) == [("factor_changed", 24)]
    time_machine_now.shift(31)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    client.post("/accounts/2fa/totp/deactivate/")
    assert hours_left(alice) == [("factor_changed", 24)] * 2
