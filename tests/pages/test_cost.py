"""What a page costs: as many statements however much there is, and little to load."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from adapters.demo import encode_address
from ledger.services import contacts, purses, webhooks
from tests.api.callers import Program
from tests.support.lightning import COIN, ask, fill, lightning_coin
from tests.support.money import address_of, chain, proof_of, scan_now, send

HEAVIEST = 120 * 1024
MOST = 40  # statements of any page; of those that people keep open, exactly
OPEN_ALL_DAY = {"/": 15, "/activity/": 10, "/activity/?kind=move": 10, "/live/?after=x": 7}
PAGES = [
    "/", "/home/live/", "/activity/", "/activity/?kind=move", "/activity/live/", "/notifications/", "/contacts/",
    "/keys/", "/webhooks/", "/webhooks/{webhook}/", "/webhooks/invoices/", "/purses/",
    "/receive/TST/", "/receive/LNBTC/", "/send/TST/",
    "/send/TST/lookup/?to=bob&amount=1", "/statements/", "/status/", "/rates/", "/accounts/", "/accounts/security/",
    "/privacy/", "/live/?after=x",
]  # fmt: skip


def more(coin, lightning, alice, times: int) -> None:
    for number in range(times):
        send(alice, coin, "bob", 1_000)
        key = Program(alice, "read").row.pk
        contacts.add(user=alice, label=f"Cold {key}", to=encode_address("tst", bytes([key]) * 20), coin=coin)
        webhooks.test(user=alice, webhook_id=alice.webhooks.get().pk, key=f"t{key}")
        webhooks.push_once(
            user_id=alice.pk, url="https://shop.example/", name="payment", subject="x", body={}, key=f"{key}"
        )
        purses.open_purse(user=alice, name=f"Shop {number}")
        ask(alice, lightning, COIN, memo="Tea")
    for _ in range(times):
        chain(coin).mint(address_of(alice, coin), 1_000)
    scan_now(coin)


@pytest.fixture
def counted(coin, rich, bob, at_alice, django_assert_num_queries_of):
    lightning = lightning_coin()
    fill(rich, lightning, 5 * COIN)
    webhook, _ = webhooks.create(user=rich, url="https://example.com/", proof=proof_of(rich), key="k")

    def statements() -> dict[str, int]:
        found = {}
        for path in (page.format(webhook=webhook.pk) for page in PAGES):
            with django_assert_num_queries_of() as watched:
                assert at_alice.get(path).status_code == 200, path
            found[path] = len(watched.statements)
        return found

    more(coin, lightning, rich, 2)
    statements()  # what is remembered by a process is remembered now
    few = statements()
    more(coin, lightning, rich, 6)
    statements()  # and what is new was seen
    return few, statements()


def test_no_page_takes_more_statements_however_much_there_is(counted):
    few, many = counted
    assert {path: (few[path], count) for path, count in many.items() if count > few[path]} == {}
    assert max(many.values()) <= MOST, many
    assert {path: many[path] for path in OPEN_ALL_DAY} == OPEN_ALL_DAY


@pytest.mark.parametrize("path", ["/accounts/login/", "/", "/send/TST/"])
def test_a_first_visit_is_light_with_everything_it_loads(coin, rich, at_alice, path):
    page = (Client() if "login" in path else at_alice).get(path).content
    files = sorted(set(re.findall(r'(?:src|href)="/static/([^"#?]+)', page.decode())))
    bodies = [page, *(Path(str(finders.find(name))).read_bytes() for name in files)]

    weight = sum(len(gzip.compress(body, 6)) for body in bodies)

    assert len(files) >= 5
    assert weight <= HEAVIEST, f"{weight / 1024:.0f} KB: {files}"
