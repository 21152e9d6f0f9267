from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

from accounts.models import User
from ledger.models import Coin, Purse
from ledger.services import wallets
from tests.api_lnbits.client import Program, admin_of, cashier_of, purse_of
from tests.support.databases import run_root
from wallets_site.base.clock import now


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    """Answers do not wait for a worker that these tests do not have."""
    settings.LNBITS_PAY_WAIT = 0


@pytest.fixture
def coin(site) -> Coin:
    """A Lightning coin on a simulated network."""
    made = Coin.objects.create(symbol="LNBTC", name="Lightning", decimals=11, confirmations=1)
    file = Path(tempfile.mkdtemp(prefix="chain-", dir=run_root())) / "LNBTC.sqlite3"
    wallets.connect(coin=made, name="LNBTC node", kind="demo_ln", options={"chain_file": str(file)})
    return made


@pytest.fixture
def shop(coin: Coin, alice: User) -> Purse:
    """alice's purse."""
    return purse_of(alice)


@pytest.fixture
def admin(shop: Purse, alice: User) -> Program:
    """alice's program, which may pay."""
    return admin_of(shop, alice)


@pytest.fixture
def cashier(shop: Purse, alice: User) -> Program:
    """alice's program with the invoice key."""
    return cashier_of(shop, alice)


@pytest.fixture
def anybody(coin: Coin) -> Program:
    return Program()


@pytest.fixture
def clock(site) -> Iterator[time_machine.Traveller]:
    """Time stands still until the test shifts it."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller
