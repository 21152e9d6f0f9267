"""What a manager fills in, and that no key shows anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from adapters import registry
from adapters.lnbits import Lnbits, LnbitsOptions
from tests.adapters.lnbits.world import LnbitsWorld

GOOD: dict[str, Any] = {"url": "https://lnbits.example.com", "admin_key": "a" * 32, "invoice_key": "b" * 32}


def test_it_is_registered():
    adapter = registry.build("lnbits", GOOD)
    adapter.close()

    assert isinstance(adapter, Lnbits)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": ""},
        {"url": "lnbits.example.com"},
        {"url": "ftp://lnbits.example.com"},
        {"url": "https://alice:secret@lnbits.example.com"},
        {"admin_key": ""},
        {"admin_key": "two\nlines of header"},
        {"invoice_key": "x: y"},
        {"webhook_url": "javascript:1"},
        {"network": "testnet4"},
        {"reserve_min": -1},
        {"reserve_basis_points": 10_001},
        {"expiry_seconds": 59},
        {"expiry_seconds": True},
        {"release_minutes": "60"},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ImproperlyConfigured):
        LnbitsOptions(**{**GOOD, **wrong})


@pytest.mark.parametrize(
    ("amount", "reserve"), [(1, 2000), (200_000, 2000), (200_001, 2001), (1_000_000, 10_000), (10**14 + 1, 10**12 + 1)]
)
def test_the_reserve_is_one_percent_rounded_up_and_two_satoshi_at_least(amount: int, reserve: int):
    """What LNbits 1.6.2 demands before it asks its node."""
    assert LnbitsOptions(**GOOD).reserve(amount) == reserve


def test_no_key_shows_in_a_text(either: LnbitsWorld):
    adapter = either.make_adapter(admin_key="0" * 40)
    shown = [repr(adapter.options), repr(adapter), repr(adapter._server), adapter.health().reason]

    assert not any("0" * 40 in text or either.hot.invoice in text for text in shown)


def test_only_the_configured_wallet_is_used(either: LnbitsWorld):
    right = either.make_adapter(wallet_id=either.hot.id)
    wrong = either.make_adapter(wallet_id=either.outside.id)

    assert right.health().ok
    assert "another wallet" in wrong.health().reason
    assert "refuses our key" in either.make_adapter(invoice_key="0" * 40).health().reason


def test_the_setup_lines_hold_the_notify_address(either: LnbitsWorld):
    lines = either.adapter.setup_lines("https://wallets.example.com/wallets/notify/LNBTC/{kind}")

    assert "https://wallets.example.com/wallets/notify/LNBTC/wallet/lnbits" in lines
