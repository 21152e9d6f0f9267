"""The site's rules hold for programs of the REST API and of the WordPress API, each told in its own form."""

from __future__ import annotations

import pytest

from ledger.models import Operation, PolicyDecision
from tests.api.callers import every_scope
from tests.api3.client import Plugin
from tests.api3.conftest import change
from tests.support.money import balances, fund, make_coin
from tests.support.policy import in_force


@pytest.fixture
def coin(site, alice):
    made = make_coin()
    fund(alice, made, 1_000)
    change(confirm_move_user=False, confirm_withdraw_user=False, confirm_withdraw_admin=False)
    return made


def test_rest_refuses_what_a_rule_blocks_and_says_why(coin, alice, bob, manager):
    shop = every_scope(alice)
    in_force(manager, {"verdict": "block", "initiators": ["api_key"], "words": "Ask us first."})
    answer = shop.post("sends", {"coin": "TST", "to": "bob", "amount": "0.00000010"})
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert "Ask us first." in answer.json()["detail"]
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]
    assert PolicyDecision.objects.get().inputs["initiator"] == "api_key"


def test_rest_says_that_a_payment_waits(coin, alice, bob, manager):
    shop = every_scope(alice)
    in_force(manager, {"verdict": "wait", "hours": 5})
    answer = shop.post("sends", {"coin": "TST", "to": "bob", "amount": "0.00000010"})
    assert answer.status_code == 201
    assert answer.json()["status"] == "unconfirmed"
    assert balances(coin, alice, bob) == [(990, 10), (0, 0)]


def test_the_wordpress_api_refuses_in_its_envelope(coin, alice, bob, manager):
    client = Plugin().sign_in(alice)
    in_force(manager, {"verdict": "block", "initiators": ["v3"], "words": "Ask us first."})
    said = client.move(str(bob.pk), "0.00000010")
    assert said["result"] == "error"
    assert "Ask us first." in said["message"]
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_the_wordpress_api_reserves_what_waits(coin, alice, bob, manager):
    client = Plugin().sign_in(alice)
    in_force(manager, {"verdict": "people", "people": 2})
    assert client.move(str(bob.pk), "0.00000010")["result"] == "success"
    assert Operation.objects.get(incoming=False, kind="move").status == "unconfirmed"
    assert balances(coin, alice, bob) == [(990, 10), (0, 0)]
