from __future__ import annotations

from datetime import timedelta

from django.core import mail
from django.test import Client

from accounts.models import User
from ledger.drains import mail as mail_drain
from ledger.models import Contact, Operation
from ledger.services import contacts
from tests.pages.reading import errors_beside, text_of, value_of
from tests.support.factories import make_user
from tests.support.money import address_of, balances, make_coin


def test_a_contact_is_added_paid_by_its_name_and_removed(coin, rich, bob, at_alice):
    at_alice.post("/contacts/", {"label": "My landlord", "coin": "", "to": "bob"})
    assert "My landlord" in text_of(at_alice.get("/contacts/"))

    review = at_alice.post("/send/TST/", {"to": "my landlord", "amount": "1"})["Location"]
    at_alice.post(review, {"quote": value_of(at_alice.get(review), "quote")})
    assert balances(coin, rich, bob) == [(900_000_000, 0), (100_000_000, 0)]

    at_alice.post(f"/contacts/{Contact.objects.get().pk}/remove/")
    assert "Nobody here yet" in text_of(at_alice.get("/contacts/"))


def test_a_refusal_stands_in_the_form_and_keeps_what_was_typed(coin, rich, at_alice):
    make_user("dora", groups=())
    pages = [at_alice.post("/contacts/", {"label": "X", "coin": "", "to": name}) for name in ("dora", "nobody")]

    assert [errors_beside(page, "to") for page in pages] == [
        ["There is no member of this name. Check the spelling."]
    ] * 2
    assert (value_of(pages[1], "label"), value_of(pages[1], "to")) == ("X", "nobody")
    assert Contact.objects.count() == 0


def test_an_address_counts_after_the_button_behind_the_mails_link(coin, rich, bob, at_alice):
    away = address_of(bob, make_coin("OUT", prefix="tst"))
    at_alice.post("/contacts/", {"label": "Cold store", "coin": "TST", "to": away})
    assert "Waits for you to follow the link" in text_of(at_alice.get("/contacts/"))
    mail_drain.deliver()
    link = next(line for line in str(mail.outbox[-1].body).splitlines() if "/contacts/confirm/" in line)
    path = "/" + link.split("/", 3)[3]

    assert "Is Cold store right?" in text_of(Client().get(path))
    assert Contact.objects.get().confirmed_at is None
    assert "Cold store is one of your contacts now." in text_of(Client().post(path))
    assert Contact.objects.get().confirmed_at is not None
    assert Client().get(path).status_code == 404


def test_a_contact_of_somebody_else_is_not_there(coin, rich, bob, at_alice, at_bob):
    mine = contacts.add(user=rich, label="Bob", to="bob")

    assert at_bob.post(f"/contacts/{mine.pk}/remove/").status_code == 404
    assert at_bob.post(f"/contacts/{mine.pk}/ask-again/").status_code == 404
    assert Contact.objects.count() == 1


def test_opening_the_lock_asks_who_it_is_and_waits_a_day(clock, coin, rich, at_alice):
    at_alice.post("/contacts/lock/")
    clock.shift(timedelta(minutes=6))
    assert "/reauthenticate/" in at_alice.post("/contacts/unlock/")["Location"]

    assert User.objects.get(pk=rich.pk).contacts_only_until is None
    assert "Your coins go to your confirmed contacts" in text_of(at_alice.get("/contacts/"))


def test_what_a_name_says_is_shown_as_text(coin, rich, bob, at_alice):
    at_alice.post("/contacts/", {"label": "<script>alert(1)</script>", "coin": "", "to": "bob"})

    for path in ("/contacts/", "/send/TST/"):
        assert "<script>alert" not in at_alice.get(path).content.decode()


def test_the_box_says_whom_it_means_while_it_is_typed(coin, rich, bob, at_alice):
    away = address_of(bob, make_coin("OUT", prefix="tst"))
    other = address_of(bob, make_coin("OTH"))
    make_user("dora", groups=())

    def said(to: str, amount: str = "") -> str:
        return text_of(at_alice.get("/send/TST/lookup/", {"to": to, "amount": amount}))

    assert "bob, a member – arrives at once" in said("bob")
    assert "Total from your balance 2 TST" in said("bob", "2")
    assert "An outside Tstcoin address" in said(away)
    assert "You have not paid this address before." in said(f"tst:{away}?amount=0.5")
    assert "The link asks for 0.5 TST" in said(f"tst:{away}?amount=0.5")
    assert "This is a Othcoin address. Send Othcoin instead" in said(other)
    assert said("dora") == said("nobody") == said("nobody@example.com")
    assert Operation.objects.filter(user=rich, incoming=False).count() == 0


def test_looking_up_is_slowed_down(coin, rich, at_alice):
    answers = [text_of(at_alice.get("/send/TST/lookup/", {"to": f"name{number}"})) for number in range(42)]

    assert "That was a lot of looking up." in answers[-1]
    assert "That was a lot of looking up." not in answers[30]
