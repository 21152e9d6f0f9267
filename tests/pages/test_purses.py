"""Purses on the site: opened, shown, filled, renamed, closed; their keys only to who proved who they are."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from ledger.models import Coin, Purse
from ledger.services import purses
from tests.accounts.people import signed_in
from tests.pages.reading import text_of, value_of
from tests.support.lightning import fill, lightning_coin, stands


@pytest.fixture
def coin(site) -> Coin:
    return lightning_coin()


@pytest.fixture
def shop(coin, alice) -> Purse:
    return purses.open_purse(user=alice, name="Web shop")


def keys_on(answer) -> list[str]:
    return re.findall(r'id="(?:admin|invoice)-key">([0-9a-f]{32})<', answer.content.decode())


def test_without_a_lightning_coin_the_page_says_so(site, alice):
    assert "This site has no Lightning coin yet" in text_of(signed_in(alice).get("/purses/"))


def test_opening_a_purse_leads_to_its_page(coin, alice, at_alice):
    assert "None yet." in text_of(at_alice.get("/purses/"))
    answer = at_alice.post("/purses/new/", {"name": "Tip jar"}, follow=True)
    assert answer.status_code == 200
    assert "Tip jar" in text_of(answer)
    assert [purse.name for purse in purses.of(alice)] == ["Tip jar"]


def test_a_purse_without_a_name_is_not_opened(coin, alice, at_alice):
    assert at_alice.post("/purses/new/", {"name": "  "}).status_code == 400
    assert purses.of(alice) == []


def test_the_page_shows_where_programs_connect_and_no_keys(shop, at_alice):
    answer = at_alice.get(f"/purses/{shop.ident}/")
    assert "/lnbits/api/v1/wallet" in text_of(answer)
    assert keys_on(answer) == []


def test_the_keys_are_shown_right_after_a_sign_in_and_later_only_after_a_confirmation(shop, alice, clock):
    browser = signed_in(alice)
    shown = browser.get(f"/purses/{shop.ident}/keys/")
    assert len(keys_on(shown)) == 2
    assert f'X-Api-Key: {keys_on(shown)[0]}"' in text_of(shown)

    clock.shift(timedelta(minutes=6))
    later = browser.get(f"/purses/{shop.ident}/keys/")
    assert later.status_code == 302
    assert "reauthenticate" in later["Location"]
    assert browser.post(f"/purses/{shop.ident}/keys/renew/").status_code == 302
    assert keys_on(signed_in(alice).get(f"/purses/{shop.ident}/keys/")) == keys_on(shown)


def test_new_keys_replace_the_old_ones(shop, at_alice):
    before = keys_on(at_alice.get(f"/purses/{shop.ident}/keys/"))
    after = keys_on(at_alice.post(f"/purses/{shop.ident}/keys/renew/", follow=True))
    assert len(after) == 2
    assert not set(before) & set(after)


@pytest.mark.parametrize("path", ["", "keys/", "name/", "keys/renew/", "carry/", "close/", "open/"])
def test_a_purse_is_nobody_elses(shop, at_bob, path):
    way = at_bob.get if path in ("", "keys/") else at_bob.post
    assert way(f"/purses/{shop.ident}/{path}").status_code == 404
    shop.refresh_from_db()
    assert (shop.name, shop.closed_at) == ("Web shop", None)


def test_sats_go_in_and_out_once_for_each_form(coin, shop, alice, at_alice):
    fill(alice, coin, 5_000_000)
    key = value_of(at_alice.get(f"/purses/{shop.ident}/"), "key")
    for _ in range(2):
        at_alice.post(f"/purses/{shop.ident}/carry/", {"sats": "3000", "key": key})
    assert (stands(alice, coin), stands(alice, coin, 1)) == ((2_000_000, 0), (3_000_000, 0))

    page = at_alice.post(f"/purses/{shop.ident}/carry/", {"sats": "1000", "key": "other", "out": "1"}, follow=True)
    assert (stands(alice, coin), stands(alice, coin, 1)) == ((3_000_000, 0), (2_000_000, 0))
    assert "2,000 sats" in text_of(page)
    assert "From Web shop" in text_of(page)


@pytest.mark.parametrize("sats", ["0", "-5", "1.5", "x", "", "9" * 30, "4000000"])
def test_what_cannot_be_carried_moves_nothing(coin, shop, alice, at_alice, sats):
    fill(alice, coin, 5_000_000)
    at_alice.post(f"/purses/{shop.ident}/carry/", {"sats": sats, "key": "k"})
    assert (stands(alice, coin), stands(alice, coin, 1)) == ((5_000_000, 0), (0, 0))


def test_only_an_empty_purse_closes_and_it_opens_again(coin, shop, alice, at_alice):
    fill(alice, coin, 1000, number=1)
    kept = at_alice.post(f"/purses/{shop.ident}/close/", follow=True)
    assert "still holds 1 sats" in text_of(kept)
    at_alice.post(f"/purses/{shop.ident}/carry/", {"sats": "1", "key": "k", "out": "1"})
    assert "The purse is closed" in text_of(at_alice.post(f"/purses/{shop.ident}/close/", follow=True))
    assert "its keys open nothing" in text_of(at_alice.get(f"/purses/{shop.ident}/"))
    at_alice.post(f"/purses/{shop.ident}/open/")
    shop.refresh_from_db()
    assert shop.closed_at is None


def test_a_new_name_is_kept(shop, at_alice):
    assert "Corner shop" in text_of(at_alice.post(f"/purses/{shop.ident}/name/", {"name": "Corner shop"}, follow=True))


def test_a_long_history_has_pages(coin, shop, alice, at_alice):
    for number in range(21):
        fill(alice, coin, 1000 * (number + 1), number=1)
    first = text_of(at_alice.get(f"/purses/{shop.ident}/"))
    assert "21 sats" in first
    assert "Older" in first
    second = text_of(at_alice.get(f"/purses/{shop.ident}/?from=20"))
    assert "Newer" in second
    assert "Older" not in second
