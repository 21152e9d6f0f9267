"""Real threads through a real web server: whoever is first wins, once."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.models import Invoice, Operation
from tests.support.factories import PASSWORD
from tests.support.lightning import COIN, ask, fill, lightning_coin
from tests.support.live import LiveSite
from tests.support.money import balances, books, charge, fund, send

pytestmark = pytest.mark.both_databases
CALLERS = 16


@pytest.fixture
def busy(site):
    running = LiveSite(site, workers=2, threads=8)
    yield running
    running.stop()


def sign_in(live: LiveSite, user):
    """A session that has just proven its password."""
    visitor = live.visitor()
    answer = visitor.submit("/accounts/login/", login=user.email, password=PASSWORD)
    assert answer.status_code == 200, answer.status_code
    assert "sessionid" in visitor.cookies or "session" in visitor.cookies
    return visitor


def sender(live: LiveSite, user, coin: str = "TST"):
    """A function that posts one payment over the REST API of this person's session."""
    visitor = sign_in(live, user)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get("/").text)
    assert token
    cookies, headers = visitor.cookies.get_dict(), {"X-CSRFToken": token[1], "Referer": live.url + "/"}

    def pay(key: str, amount: str, to: str = "bob"):
        own = live.visitor()
        own.cookies.update(cookies)
        body = {"coin": coin, "to": to, "amount": amount}
        return own.post("/api/v1/sends", json=body, headers={**headers, "Idempotency-Key": key}, timeout=120)

    return pay


def all_at_once(calls):
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(lambda call: call(), calls))


def test_of_50_parallel_spends_of_the_whole_balance_one_succeeds(busy, coin, alice, bob):
    fund(alice, coin, 1_000)
    pay = sender(busy, alice)

    answers = all_at_once([lambda n=n: pay(f"k{n}", "0.00001") for n in range(50)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"insufficient_funds"}
    assert balances(coin, alice, bob) == [(0, 0), (1_000, 0)]
    assert books(coin) == {"hot": -1_000, "user": 1_000}
    assert Operation.objects.filter(kind="move").count() == 2


def test_two_processes_never_overdraw_on_invoices(busy, alice, bob):
    """Each lap the whole balance is spent from every side at once, on another invoice each time."""
    lnbtc = lightning_coin()
    fill(alice, lnbtc, COIN)
    pay = sender(busy, alice, coin="LNBTC")
    for lap in range(3):
        bills = [ask(bob, lnbtc, COIN).bolt11 for _ in range(6)]

        answers = all_at_once(
            [lambda n=n, lap=lap, bills=bills: pay(f"{lap}-{n}", "0.00001", bills[n]) for n in range(6)]
        )

        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
        assert balances(lnbtc, alice, bob) == [(0, 0), (COIN, 0)]
        send(bob, lnbtc, "alice", COIN)
    assert Invoice.objects.exclude(paid_at=None).count() == 3 + 1


def test_the_same_key_50_times_at_once_is_one_payment_and_50_equal_answers(busy, coin, alice, bob):
    fund(alice, coin, 1_000)
    pay = sender(busy, alice)

    answers = all_at_once([lambda: pay("same", "0.000001") for _ in range(50)])

    assert Counter(answer.status_code for answer in answers) == {201: 50}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert balances(coin, alice, bob) == [(900, 0), (100, 0)]


def test_payments_in_both_directions_at_once_never_deadlock(busy, coin, alice, bob):
    charge(coin, "move", fixed=1)
    fund(alice, coin, 10_000)
    fund(bob, coin, 10_000)
    to_bob, to_alice = sender(busy, alice), sender(busy, bob)

    calls = [lambda n=n: to_bob(f"a{n}", "0.000001") for n in range(40)]
    calls += [lambda n=n: to_alice(f"b{n}", "0.000001", "alice") for n in range(40)]
    answers = all_at_once([call for pair in zip(calls[:40], calls[40:], strict=True) for call in pair])

    assert Counter(answer.status_code for answer in answers) == {201: 80}
    assert balances(coin, alice, bob) == [(9_960, 0), (9_960, 0)]
    assert books(coin) == {"hot": -20_000, "user": 19_920, "fee_income": 80}
