"""The pages of webhooks: what is called, with which secret, and what became of every message."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from accounts.capabilities import Capability
from ledger.drains import webhooks as drain
from ledger.models import Push, Webhook
from ledger.services import feed, invoices, purse_payments, purses, webhooks
from tests.accounts.people import signed_in
from tests.support.hooks import receiver
from tests.support.lightning import lightning_coin, node
from tests.support.money import proof_of, scan_now, send
from wallets_site.base.clock import now


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
    assert "1 attempt in a row was not taken. The next one: " in page
    assert secret[0] not in page
    Webhook.objects.update(wait_until=now() - timedelta(seconds=1))
    assert "The next one is due now." in at_alice.get(here).content.decode()

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


def test_messages_are_pushed_again_by_subject_and_by_time(coin, rich, alice, bob, clock, program):
    began, names = now(), ["move_received"]
    row, _secret = webhooks.create(
        user=bob, url=program.url, names=names, proof=proof_of(bob), key="k", known=feed.names()
    )
    here = f"/webhooks/{row.pk}/"
    for amount in (1, 2, 3):
        send(alice, coin, "bob", amount)
        drain.deliver()
        clock.shift(timedelta(hours=1))
    first, second, third = (heard.headers["webhook-id"] for heard in program.forget())
    browser = signed_in(bob)
    subject = webhooks.pushes(bob)[1].subject

    def again(**form) -> list[str]:
        page = browser.post(f"{here}again/", form, follow=True).content.decode()
        heard = told(program)
        count = len(heard)
        assert (f"{count} message" if count else "No message fits.") in page
        return heard

    assert again(subject=subject) == [second]
    since, until = began - timedelta(minutes=5), began + timedelta(minutes=30)
    assert again(since=f"{since:%Y-%m-%dT%H:%M}", until=f"{until:%Y-%m-%dT%H:%M}") == [first]
    assert again(since=f"{since:%Y-%m-%dT%H:%M}") == [first, second, third]
    assert again(since=f"{since:%Y-%m-%dT%H:%M}", subject=subject) == [second]
    assert again(subject="operation:0") == []
    shown = browser.get(f"{here}?subject={subject}").content.decode()
    assert shown.count("move_received") == 3  # what it hears of, and one message with its button
    assert f'value="{subject}"' in shown


def told(program) -> list[str]:
    drain.deliver()
    return [heard.headers["webhook-id"] for heard in program.forget()]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Say of which subject, or since when."),
        ({"until": "2026-01-01T00:00"}, "Say of which subject, or since when."),
        ({"since": "yesterday"}, "Enter a valid date/time."),
        ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "This is before the beginning."),
        ({"subject": "x" * 61}, "at most 60 characters"),
    ],
)
def test_what_cannot_be_pushed_again_is_said_beside_its_field(coin, bob, program, form, words):
    row, _secret = webhooks.create(user=bob, url=program.url, proof=proof_of(bob), key="k")
    webhooks.test(user=bob, webhook_id=row.pk, key="t")
    drain.deliver()
    program.forget()

    page = signed_in(bob).post(f"/webhooks/{row.pk}/again/", form)

    assert page.status_code == 200
    assert words in page.content.decode()
    assert all(f'value="{text}"' in page.content.decode() for text in form.values())
    assert told(program) == []


def test_messages_about_invoices_are_listed_signed_by_a_secret_their_owner_sees_and_pushed_again(
    alice, bob, manager, program
):
    lightning = lightning_coin()
    purse = purses.open_purse(user=manager, name="house")
    person, theirs = purses.make_person(owner=manager, label="guest", purse="guest", where="127.0.0.1")
    made = invoices.ask(user=person, coin=lightning, amount=7000, key="", into=theirs.account, needs=Capability.USE_API)
    purse_payments.attach(made, webhook=program.url)
    node(lightning).faucet(made.bolt11, 7000)
    program.answers = lambda heard: 500
    scan_now(lightning)
    drain.deliver()

    browser = signed_in(manager)
    assert "Messages about invoices" in browser.get("/webhooks/").content.decode()
    page = browser.get("/webhooks/invoices/").content.decode()
    assert program.url in page
    assert "It answered with 500." in page
    again = f"/webhooks/invoices/{Push.objects.get().pk}/again/"
    assert again in page
    program.answers = lambda heard: 200
    assert browser.post(again).status_code == 302
    drain.deliver()
    assert Push.objects.get().state == "sent"
    assert program.heard[-1].body["payment_hash"] == made.payment_hash

    keys = browser.get(f"/purses/{purse.ident}/keys/").content.decode()
    secret = re.search(r'id="webhook-secret">(whsec_[A-Za-z0-9+/=]+)<', keys)
    assert secret
    assert program.heard[-1].is_signed_by(secret[1])
    assert "whsec_" not in browser.get(f"/purses/{purse.ident}/").content.decode()
    stranger = signed_in(alice)
    assert program.url not in stranger.get("/webhooks/invoices/").content.decode()
    assert stranger.post(again).status_code == 404
