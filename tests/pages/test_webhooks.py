"""The pages of webhooks: what is called, with which secret, and what became of every message."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from ledger.drains import webhooks as drain
from ledger.models import Push, Webhook
from tests.accounts.people import signed_in
from tests.support.hooks import receiver


@pytest.fixture
def program(settings):
    with receiver() as made:
        settings.WALLETS_WEBHOOK_PRIVATE = [made.place]
        yield made


def test_a_webhook_from_its_form_to_its_end(coin, alice, at_alice, program):
    assert "No webhooks yet" in at_alice.get("/webhooks/").content.decode()
    form = {"url": program.url, "label": "Shop", "names": ["deposit_credited"], "key": "k"}
    made = at_alice.post("/webhooks/new/", form).content.decode()
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", made)
    assert secret
    row = Webhook.objects.get()
    assert (row.url, row.label, row.names) == (program.url, "Shop", ["deposit_credited"])
    assert "was added before" in at_alice.post("/webhooks/new/", form).content.decode()

    here = f"/webhooks/{row.pk}/"
    program.answers = lambda heard: 500
    at_alice.post(f"{here}test/", {"key": "t"})
    drain.deliver()
    page = at_alice.get(here).content.decode()
    assert "It answered with 500." in page
    assert "1 attempt in a row was not taken." in page
    assert secret[0] not in page

    program.answers = lambda heard: 200
    at_alice.post(f"{here}switch/", {"on": "1"})
    at_alice.post(f"{here}messages/{Push.objects.get().pk}/again/")
    drain.deliver()
    assert Push.objects.get().state == "sent"
    assert program.heard[-1].is_signed_by(secret[0])
    assert "2 attempts" in at_alice.get(here).content.decode()

    renewed = re.search(r"whsec_[A-Za-z0-9+/=]+", at_alice.post(f"{here}secret/").content.decode())
    assert renewed
    assert renewed[0] != secret[0]
    at_alice.post(f"{here}switch/", {"on": "0"})
    assert "This webhook is off." in at_alice.get(here).content.decode()
    assert at_alice.post(f"{here}remove/").status_code == 302
    assert Webhook.objects.count() == 0


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://127.0.0.1/", "http://10.0.0.1/", "https://example.com:22/"])
def test_an_address_we_do_not_call_is_said_beside_its_field(coin, at_alice, url):
    page = at_alice.post("/webhooks/new/", {"url": url, "label": "Shop", "key": "k"}).content.decode()
    assert "errorlist" in page
    assert 'value="Shop"' in page
    assert Webhook.objects.count() == 0


def test_who_signed_in_long_ago_confirms_first(coin, clock, alice):
    browser = signed_in(alice)
    clock.shift(timedelta(minutes=6))
    answer = browser.post("/webhooks/new/", {"url": "https://example.com/", "key": "k"})
    assert answer["Location"].startswith("/accounts/reauthenticate/?next=%2Fwebhooks%2Fnew%2F")
    assert Webhook.objects.count() == 0
