"""The second language: every page in German, with nothing left in English."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from accounts.models import User
from ledger.models import Operation
from tests.accounts.people import signed_in
from tests.pages import gallery
from tests.pages.gallery import Look
from tests.pages.reading import amounts_of
from tests.support.money import fund, send
from wallets_site.base.errors import WalletError

LOCALE = Path(__file__).parents[2] / "locale/de/LC_MESSAGES"
READ_ALOUD = ("aria-label", "placeholder", "data-busy", "data-said", "title", "alt")
# Names, figures and words that are the same in both languages.
SAME = re.compile(
    r"(?i)([0-9]+ )?[a-z]{3,9} [0-9]{4}|banano rests on sunday for an hour\.|half of the taxi on friday|"
    r"a year of hosting|bob from work|cold storage|yellow key|web shop|old shop|too late|order 17|"
    r"\b(alice|bob|dora|erin|frank|nameless|outsider|wallets|ltc|xmr|ban|lnbtc|shut|litecoin|monero|banano|lightning|"
    r"shutcoin|coffee|thanks|savings|rent|shop|tea|sats?|example|com)\b|"
    r"\b[0-9a-z]{4}$|\w*[0-9]\w*[a-z0-9]*|"
    r"unproven|openapi|\bnormal\b|preimage|curl|old.example|https?:\/\/\S+|webhooks?|passkeys?|\bname\b|csv|status|e-mail|coins?|code|utc|eur|usd|gbp|chf|english|deutsch|mail"
)
INSIDE = ["/send/LTC/lookup/?to=bob&amount=1", "/send/LTC/lookup/?to=nobody", "/send/LTC/lookup/?to={away}&amount=1"]


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


def same_in_both(english: Any, german: Any) -> list[str]:
    """What reads the same in both languages and is neither a name nor a figure."""
    assert texts_of(german)
    both = texts_of(english) & texts_of(german)
    return sorted(text for text in both if re.search(r"[A-Za-z]{3,}", SAME.sub("", text)))


def test_every_page_is_in_german(site):
    world = gallery.build()
    looks = [*gallery.looks(), *(Look(path.format(away=gallery.AWAY)) for path in INSIDE)]
    left = {}
    for look in looks:
        english, german = (world.see(look, **{"Accept-Language": language}) for language in ("en", "de"))
        left[look.title] = same_in_both(english, german)

    found = "\n".join(f"{title}: {words}" for title, words in left.items() if words)
    assert not found, found


def test_a_chosen_language_goes_before_the_browsers_and_programs_get_english(coin, rich, at_alice):
    User.objects.filter(pk=rich.pk).update(language="de", time_zone="Europe/Berlin")

    page = at_alice.get("/activity/", headers={"Accept-Language": "en"}).content.decode()
    said = at_alice.get("/api/v1/coins/NOPE/", headers={"Accept-Language": "de"}).content.decode()

    assert '<html lang="de" dir="ltr"' in page
    assert "Einzahlung" in page
    assert "Es gibt" not in said


def test_coin_amounts_can_be_typed_back_in_every_language_and_machines_read_the_same(coin, rich, at_alice):
    User.objects.filter(pk=rich.pk).update(language="de")
    fund(rich, coin, 123_450_000_000)

    assert amounts_of(at_alice.get("/activity/"))[:2] == ["1234.5 TST", "10 TST"]
    assert ",1234.50000000," in b"".join(at_alice.get("/activity/activity.csv").streaming_content).decode()
    assert at_alice.get("/api/v1/accounts").json()["accounts"][0]["available"] == "1244.5"


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
