"""Mail about payments, through the outbox: who hears of what, once, and never a text or link at rest."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import User
from adapters.demo import encode_address
from ledger.drains import mail as outbox
from ledger.models import Contact, Delivery, Operation, SiteSettings
from ledger.services import confirmations, lifecycle
from ledger.services.mail import LETTERS, MOST_TRIES
from tests.ledger.test_lifecycle import change, move, withdraw
from tests.support.money import blocks, fund, pay_now, send
from wallets_site.base.clock import now


@pytest.fixture
def rich(coin, alice):
    change(confirm_withdraw_admin=False)
    fund(alice, coin, 10_000)
    outbox.deliver()
    mail.outbox.clear()
    return coin


def said() -> list[tuple[str, str]]:
    """(to, subject) of everything sent since, and forgets it."""
    assert outbox.deliver() >= 0
    found = [(message.to[0].split("@")[0], str(message.subject)) for message in mail.outbox]
    mail.outbox.clear()
    return sorted(found)


def test_both_people_of_a_move_hear_of_it_once(rich, alice, bob):
    send(alice, rich, "bob", 500, comment="thanks <b>")
    assert said() == [("alice", "Wallets: You sent Tstcoin"), ("bob", "Wallets: You received Tstcoin")]
    assert said() == []


def test_a_letter_has_text_and_html_and_the_figures(rich, alice, bob):
    send(alice, rich, "bob", 500, comment="thanks <b>")
    outbox.deliver()
    letter = next(each for each in mail.outbox if each.to == ["alice@example.com"])
    assert isinstance(letter, mail.EmailMultiAlternatives)
    html, kind = letter.alternatives[0]
    assert kind == "text/html"
    for text in (letter.body, html):
        assert "0.000005 TST" in str(text)
        assert "/activity/" in str(text)
    assert "thanks <b>" in str(letter.body)
    assert "thanks &lt;b&gt;" in str(html)


def test_a_deposit_is_told_at_first_sight(coin, alice):
    fund(alice, coin, 5)
    assert said() == [("alice", "Wallets: A payment to you is on its way")]


def test_a_withdrawal_is_told_when_it_is_done_and_when_it_is_not_made(rich, alice, clock):
    asked = send(alice, rich, encode_address("tst", b"\x07" * 20), 500)
    other = send(alice, rich, encode_address("tst", b"\x08" * 20), 500)
    lifecycle.cancel(user=alice, operation_id=other.pk, key="k")
    pay_now(rich)
    assert said() == [("alice", "Wallets: Your withdrawal was not made")]
    blocks(3, clock)
    pay_now(rich)
    assert Operation.objects.get(pk=asked.pk).status == "done"
    assert said() == [("alice", "Wallets: Your withdrawal is done")]


def test_a_request_that_waits_tells_its_owner_the_recipient_and_the_managers(rich, alice, bob, manager):
    change(confirm_move_admin=True)
    asked = move(rich, alice, bob)
    outbox.deliver()
    letters = {message.to[0].split("@")[0]: message for message in mail.outbox}
    token = confirmations.token_of(asked)
    assert set(letters) == {"alice", "bob", "manager"}
    assert f"/?__wallets_confirm={token}" in letters["alice"].body
    assert token not in str(letters["bob"].body) + str(letters["manager"].body)
    assert "/admin/ledger/operation/" in letters["manager"].body


def test_a_confirmation_is_asked_for_whatever_is_switched_off(rich, alice, bob):
    change(email_enabled=False)
    withdraw(rich, alice)
    send(alice, rich, "bob", 500)
    assert said() == [("alice", "Wallets: Please confirm your withdrawal")]


@pytest.mark.parametrize("name", [each.name for each in SiteSettings._meta.fields if each.name in
                                  {letter.switch for letter in LETTERS.values()}])  # fmt: skip
def test_each_kind_of_mail_has_its_own_switch(rich, alice, bob, manager, name):
    Delivery.objects.all().delete()
    change(confirm_move_admin=True, **{name: False})
    asked = move(rich, alice, bob)
    lifecycle.confirm_by_mail(token=confirmations.token_of(asked))
    lifecycle.approve(user=manager, operation_id=asked.pk)
    lifecycle.cancel(user=alice, operation_id=move(rich, alice, bob).pk, key="k")
    waiting = withdraw(rich, alice)
    lifecycle.cancel(user=alice, operation_id=waiting.pk, key="k")
    fund(alice, rich, 7)
    outbox.deliver()
    silent = {letter.template for letter in LETTERS.values() if letter.switch == name}
    sent = set(Delivery.objects.values_list("template", flat=True))
    assert not sent & silent
    assert sent >= {"confirm_move", "confirm_withdraw"}


def test_the_outbox_holds_neither_link_nor_text(rich, alice, bob):
    asked = move(rich, alice, bob)
    outbox.deliver()
    token = confirmations.token_of(asked)
    for row in Delivery.objects.values():
        assert token not in str(row)


def test_a_mail_that_lost_its_meaning_is_not_sent(rich, alice, bob):
    asked = move(rich, alice, bob)
    lifecycle.cancel(user=alice, operation_id=asked.pk, key="k")
    assert ("alice", "Wallets: Please confirm your transfer") not in said()


def test_a_mail_server_that_fails_is_asked_again_and_given_up_at_last(rich, alice, bob, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    send(alice, rich, "bob", 500)
    assert outbox.deliver() == 0
    assert set(Delivery.objects.exclude(state="sent").values_list("state", "tries")) == {("queued", 1)}
    assert outbox.deliver() == 0
    assert Delivery.objects.exclude(state="sent").filter(tries=1).count() == 2
    moment = now()
    for _ in range(MOST_TRIES):
        moment += timedelta(days=1)
        with time_machine.travel(moment):
            outbox.deliver()
    assert set(Delivery.objects.exclude(state="sent").values_list("state", "tries")) == {("failed", MOST_TRIES)}


def test_the_sender_is_the_sites_or_the_one_that_was_set(rich, alice, bob):
    change(email_from="coins@example.com", email_from_name="Coins")
    send(alice, rich, "bob", 500)
    outbox.deliver()
    assert mail.outbox[0].from_email == "Coins <coins@example.com>"


def test_every_letter_has_both_its_templates(rich):
    from django.template.loader import get_template

    for letter in LETTERS.values():
        for ending in ("txt", "html"):
            assert get_template(f"ledger/mail/{letter.template}.{ending}")


def test_a_letter_is_in_its_readers_language_and_time(rich, alice, bob):
    User.objects.filter(pk=bob.pk).update(language="de", time_zone="Europe/Berlin")
    with translation.override("en"):  # the worker's
        send(alice, rich, "bob", 500)
        outbox.deliver()
    told = {message.to[0].split("@")[0]: message for message in mail.outbox}

    assert told["alice"].subject == "Wallets: You sent Tstcoin"
    assert told["bob"].subject == "Wallets: Sie haben Tstcoin erhalten"
    assert isinstance(told["bob"], mail.EmailMultiAlternatives)
    html = str(told["bob"].alternatives[0][0])
    assert "alice hat Ihnen Coins gesendet. Sie sind in Ihrem Guthaben." in html
    assert '<html lang="de">' in html
    assert re.search(r"Betrag: 0.000005 TST\n(.*\n)*Angefordert am: .* (CET|CEST)\n", str(told["bob"].body))


def test_every_letter_is_in_german(rich, alice, bob, manager):
    """Each template, with whatever it may tell of."""
    asked = Operation.objects.filter(user=send(alice, rich, "bob", 500).user, kind="move").latest("pk")
    contact = Contact(user=alice, label="Savings", coin=rich, address="x")
    told = {
        "operation": asked, "coin": rich, "link": "", "reason": "", "other": "bob", "owner": "alice", "says": "",
        "where": "", "contact": contact, "number": 1, "hash": "", "name": "Shop", "scopes": "",
        "opens_at": now(), "site_name": "", "site_url": "",
    }  # fmt: skip
    same = {}
    for letter in {letter.template for letter in LETTERS.values()}:
        for kind in ("txt", "html"):
            lines = []
            for language in ("en", "de"):
                with translation.override(language):
                    text = re.sub(r"<[^>]*>", "\n", render_to_string(f"ledger/mail/{letter}.{kind}", told))
                    lines.append({line.strip() for line in text.splitlines() if re.search("[A-Za-z]{3}", line)})
            same[letter, kind] = lines[0] & lines[1]

    allowed = re.compile(r"manage.py ledger_verify.*|TST|.*\b0.* TST|bob|x")
    left = {key: [text for text in texts if not allowed.fullmatch(text)] for key, texts in same.items()}
    assert {key: texts for key, texts in left.items() if texts} == {}
