from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from adapters import lightning
from adapters.base import option
from adapters.lightning import CURRENCIES

_KEY: Final = re.compile(r"[0-9a-zA-Z]{8,128}")


@dataclass(frozen=True)
class LnbitsOptions:
    """One wallet of an LNbits server. Amounts are millisatoshi."""

    url: str = option(help="Address of the LNbits server, e.g. https://lnbits.example.com")
    admin_key: str = option(help="Admin key of its wallet: pays, and proves what was paid", secret=True)
    invoice_key: str = option("", help="Invoice key of the same wallet, for deposits; empty: admin key", secret=True)
    wallet_id: str = option("", help="Id of that wallet; when filled in, a key of another wallet is refused")
    network: str = option("main", help="Which network its invoices belong to", choices=tuple(CURRENCIES))
    reserve_min: int = option(2000, help="Least that is held for the route of a payment, millisatoshi")
    reserve_basis_points: int = option(100, help="Held for the route, in hundredths of a percent of the amount")
    expiry_seconds: int = option(3600, help="How long new invoices can be paid, where nothing else is asked")
    release_minutes: int = option(60, help="Minutes after its expiry until a payment without news is given up")
    webhook_url: str = option("", help="Public notify address that the server calls when an invoice is paid")

    def __post_init__(self) -> None:
        for name in ("url", "webhook_url"):
            _check_url(name, getattr(self, name), empty=name != "url")
        for name in ("admin_key", "invoice_key"):
            key = getattr(self, name)
            if not _KEY.fullmatch(key) and (key or name == "admin_key"):
                raise ImproperlyConfigured(f"{name} must be letters and digits only")
        if self.network not in CURRENCIES:
            raise ImproperlyConfigured(f"network must be one of {', '.join(CURRENCIES)}")
        for name, low, high in _RANGES:
            value: Any = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}")

    def reserve(self, amount: int) -> int:
        return lightning.reserve(amount, least=self.reserve_min, basis_points=self.reserve_basis_points)


def _check_url(name: str, url: str, *, empty: bool) -> None:
    if not url and empty:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        raise ImproperlyConfigured(f"{name} must begin with http:// or https:// and hold no user name")


_RANGES: Final = (
    ("reserve_min", 0, 10**12),
    ("reserve_basis_points", 0, 10_000),
    ("expiry_seconds", 60, 30 * 86_400),
    ("release_minutes", 1, 30 * 1440),
)
