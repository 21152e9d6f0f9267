"""A daemon that is down, warming up, unauthorised, on the wrong network, or answers rubbish."""

from __future__ import annotations

import html

import pytest

from ledger import queries
from ledger.models import Coin
from ledger.services import wallets
from tests.accounts.people import signed_in
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import Proxy, proxy_to
from tests.journeys.conftest import connect
from tests.support.money import address_of, balances, books, fund, make_coin, pay_now, scan_now, send, use_of
from tests.support.processes import wait_for
from wallets_site.base.errors import CoinUnavailable
from wallets_site.base.ids import new_token

FAULTS = {
    "down": lambda proxy: proxy.swallow(times=0),
    "warming up": Proxy.warming_up,
    "unauthorised": Proxy.unauthorised,
    "rubbish": Proxy.rubbish,
    "cut off": lambda proxy: proxy.cut_reply(times=0),
    "an error for everything": lambda proxy: proxy.error(-1, "boom"),
}


@pytest.fixture
def proxied(site, litecoin: Litecoin):
    """A funded coin whose daemon is reached through a proxy that can misbehave."""
    with proxy_to(litecoin.port) as proxy:
        name = f"bad-{new_token(4)}"
        litecoin.load(name)
        use = connect(litecoin, wallet=name, confirmations=1)
        options = litecoin.options(name, url=f"http://127.0.0.1:{proxy.port}")
        wallets.configure(wallet=use.wallet, options=options)
        yield proxy, use.coin


def deposit(litecoin: Litecoin, coin: Coin, person, amount: str, expected: int) -> None:
    litecoin.fund(address_of(person, coin), amount)
    litecoin.mine(1)
    wait_for("the deposit", lambda: scan_now(coin) and queries.balance(person, coin).available == expected)


@pytest.mark.parametrize("fault", FAULTS)
def test_balances_stay_readable_sending_is_refused_nothing_is_lost_and_work_resumes(
    proxied, litecoin: Litecoin, alice, bob, fault
):
    proxy, coin = proxied
    other = make_coin("OTH")
    fund(alice, other, 500)
    deposit(litecoin, coin, alice, "2", 200_000_000)
    outside = litecoin.outside("getnewaddress")
    queued = send(alice, coin, outside, 50_000_000)
    before = books(coin)

    FAULTS[fault](proxy)
    assert scan_now(coin) is False
    pay_now(coin)

    client = signed_in(alice)
    for page in ("/", "/activity/", "/receive/LTC/", "/send/LTC/", f"/activity/{queued.pk}/"):
        assert client.get(page).status_code == 200, page
    assert "1.5" in client.get("/").content.decode()
    reason = queries.balance(alice, coin).state.reason
    assert "does not answer" in reason
    answer = client.post("/send/LTC/", {"to": outside, "amount": "0.1"})
    assert "does not answer just now" in html.unescape(answer.content.decode())
    with pytest.raises(CoinUnavailable):
        send(alice, coin, outside, 10_000_000)
    assert books(coin) == before
    send(alice, coin, "bob", 1_000)
    send(alice, other, "bob", 100)
    assert queries.balance(alice, other).state.withdrawals_ok

    proxy.heal()
    litecoin.fund(address_of(alice, coin), "1")
    litecoin.mine(1)
    wait_for("the return", lambda: scan_now(coin) and queries.balance(alice, coin).available == 249_999_000)
    pay_now(coin)
    queued.refresh_from_db()
    litecoin.await_seen(litecoin.outside, queued.txid)
    assert balances(coin, alice, bob) == [(249_999_000, 0), (1_000, 0)]
    assert [str(amount) for amount in litecoin.received(outside)] == ["0.50000000"]


def test_a_node_on_the_wrong_network_closes_the_wallet_and_not_the_site(proxied, litecoin: Litecoin, alice, bob):
    _, coin = proxied
    deposit(litecoin, coin, alice, "1", 100_000_000)
    wallet = use_of(coin).wallet
    wallets.configure(wallet=wallet, options={**wallet.read_options(), "network": "main"})

    assert scan_now(coin) is False
    assert use_of(coin).wallet.state == "closed"
    assert "closed until a manager acts" in queries.balance(alice, coin).state.reason
    send(alice, coin, "bob", 5)
    assert balances(coin, bob) == [(5, 0)]

    wallets.configure(wallet=wallet, options={**wallet.read_options(), "network": "regtest"})
    assert scan_now(coin) is True
    assert queries.balance(alice, coin).state.withdrawals_ok


def test_an_address_of_another_network_is_said_before_confirming(proxied, litecoin: Litecoin, alice):
    _, coin = proxied
    deposit(litecoin, coin, alice, "1", 100_000_000)
    client = signed_in(alice)
    for foreign in ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"):
        page = html.unescape(client.post("/send/LTC/", {"to": foreign, "amount": "0.1"}).content.decode())
        assert "network" in page or "another coin" in page or "Bitcoin" in page, page[-3000:]
    assert balances(coin, alice) == [(100_000_000, 0)]
