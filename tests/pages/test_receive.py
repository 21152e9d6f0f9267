from __future__ import annotations

import pytest

from adapters.models import Wallet
from ledger import queries
from ledger.models import Address, Coin
from tests.accounts.people import signed_in
from tests.pages.reading import amounts_of, errors_beside, text_of, value_of
from tests.support.factories import make_user
from tests.support.money import address_of, balances, blocks, chain, make_coin, scan_now, use_of


def test_a_first_visit_offers_an_address_and_takes_none(coin, alice, at_alice):
    page = at_alice.get("/receive/TST/")

    assert "Get your Tstcoin address" in text_of(page)
    assert queries.addresses(alice, coin) == []


def test_the_button_gives_one_address_however_often_it_is_pressed(coin, alice, at_alice):
    key = value_of(at_alice.get("/receive/TST/"), "key")

    answers = [at_alice.post("/receive/TST/new-address/", {"key": key}) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == ["/receive/TST/"] * 2
    assert len(queries.addresses(alice, coin)) == 1


def test_it_shows_the_address_as_text_link_and_code(coin, alice, at_alice):
    address = address_of(alice, coin)

    page = at_alice.get("/receive/TST/")

    html = page.content.decode()
    assert f'data-copy="{address}"' in html
    assert 'role="img" aria-label="QR code with this address as a payment link"' in html
    assert "Credited after 2 confirmations" in text_of(page)
    assert "Only Tstcoin (TST)" in text_of(page)


def test_older_addresses_stay_listed_under_their_labels(coin, alice, at_alice):
    first = address_of(alice, coin)
    at_alice.post(f"/receive/TST/addresses/{queries.addresses(alice, coin)[0].pk}/label/", {"label": "the shop"})
    at_alice.post("/receive/TST/new-address/", {"key": "another"})

    page = at_alice.get("/receive/TST/")

    newest = queries.addresses(alice, coin)[0].address
    assert newest != first
    assert f'data-copy="{newest}"' in page.content.decode()
    assert first in text_of(page)
    assert 'value="the shop"' in page.content.decode()


def test_nobody_labels_the_address_of_somebody_else(coin, alice, bob, at_bob):
    address_of(alice, coin)
    hers = queries.addresses(alice, coin)[0]

    assert at_bob.post(f"/receive/TST/addresses/{hers.pk}/label/", {"label": "mine"}).status_code == 404
    assert Address.objects.get(pk=hers.pk).label == ""


def test_a_label_of_61_characters_is_refused_in_words(coin, alice, at_alice):
    address_of(alice, coin)
    held = queries.addresses(alice, coin)[0]

    page = at_alice.post(f"/receive/TST/addresses/{held.pk}/label/", {"label": "x" * 61}, follow=True)

    assert "A label has at most 60 characters." in text_of(page)
    assert Address.objects.get(pk=held.pk).label == ""


def test_an_amount_goes_into_the_link(coin, alice, at_alice):
    address = address_of(alice, coin)

    page = at_alice.get("/receive/TST/", {"amount": "0.125"})

    assert "0.125 TST" in amounts_of(page)
    assert any(address in each and "0.125" in each for each in text_of(page).split())


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1,5", "Use a dot for decimals and no thousands separators, for example 1.5."),
        ("-1", "The amount must be more than zero: leave out the minus sign."),
        ("1e3", "Write the amount out in full, without an exponent."),
    ],
)
def test_a_bad_amount_leaves_the_plain_link_and_says_why(coin, alice, at_alice, typed, sentence):
    address_of(alice, coin)

    page = at_alice.get("/receive/TST/", {"amount": typed})

    assert errors_beside(page, "amount") == [sentence]
    assert value_of(page, "amount") == typed
    assert amounts_of(page) == []


def test_a_payment_is_seen_counted_and_then_arrives(clock, coin, alice, at_alice):
    chain(coin).mint(address_of(alice, coin), 25_000_000)
    scan_now(coin)
    page = at_alice.get("/receive/TST/")
    assert "+0.25 TST Seen, 0/2 confirmations" in text_of(page)
    version = page.context["live_version"]
    assert at_alice.get("/live/", {"after": version}).status_code == 304

    blocks(1, clock)
    scan_now(coin)
    assert "coin:TST" in at_alice.get("/live/", {"after": version}).json()["changed"]
    piece = at_alice.get("/receive/TST/live/")
    assert "Seen, 1/2 confirmations" in text_of(piece)

    blocks(2, clock)
    scan_now(coin)
    piece = at_alice.get("/receive/TST/live/")

    assert "Last arrival: +0.25 TST" in text_of(piece)
    assert balances(coin, alice) == [(25_000_000, 0)]


def test_others_do_not_see_my_payments(coin, alice, bob, at_bob):
    chain(coin).mint(address_of(alice, coin), 25_000_000)
    scan_now(coin)

    assert amounts_of(at_bob.get("/receive/TST/live/")) == []


def test_test_coins_come_in_like_any_payment(clock, coin, alice, at_alice):
    address_of(alice, coin)
    answer = at_alice.post("/receive/TST/test-coins/", {"key": "once"}, follow=True)
    assert "Test coins are on their way" in text_of(answer)

    blocks(5, clock)
    scan_now(coin)

    assert balances(coin, alice) == [(100_000_000, 0)]


def test_a_node_that_is_down_is_said_and_the_addresses_stay(coin, alice, at_alice):
    address = address_of(alice, coin)
    Wallet.objects.filter(pk=use_of(coin).wallet_id).update(state=Wallet.State.DOWN)

    page = at_alice.get("/receive/TST/")

    assert "The Tstcoin node does not answer just now" in text_of(page)
    assert f'data-copy="{address}"' in page.content.decode()


def test_paused_deposits_offer_no_new_address(coin, alice, at_alice):
    Coin.objects.filter(pk=coin.pk).update(deposits_on=False)

    page = at_alice.get("/receive/TST/")
    answer = at_alice.post("/receive/TST/new-address/", {"key": "k"}, follow=True)

    assert "Tstcoin deposits are paused by the site." in text_of(page)
    assert "Get my address" not in text_of(page)
    assert queries.addresses(alice, coin) == []
    assert "paused" in text_of(answer)


def test_the_number_of_addresses_is_bounded_in_words(coin, alice, at_alice):
    Coin.objects.filter(pk=coin.pk).update(addresses_max=1)
    address_of(alice, coin)

    page = at_alice.post("/receive/TST/new-address/", {"key": "second"}, follow=True)

    assert "You have 1 TST addresses already" in text_of(page)
    assert len(queries.addresses(alice, coin)) == 1


def test_every_coin_has_its_own_page(coin, alice, at_alice):
    make_coin("AAA")

    html = at_alice.get("/receive/TST/").content.decode()

    assert 'href="/receive/AAA/"' in html
    assert 'href="/receive/TST/" aria-current="page"' in html


def test_somebody_without_wallets_is_refused(coin, site):
    at_dora = signed_in(make_user("dora", groups=()))

    for path in ("/receive/TST/", "/receive/TST/live/"):
        assert at_dora.get(path).status_code == 403
    for path in ("/receive/TST/new-address/", "/receive/TST/test-coins/"):
        assert at_dora.post(path).status_code == 403
    assert Address.objects.exclude(account=None).count() == 0
