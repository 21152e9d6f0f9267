from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from accounts.models import User
from ledger import queries
from ledger.models import Coin, CoinWallet
from ledger.services import wallets
from tests.devnet.devnet import Devnet
from tests.devnet.fixtures import litecoin, need
from tests.devnet.litecoin import Litecoin
from tests.support.databases import Database
from tests.support.money import address_of, scan_now
from tests.support.processes import wait_for
from tests.support.running import Member, RunningSite

__all__ = ["litecoin"]


@pytest.fixture
def running(site: Database) -> Iterator[RunningSite]:
    made = RunningSite(site)
    yield made
    made.stop()


@pytest.fixture
def notifying(running: RunningSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Litecoin]:
    """A litecoind that calls the running site as its walletnotify and blocknotify."""
    need(Litecoin.package, "litecoind")
    url = f"{running.url}/wallets/notify/LTC/{{kind}}/{{id}}"
    net = Devnet(tmp_path_factory.mktemp("notifying"), notify_url=url)
    try:
        net.start(["ltc"])
        yield net.ltc
    finally:
        net.stop(["ltc"])


def connect(litecoin: Litecoin, *, symbol: str = "LTC", wallet: str = "site", confirmations: int = 2) -> CoinWallet:
    coin = Coin.objects.create(symbol=symbol, name="Litecoin", decimals=8, confirmations=confirmations, pool_size=3)
    return wallets.connect(coin=coin, name=f"{symbol} {wallet}", kind="bitcoinlike", options=litecoin.options(wallet))


@pytest.fixture
def members(running: RunningSite) -> tuple[Member, Member]:
    return Member(running, "alice").sign_up(), Member(running, "bob").sign_up()


def fund(litecoin: Litecoin, coin: Coin, person: User, amount: str) -> None:
    """Several deposits, so that one payout's change does not hold up the next."""
    address = address_of(person, coin)
    for _ in range(5):
        litecoin.fund(address, str(Decimal(amount) / 5))
    litecoin.mine(1)
    atomic = int(Decimal(amount) * 10**8)
    wait_for("the deposits", lambda: scan_now(coin) and queries.balance(person, coin).available == atomic, seconds=60)
