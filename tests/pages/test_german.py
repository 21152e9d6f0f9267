"""The second language: every page in German, with nothing left in English."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import User
from ledger.models import Coin, Operation
from ledger.services import contacts, rates
from tests.accounts.people import signed_in
from tests.support.money import address_of, bound, chain, make_coin, scan_now, send
from wallets_site.base.errors import WalletError

LOCALE = Path(__file__).parents[2] / "locale/de/LC_MESSAGES"
READ_ALOUD = ("aria-label", "placeholder", "data-busy", "data-said", "title", "alt")
# Names, figures and words that are the same in both languages.
SAME = re.compile(
    r"(?i)([0-9]+ )?[a-z]{3,9} [0-9]{4}|alice|bob|wallets|\b(tst|new|out)\w*|\b[0-9a-z]{4}$|\w*[0-9]\w*[a-z0-9]*|"
    r"webhooks?|passkeys?|\bname\b|csv|status|e-mail|coins?|code|utc|eur|usd|gbp|chf|english|deutsch|mail|a typed note"
    r"|savings|example|com"
)
OUTSIDE = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/status/", "/rates/", "/nothing/"]
INSIDE = [
    "/", "/activity/", "/activity/?kind=withdraw&status=failed", "/receive/TST/", "/receive/NEW/", "/send/TST/",
    "/send/TST/lookup/?to=bob&amount=1", "/send/TST/lookup/?to=nobody", "/contacts/", "/notifications/",
    "/notifications/choices/", "/statements/", "/accounts/", "/accounts/security/", "/accounts/preferences/",
    "/accounts/password/change/", "/accounts/email/", "/accounts/2fa/", "/accounts/sessions/",
]  # fmt: skip


class _Texts(HTMLParser):
    """Every text a person reads or hears, one a node."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style", "code")
        self.texts += [value for name, value in attrs if name in READ_ALOUD and value]
        if tag == "option" and dict(attrs).get("value", "").find("/") > 0:  # type: ignore[union-attr]
            self.silent += 1

    def handle_endtag(self, tag: str) -> None:
        if self.silent and tag in ("script", "style", "code", "option"):
            self.silent -= 1

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.texts.append(data)


def texts_of(page: Any) -> set[str]:
    reader = _Texts()
    reader.feed(page.content.decode())
    return {" ".join(text.split()) for text in reader.texts if re.search(r"[A-Za-z]{3,}", text)}


def untranslated(client: Client, path: str) -> list[str]:
    """What reads the same in both languages and is neither a name nor a figure."""
    english = texts_of(client.get(path, headers={"Accept-Language": "en"}))
    german = texts_of(client.get(path, headers={"Accept-Language": "de"}))
    assert german
    return sorted(text for text in english & german if re.search(r"[A-Za-z]{3,}", SAME.sub("", text)))


@pytest.fixture
def busy(coin: Coin, rich: User, bob: User) -> list[str]:
    """Something on every page: each kind of operation, contacts, rates. The addresses of its own pages."""
    make_coin("NEW", 29)
    away = address_of(bob, make_coin("OUT", prefix="tst"))
    bound(coin, "withdrawal", approve_above=200_000_000, minimum=1, maximum=900_000_000, daily=900_000_000)
    rates.set_rate(coin=coin, currency="EUR", price=2 * 10**12)
    Coin.objects.filter(symbol="TST").update(notice="")
    made = [send(rich, coin, "bob", 1_000_000, comment="a typed note"), send(rich, coin, away, 150_000_000),
            send(rich, coin, away, 250_000_000)]  # fmt: skip
    chain(coin).mint(address_of(rich, coin), 25_000_000)
    scan_now(coin)
    contacts.add(user=rich, label="Savings", to=away, coin=coin)
    contacts.add(user=rich, label="Bob", to="bob")
    month = Operation.objects.latest("pk").created_at.strftime("%Y-%m")
    return [
        *(f"/activity/{each.pk}/" for each in made),
        f"/activity/{made[0].pk}/receipt/",
        f"/statements/TST/{month}/",
    ]


def test_every_page_is_in_german(busy, rich, at_alice):
    left = {path: untranslated(at_alice, path) for path in [*INSIDE, *busy]}
    left |= {path: untranslated(Client(), path) for path in OUTSIDE}

    assert [f"{path}: {words}" for path, words in left.items() if words] == []


def test_a_chosen_language_goes_before_the_browsers_and_programs_get_english(coin, rich, at_alice):
    User.objects.filter(pk=rich.pk).update(language="de", time_zone="Europe/Berlin")

    page = at_alice.get("/activity/", headers={"Accept-Language": "en"}).content.decode()
    said = at_alice.get("/api/v1/coins/NOPE/", headers={"Accept-Language": "de"}).content.decode()

    assert '<html lang="de" dir="ltr"' in page
    assert "Einzahlung" in page
    assert "Es gibt" not in said


def test_refusals_are_in_german_too(coin, rich, bob):
    with translation.override("de"), pytest.raises(WalletError) as refusal:
        send(rich, coin, "bob", 10**18)
    assert refusal.value.message == "Für diesen Betrag und seine Gebühr ist nicht genug verfügbar."


def test_what_is_compiled_is_what_was_written():
    text = (LOCALE / "django.po").read_text()
    compiled = (LOCALE / "django.mo").read_bytes()

    assert "fuzzy" not in text
    assert re.findall(r'msgid "(.+)"\nmsgstr ""\n\n', text) == []
    for words in re.findall(r'\nmsgid "([^"%\\]{4,})"\nmsgstr "([^"%\\]{4,})"\n', text):
        assert all(each.encode() in compiled for each in words)


def test_somebody_far_away_reads_their_own_time(coin, rich, at_alice):
    User.objects.filter(pk=rich.pk).update(time_zone="Asia/Tokyo")
    deposit = Operation.objects.get(user=rich)

    assert "JST</time>" in at_alice.get(f"/activity/{deposit.pk}/").content.decode()
    assert signed_in(rich).get("/accounts/preferences/").content.decode().count('value="Asia/Tokyo" selected') == 1
