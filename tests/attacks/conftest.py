"""Alice has 10 TST; bob has nothing; whoever is refused must leave everything as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.db.models import Model
from django.test import Client

from accounts.models import ApiKey, User
from ledger.models import (
    Account,
    Address,
    Coin,
    Contact,
    Event,
    Invoice,
    Operation,
    Posting,
    Purse,
    SiteSettings,
    Transaction,
    Webhook,
    Withdrawal,
)
from tests.api.test_routes import things  # noqa: F401 - a fixture: one of each of alice's things
from tests.api3.conftest import change
from tests.support.money import fund, make_coin
from wallets_site.base.clock import now

# last_used and the like may change when somebody is refused; these may not.
WATCHED: dict[type[Model], tuple[str, ...]] = {
    Account: ("id", "debits", "credits"),
    Transaction: ("id",),
    Posting: ("id",),
    Operation: ("id", "status", "user_confirm", "admin_confirm", "note"),
    Withdrawal: ("operation_id", "state"),
    Event: ("id",),
    Address: ("id", "label"),
    Contact: ("id", "confirmed_at"),
    Webhook: ("id", "is_active"),
    Purse: ("ident", "name"),
    Invoice: ("payment_hash",),
    ApiKey: ("id", "revoked_at", "scopes"),
}


def picture() -> dict[str, list[Any]]:
    """All that a refused request must leave alone."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list(*names))
        for model, names in WATCHED.items()
    }


@contextmanager
def nothing_happens() -> Iterator[None]:
    before = picture()
    yield
    assert picture() == before


_shared: list[Client] = []


def stranger() -> Client:
    """Somebody new to the site. One client for all: each of them loads the whole chain of middleware anew."""
    if not _shared:
        _shared.append(Client(raise_request_exception=False))
    _shared[0].cookies.clear()
    return _shared[0]


@pytest.fixture
def coin(site: Any) -> Coin:
    return make_coin()


@pytest.fixture
def rich(alice: User, coin: Coin) -> User:
    fund(alice, coin, 1_000_000_000)
    return alice


@pytest.fixture
def site_row(site: Any) -> SiteSettings:
    """Nothing asks for a confirmation."""
    return change(confirm_move_user=False, confirm_withdraw_user=False, confirm_withdraw_admin=False)


@pytest.fixture
def clock(site: Any) -> Iterator[time_machine.Traveller]:
    """Time stands still until the test shifts it."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller
