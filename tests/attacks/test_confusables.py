"""Names and addresses made to be mistaken for others."""

from __future__ import annotations

import pytest
from django.test import Client

from adapters.demo import encode_address
from ledger.models import Contact
from ledger.services import lookalikes, sending
from tests.accounts.people import signed_in
from tests.pages.reading import text_of
from tests.support.factories import make_user
from tests.support.money import send
from wallets_site.base.clock import now
from wallets_site.base.errors import WalletError

KNOWN = encode_address("tst", b"\x09" * 20)


def twin_of(address: str) -> str:
    """A valid address with the same four first and last characters: made by trying, as attackers do."""
    for number in range(1 << 24):
        made = encode_address("tst", number.to_bytes(20, "big"))
        if made != address and (made[:4], made[-2:]) == (address[:4], address[-2:]):
            return made
    raise AssertionError("no twin")


@pytest.fixture
def short_ends(monkeypatch) -> None:
    """Four equal characters at the end take a million tries in a test, and minutes of an attacker; two will do here."""
    monkeypatch.setattr(lookalikes, "ENDS", 2)


@pytest.mark.parametrize(
    "name",
    ["ａlice", "аlice", "alıce", "ﬁn", "alice\u200b", "ali\u202ece", "al ice", "alice@x.io", "1", "0x1", "ALICE"],
)
def test_a_name_that_looks_like_anothers_cannot_be_taken(alice, site, name):
    eve = make_user("eve")
    eve.username = None
    eve.save(update_fields=["username"])
    signed_in(eve).post("/accounts/name/", {"username": name})
    eve.refresh_from_db()
    assert eve.username in (None, "0x1")


def test_a_twin_of_a_contact_is_warned_of_and_shown_beside_it(rich, coin, short_ends):
    Contact.objects.create(user=rich, label="Cold store", coin=coin, address=KNOWN, confirmed_at=now())
    twin = twin_of(KNOWN)
    quote = sending.preview_send(user=rich, coin=coin, to=twin, amount=1000)
    assert "begins and ends like that of your contact “Cold store”" in quote.warnings[0]
    browser = signed_in(rich)
    review = browser.post("/send/TST/", {"to": twin, "amount": "0.00001"}, follow=True)
    page = text_of(review)
    assert "The two addresses side by side" in page
    assert "Cold store" in page
    assert review.content.count(b"<mark>") >= 2
    assert [left + right for left, right, differs in lookalikes.compared(twin, KNOWN) if not differs]


def test_a_twin_of_an_address_paid_before_is_warned_of(rich, coin, short_ends):
    send(rich, coin, KNOWN, 100_000)
    quote = sending.preview_send(user=rich, coin=coin, to=twin_of(KNOWN), amount=1000)
    assert "like one you paid before" in quote.warnings[0]


def test_the_known_address_itself_and_a_stranger_are_not_warned_of(rich, bob, coin):
    Contact.objects.create(user=rich, label="Cold store", coin=coin, address=KNOWN, confirmed_at=now())
    Contact.objects.create(
        user=bob, label="Bob's", coin=coin, address=encode_address("tst", b"\x08" * 20), confirmed_at=now()
    )
    for address in (KNOWN, encode_address("tst", b"\x08" * 20)):
        assert sending.preview_send(user=rich, coin=coin, to=address, amount=1000).warnings == ()


def test_a_difference_is_found_wherever_it_is():
    assert lookalikes.compared("aaaabbbbcc", "aaaaxbbbcc") == [
        ("aaaa", "aaaa", False), ("bbbb", "xbbb", True), ("cc", "cc", False),
    ]  # fmt: skip
    assert lookalikes.compared("aaaab", "aaaa") == [("aaaa", "aaaa", False), ("b", "", True)]


def test_nobody_is_offered_to_pay_back_to_where_dust_came_from(rich, coin):
    """A list of payments that came in names no sender, and has no button to send there."""
    browser = signed_in(rich)
    for row in rich.operations.all() if hasattr(rich, "operations") else []:
        assert b"Send again" not in browser.get(f"/activity/{row.pk}/").content
    from ledger.models import Operation

    deposit = Operation.objects.get(user=rich, kind="deposit")
    assert b"Send again" not in browser.get(f"/activity/{deposit.pk}/").content


@pytest.mark.parametrize(
    "text",
    [
        "tst:{a}?amount=1&amount=2",
        "btc:{a}",
        "{a} x",
        "{a}\u200b",
        "\u202e{a}",
        "{u}x",
        "tst:{a}?amount=-1",
        "tst:{a}?amount=1e3",
    ],
)
def test_a_link_or_address_with_something_wrong_in_it_is_refused(rich, coin, text):
    typed = text.format(a=KNOWN, u=KNOWN.upper())
    with pytest.raises(WalletError):
        sending.preview_send(user=rich, coin=coin, to=typed, amount=1000)


def test_another_amount_in_a_link_is_never_paid_silently(rich, coin):
    browser = signed_in(rich)
    review = browser.post("/send/TST/", {"to": f"tst:{KNOWN}?amount=5", "amount": "0.00001"}, follow=True)
    page = text_of(review)
    assert "another amount" in page or "0.00001" in page
    assert isinstance(browser, Client)
