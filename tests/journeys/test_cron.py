"""do_cron alone, without any cluster, on a real litecoind: once however many call, and once after lost answers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from ledger.models import CoinWallet, CronRun, Dispatch, SiteSettings, Withdrawal
from ledger.services import site_settings
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import DaemonLine, Proxy
from tests.journeys.conftest import connect, fund
from tests.journeys.test_litecoin import hot_equals_what_is_owed
from tests.support.databases import Database
from tests.support.live import LiveSite
from tests.support.money import send
from tests.support.processes import wait_for
from tests.support.threads import at_once


@pytest.fixture
def cron_site(site: Database) -> Iterator[LiveSite]:
    """Web processes only: nothing works in the background unless do_cron is called."""
    made = LiveSite(site, workers=2, WALLETS_CLUSTER="False")
    yield made
    made.stop()


@pytest.fixture
def nonce(site: Database) -> str:
    row = site_settings.current()
    SiteSettings.objects.update(cron_batch_size=1)  # a send of its own for each withdrawal
    return row.cron_nonce


def call(site: LiveSite, nonce: str) -> dict[str, str]:
    query = f"/?__wallets_apiversion=3&__wallets_action=do_cron&__wallets_cron_nonce={nonce}"
    return dict(requests.get(site.url + query, timeout=30).json())


def runs_are_over() -> bool:
    return CronRun.objects.exists() and not CronRun.objects.filter(finished_at=None).exists()


def until(site: LiveSite, nonce: str, litecoin: Litecoin, state: str, seconds: float = 90) -> None:
    """Calls do_cron, as cron does, until every withdrawal is in this state."""

    def reached() -> bool:
        assert call(site, nonce) == {"result": "success"}
        wait_for("the run", runs_are_over)
        if state == "done":
            litecoin.mine(1)
        return not Withdrawal.objects.exclude(state=state).exists()

    wait_for(f"all withdrawals {state}", reached, seconds=seconds, pause=0.2)


def ask(use: CoinWallet, litecoin: Litecoin, alice, count: int) -> list[str]:
    addresses = [str(litecoin.outside("getnewaddress")) for _ in range(count)]
    for address in addresses:
        send(alice, use.coin, address, 4_900_000)
    return addresses


def test_sixteen_cron_calls_at_once_pay_eight_withdrawals_eight_times(cron_site, nonce, litecoin: Litecoin, alice):
    litecoin.load("cron")
    use = connect(litecoin, wallet="cron", confirmations=1)
    fund(litecoin, use.coin, alice, "5")
    addresses = ask(use, litecoin, alice, 8)

    answers = at_once(16, lambda _: call(cron_site, nonce))
    assert answers == [{"result": "success"}] * 16
    wait_for("the run", runs_are_over, seconds=60)
    until(cron_site, nonce, litecoin, "done")

    for address in addresses:
        assert litecoin.received(address) == [Decimal("0.049")]
    assert Dispatch.objects.filter(state="final", attempts=1).count() == 8
    assert hot_equals_what_is_owed(use)["user"] == 5 * 10**8 - 8 * 4_900_000


def test_two_lost_answers_of_the_daemon_pay_each_withdrawal_once(cron_site, nonce, litecoin: Litecoin, alice):
    litecoin.load("lost")
    use = connect(litecoin, wallet="lost", confirmations=1)
    fund(litecoin, use.coin, alice, "5")
    proxy = Proxy(lambda: DaemonLine(litecoin.port))
    try:
        from ledger.services import wallets

        wallets.configure(wallet=use.wallet, options={**litecoin.options("lost"), "url": proxy.url})
        addresses = ask(use, litecoin, alice, 2)
        proxy.drop_reply("sendrawtransaction", 2)
        until(cron_site, nonce, litecoin, "done")
        assert len(proxy.calls("sendrawtransaction")) >= 2
    finally:
        proxy.close()

    for address in addresses:
        assert litecoin.received(address) == [Decimal("0.049")]
    assert hot_equals_what_is_owed(CoinWallet.objects.get(pk=use.pk))["user"] == 5 * 10**8 - 2 * 4_900_000
