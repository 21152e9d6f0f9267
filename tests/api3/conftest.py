from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from accounts.models import User
from ledger.models import Coin, SiteSettings
from ledger.services import site_settings
from tests.api3.client import Plugin
from tests.support.money import charge, make_coin
from wallets_site.base.clock import now


@pytest.fixture
def coin(site) -> Coin:
    return make_coin()


@pytest.fixture
def site_row(site) -> SiteSettings:
    """The site's settings, with every confirmation off."""
    return change(confirm_move_user=False, confirm_withdraw_user=False, confirm_withdraw_admin=False)


def change(**values: object) -> SiteSettings:
    row = site_settings.current()
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


@pytest.fixture
def fees(coin: Coin) -> Coin:
    """0.000001 a move, 0.001 a withdrawal."""
    charge(coin, "move", fixed=100)
    charge(coin, "withdrawal", fixed=100_000)
    return coin


@pytest.fixture
def at_alice(alice: User) -> Plugin:
    return Plugin().sign_in(alice)


@pytest.fixture
def at_bob(bob: User) -> Plugin:
    return Plugin().sign_in(bob)


@pytest.fixture
def anybody(site) -> Plugin:
    return Plugin()


@pytest.fixture
def clock(site) -> Iterator[time_machine.Traveller]:
    """Time stands still until the test shifts it."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller
