from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adapters.models import Wallet
from ledger.models import Coin
from ledger.services import rates
from tests.accounts.people import signed_in
from tests.pages.reading import amounts_of, text_of
from tests.support.factories import make_user
from tests.support.money import address_of, chain, fund, make_coin, scan_now, send, use_of
from wallets_site.base.clock import now


def test_a_stranger_is_sent_to_sign_in(site):
    assert Client().get("/")["Location"] == "/accounts/login/?next=/"


def test_an_empty_account_is_shown_what_to_do_first(coin, at_alice):
    page = at_alice.get("/")

    assert "Receive your first coin" in text_of(page)
    assert 'href="/receive/TST/"' in page.content.decode()
    assert 'href="/send/TST/"' not in page.content.decode()


def test_a_site_without_coins_says_so(site, at_alice, manager):
    assert "No coin is set up yet" in text_of(at_alice.get("/"))
    assert "Open the administration" not in text_of(at_alice.get("/"))
    assert "Open the administration" in text_of(signed_in(manager).get("/"))


def test_it_shows_what_is_available_on_its_way_out_and_confirming(coin, rich, bob, at_alice):
    send(rich, coin, address_of(bob, make_coin("OUT", prefix="tst")), 150_000_000)
    chain(coin).mint(address_of(rich, coin), 25_000_000)
    scan_now(coin)

    page = at_alice.get("/")

    assert amounts_of(page)[:4] == ["10 TST", "8.5 TST", "1.5 TST", "0.25 TST"]
    assert "Available 8.5 TST On its way out 1.5 TST Confirming +0.25 TST" in text_of(page)


def test_the_newest_five_operations_are_listed_newest_first(coin, rich, bob, at_alice):
    for amount in (1, 2, 3, 4, 5, 6):
        send(rich, coin, "bob", amount * 10_000_000)

    assert amounts_of(at_alice.get("/")) == ["7.9 TST", "0.6 TST", "0.5 TST", "0.4 TST", "0.3 TST", "0.2 TST"]


def test_a_node_that_is_down_leaves_the_balance_in_sight(coin, rich, at_alice):
    Wallet.objects.filter(pk=use_of(coin).wallet_id).update(state=Wallet.State.DOWN)

    page = at_alice.get("/")

    assert "10 TST" in amounts_of(page)
    assert "The Tstcoin node does not answer just now" in text_of(page)


def test_the_number_of_queries_does_not_grow_with_coins_and_operations(coin, rich, bob, at_alice):
    at_alice.get("/")
    with CaptureQueriesContext(connection) as few:
        at_alice.get("/")
    for symbol in ("AAA", "BBB", "CCC"):
        fund(rich, make_coin(symbol), 100)
    at_alice.get("/")  # what is kept of the site's rules is read anew once
    with CaptureQueriesContext(connection) as many:
        at_alice.get("/")

    assert len(many) == len(few)


def test_somebody_without_wallets_is_told_what_is_missing(coin, site):
    at_dora = signed_in(make_user("dora", groups=()))

    page = at_dora.get("/")

    assert page.status_code == 200
    assert "This account holds no coins" in text_of(page)
    assert Coin.objects.count() == 1


def test_the_total_stands_in_the_persons_currency_with_the_age_of_its_rates(coin, rich, at_alice):
    assert "All your coins together" not in text_of(at_alice.get("/"))
    rates.set_rate(coin=coin, currency="EUR", price=2_500_000_000_000, at=now() - timedelta(hours=24))
    rates.set_rate(coin=coin, currency="EUR", price=2_525_000_000_000, at=now() - timedelta(minutes=2))
    rates.set_rate(coin=coin, currency="USD", price=3_000_000_000_000)

    page = text_of(at_alice.get("/"))
    assert "All your coins together €25.25 +1.00 %" in page
    assert "Rates from 2 minutes ago" in page

    at_alice.post("/accounts/preferences/", {"currency": "USD", "language": "de", "time_zone": "", "theme": "dark"})
    page = at_alice.get("/")
    assert "30,00 $" in text_of(page)
    assert 'data-theme="dark"' in page.content.decode()


def test_hidden_balances_stay_hidden_until_shown_again(coin, rich, bob, at_alice):
    rates.set_rate(coin=coin, currency="EUR", price=2_500_000_000_000)
    at_alice.post("/accounts/hide-balances/")

    html = at_alice.get("/").content.decode()
    assert amounts_of(at_alice.get("/")) == []
    assert "••••" in html
    assert "25.00" not in html
    assert '<svg class="spark"' not in html
    assert amounts_of(at_alice.get("/activity/")) == []

    at_alice.post("/accounts/hide-balances/")
    assert "10 TST" in amounts_of(at_alice.get("/"))


def test_a_balance_is_drawn_over_thirty_days(coin, rich, bob, at_alice):
    send(rich, coin, "bob", 250_000_000)

    card = at_alice.get("/").context["overview"].cards[0]

    assert card.history == (*[0] * 30, 750_000_000)
    assert 'aria-label="Balance over the last 30 days"' in at_alice.get("/").content.decode()
