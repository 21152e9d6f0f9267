"""What a real litecoind holds against what is owed: coins taken behind our back, and a node that errs or lies."""

from __future__ import annotations

import json

import pytest

from ledger.drains import reconcile
from ledger.models import Brake, Coin, Event, SolvencyCheck
from ledger.services import solvency, wallets
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import Proxy, proxy_to
from tests.journeys.conftest import connect
from tests.support.factories import make_manager
from tests.support.money import address_of, balances, pay_now, scan_now, send, use_of
from tests.support.processes import wait_for
from wallets_site.base.errors import NotAllowed
from wallets_site.base.ids import new_token

OWED = 10 * 10**8


@pytest.fixture
def hot(site, litecoin: Litecoin, alice):
    """(what the site talks through, the coin, the node's own wallet): alice's ten coins lie in it."""
    name = f"hot-{new_token(4)}"
    wallet = litecoin.load(name)
    with proxy_to(litecoin.port) as proxy:
        coin = connect(litecoin, wallet=name, confirmations=1).coin
        options = litecoin.options(name, url=f"http://127.0.0.1:{proxy.port}")
        wallets.configure(wallet=use_of(coin).wallet, options=options)
        litecoin.fund(address_of(alice, coin), "10")
        litecoin.mine(1)
        wait_for("the deposit", lambda: scan_now(coin) and balances(coin, alice) == [(OWED, 0)])
        yield proxy, coin, wallet


def look(coin: Coin) -> SolvencyCheck:
    reconcile.reconcile(coin.pk)
    return SolvencyCheck.objects.filter(coin=coin).latest("pk")


def level() -> str:
    brake = Brake.objects.filter(released_at=None).first()
    return brake.level if brake else ""


def test_coins_taken_behind_the_sites_back_brake_payouts_until_two_people_release_them(
    hot, litecoin: Litecoin, alice, bob, manager
):
    _proxy, coin, wallet = hot
    assert (look(coin).answer, level()) == ("ok", "")

    wallet("sendtoaddress", str(litecoin.outside("getnewaddress")), 4)
    litecoin.mine(1)
    taken = look(coin)

    assert (taken.answer, taken.owed, level()) == ("short", OWED, "all")
    assert 5 * 10**8 < (taken.held or 0) < 6 * 10**8
    assert Event.objects.filter(name="solvency_short").count() == 1
    waits = send(alice, coin, str(litecoin.outside("getnewaddress")), 10**7)
    pay_now(coin)
    waits.refresh_from_db()
    assert (waits.status, waits.txid) == ("pending", "")
    send(alice, coin, "bob", 10**7)
    assert balances(coin, bob) == [(10**7, 0)]

    brake = Brake.objects.get()
    solvency.ask_release(user=manager, brake_id=brake.pk, reason="Refilled from cold storage.")
    with pytest.raises(NotAllowed):
        solvency.confirm_release(user=manager, brake_id=brake.pk)
    assert level() == "all"
    solvency.confirm_release(user=make_manager("second"), brake_id=brake.pk)
    assert level() == ""


LIES = {
    "does not answer": (lambda proxy: proxy.swallow(times=0), "unknown", ""),
    "answers with an error": (lambda proxy: proxy.error(-1, "boom"), "unknown", ""),
    "answers rubbish": (Proxy.rubbish, "unknown", ""),
    "says it holds nothing": (lambda proxy: said(proxy, "0.00000000"), "short", "all"),
    "says less than nothing": (lambda proxy: said(proxy, "-1.00000000"), "unknown", ""),
    "says more than there can be": (lambda proxy: said(proxy, "84000001.00000000"), "ok", ""),
}


def said(proxy: Proxy, trusted: str) -> None:
    mine = {"trusted": "AMOUNT", "untrusted_pending": 0, "immature": 0}
    body = json.dumps({"result": {"mine": mine}, "error": None, "id": None}).replace('"AMOUNT"', trusted)
    proxy.answer(body.encode(), method="getbalances")


@pytest.mark.parametrize("lie", LIES)
def test_a_node_that_errs_or_lies(hot, alice, bob, lie):
    proxy, coin, _wallet = hot
    misbehave, answer, braked = LIES[lie]
    misbehave(proxy)

    assert (look(coin).answer, level()) == (answer, braked)
    send(alice, coin, "bob", 10**7)
    assert balances(coin, bob) == [(10**7, 0)]

    proxy.heal()
    assert look(coin).answer == "ok"
