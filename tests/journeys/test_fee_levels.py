"""Fee levels on a real litecoind: who pays for haste gets it, and nobody else's payment is made dearer by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from ledger.models import Coin, CoinWallet, Dispatch, Operation, Withdrawal
from ledger.services import sending, wallets
from tests.accounts.people import signed_in
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import Answered, DaemonLine, Exchange, Proxy, with_id
from tests.journeys.conftest import fund
from tests.pages.reading import text_of
from tests.support.money import books, fresh_key, pay_now, proof_of
from tests.support.processes import wait_for
from wallets_site.base.ids import new_token

RATES = {2: 0.0005, 6: 0.0002, 24: 0.0001}  # LTC per 1,000 vbytes


class Estimating(DaemonLine):
    """A regtest node has seen too few payments to estimate anything: these estimates are put into its mouth."""

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        if exchange.method != "estimatesmartfee":
            return super().ask(exchange, headers, body)
        answer = {"result": {"feerate": RATES[exchange.params[0]]}, "error": None}
        return 200, {}, with_id(json.dumps(answer).encode(), body)


@pytest.fixture
def estimating(litecoin: Litecoin) -> Iterator[Proxy]:
    proxy = Proxy(lambda: Estimating(litecoin.port))
    yield proxy
    proxy.close()


def connected(litecoin: Litecoin, **options: str) -> CoinWallet:
    name = f"levels-{new_token(4)}"
    litecoin.load(name)
    coin = Coin.objects.create(symbol="LTC", name="Litecoin", decimals=8, confirmations=1, pool_size=3)
    return wallets.connect(coin=coin, name=name, kind="bitcoinlike", options=litecoin.options(name, **options))


def ask(person, coin, to: str, level: str) -> Operation:
    quote = sending.preview_send(user=person, coin=coin, to=to, amount=10**7, level=level)
    return sending.request_send(user=person, quote=quote, proof=proof_of(person), key=fresh_key())


def test_one_transaction_pays_one_level_at_its_own_rate(site, litecoin: Litecoin, estimating: Proxy, alice):
    use = connected(litecoin, url=estimating.url)
    coin = use.coin
    fund(litecoin, coin, alice, "5")
    places = [str(litecoin.outside("getnewaddress")) for _ in range(4)]
    levels = ["", "fast", "", "slow"]

    asked = [ask(alice, coin, place, level) for place, level in zip(places, levels, strict=True)]
    for _ in range(3):
        assert pay_now(coin)

    rows = {row.operation_id: row for row in Withdrawal.objects.all()}
    ways = [Dispatch.objects.get(withdrawals__operation=each) for each in asked]
    assert [rows[each.pk].level for each in asked] == levels
    assert ways[0] == ways[2]
    assert Dispatch.objects.count() == 3
    paid = []
    for way in (ways[0], ways[1], ways[3]):
        seen = litecoin.await_seen(litecoin.outside, way.txid)
        size = litecoin.node("decoderawtransaction", seen["hex"])["vsize"]
        paid.append(way.fee // size)
    assert paid == [20, 50, 10]
    extra = asked[1].fee - asked[0].fee
    assert extra > 0
    assert asked[3].fee == asked[0].fee
    litecoin.mine(3)
    wait_for("the end", lambda: pay_now(coin) and not Operation.objects.filter(status="pending").exists())
    assert [litecoin.received(place) for place in places] == [[Decimal("0.1")]] * 4
    assert books(coin)["fee_income"] == extra


def test_a_node_without_an_estimate_has_one_price_and_no_choice(site, litecoin: Litecoin, alice):
    coin = connected(litecoin).coin
    fund(litecoin, coin, alice, "5")
    away = str(litecoin.outside("getnewaddress"))
    browser = signed_in(alice)

    review = browser.post("/send/LTC/", {"to": away, "amount": "0.1", "comment": ""}, follow=True)
    fast = ask(alice, coin, away, "fast")

    assert "Is this right?" in text_of(review)
    assert "Speed" not in text_of(review)
    assert fast.fee == 0
    assert pay_now(coin)
    fast.refresh_from_db()
    assert litecoin.await_seen(litecoin.outside, fast.txid)
