from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from ledger.models import Coin
from tests.accounts.people import signed_in
from tests.support.money import blocks, fund, make_coin
from wallets_site.base.clock import now


@pytest.fixture
def coin(site) -> Coin:
    """TST, 8 decimals, 2 confirmations."""
    return make_coin()


@pytest.fixture
def clock(site) -> Iterator[time_machine.Traveller]:
    """Time stands still until the test shifts it."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def rich(alice: User, coin: Coin, clock: time_machine.Traveller) -> User:
    """Alice with 10 TST, long confirmed."""
    fund(alice, coin, 1_000_000_000)
    blocks(coin.confirmations + 1, clock)
    return alice


@pytest.fixture
def at_alice(alice: User) -> Client:
    """Alice's browser, signed in with her password just now."""
    return signed_in(alice)


@pytest.fixture
def at_bob(bob: User) -> Client:
    return signed_in(bob)
