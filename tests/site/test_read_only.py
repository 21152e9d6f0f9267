"""The site can only be read: 503 and why, on all four surfaces, while reading, signing in and the switch go on."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ledger.models import Switch
from ledger.services import rules, switches
from tests.accounts.people import signed_in
from tests.api.callers import every_scope
from tests.api3.client import Plugin
from tests.api_lnbits.client import Program, admin_of, purse_of
from tests.support.factories import PASSWORD
from tests.support.money import balances, fund, make_coin

WHY = "We move to another machine."


@pytest.fixture
def closed(site, alice, manager):
    coin = make_coin()
    fund(alice, coin, 1_000)
    made = switches.turn_on(user=manager, what=Switch.What.READ_ONLY, coin=None, reason=WHY)
    yield coin, made
    Switch.objects.all().delete()
    rules.forget_recent()


def test_pages_answer_503_with_the_reason_and_go_on_being_read(closed, alice):
    browser = signed_in(alice)
    for path in (reverse("preferences"), reverse("contacts"), "/send/TST/", reverse("contacts_lock")):
        answer = browser.post(path, {"label": "x"})
        assert (answer.status_code, answer["Retry-After"]) == (503, "120"), path
        assert WHY in answer.content.decode(), path
        assert answer["Content-Type"].startswith("text/html")
    assert browser.get("/").status_code == browser.get("/activity/").status_code == 200
    alice.refresh_from_db()
    assert alice.contacts_only_since is None


def test_people_can_still_sign_in_and_out(closed, alice):
    browser = Client()
    answer = browser.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert browser.get("/").status_code == 200
    assert browser.post(reverse("account_logout")).status_code == 302


def test_the_rest_api_answers_a_problem(site, alice, bob, manager):
    coin = make_coin()
    fund(alice, coin, 1_000)
    shop = every_scope(alice)
    switches.turn_on(user=manager, what=Switch.What.READ_ONLY, coin=None, reason=WHY)
    answer = shop.post("payments", {"coin": "TST", "to": "bob", "amount": "0.00000001"})
    said = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert (said["code"], said["data"]) == ("read_only", {"reason": WHY})
    assert WHY in said["detail"]
    assert shop.get("coins").status_code == 200
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


@pytest.mark.parametrize("action", ["do_move", "do_withdraw", "do_new_address", "do_reset_apikey"])
def test_the_wordpress_api_answers_its_envelope(site, alice, manager, action):
    make_coin()
    client = Plugin().sign_in(alice)
    switches.turn_on(user=manager, what=Switch.What.READ_ONLY, coin=None, reason=WHY)
    answer = client.get(action, symbol="TST", move_toaccount="manager", move_amount="1")
    said = answer.json()
    assert (answer.status_code, said["result"]) == (503, "error")
    assert WHY in said["message"]
    assert client.ask("get_coins_info")["result"] == "success"


def test_the_lnbits_api_answers_in_its_shape(site, alice, manager, settings):
    settings.LNBITS_PAY_WAIT = 0
    make_coin("LNBTC", 11)
    program: Program = admin_of(purse_of(alice), alice)
    switches.turn_on(user=manager, what=Switch.What.READ_ONLY, coin=None, reason=WHY)
    answer = program.post("/api/v1/payments", {"out": False, "amount": 1})
    said = answer.json()
    assert (answer.status_code, set(said), said["status"]) == (503, {"detail", "message", "status"}, "failed")
    assert WHY in said["detail"]
    assert program.get("/api/v1/wallet").status_code == 200


def test_staff_change_nothing_but_the_switch(closed, manager):
    _coin, standing = closed
    staff = signed_in(manager)
    person = User.objects.create_user("dora@example.com")
    answer = staff.post(reverse("admin:accounts_user_change", args=[person.pk]), {})
    assert answer.status_code == 503
    answer = staff.post(reverse("admin:switch_off", args=[standing.pk]), {"reason": "We are there."})
    assert answer.status_code == 302
    standing.refresh_from_db()
    assert standing.off_by == manager
    assert switches.read_only() is None


def test_another_process_sees_it_within_a_second(site, manager):
    """The question is asked of memory, and of the database at most once a second."""
    assert switches.read_only() is None
    Switch.objects.create(what="read_only", reason=WHY, on_by=manager)
    rules._recent.clear()  # a second later
    assert switches.read_only() is not None
