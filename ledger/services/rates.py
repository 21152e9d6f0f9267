"""What coins are worth, in integers only. A rate is 10^-12 of the currency's unit for one whole coin; a value is in
hundredths of the unit. Nothing here moves money: values are shown, never booked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from ledger import money
from ledger.fields import MAX_AMOUNT
from ledger.models import Coin, Rate, RatePoint
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidAmount, InvalidRequest

if TYPE_CHECKING:
    from accounts.models import User

DECIMALS: Final = 12
STALE: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=8)
BY_HAND: Final = "entered by staff"
_CENTS: Final = 2
_EXPONENT: Final = re.compile(r"[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Worth:
    """A coin's rate now and about a day ago; price in 10^-12 of the currency's unit."""

    price: int
    at: datetime
    day_ago: int | None
    source: str

    @property
    def change(self) -> int | None:
        """Change over a day in hundredths of a percent; None when nothing is known of yesterday."""
        return (self.price - self.day_ago) * 10_000 // self.day_ago if self.day_ago else None

    @property
    def is_stale(self) -> bool:
        return now() - self.at > STALE


@dataclass(frozen=True, slots=True)
class Total:
    """value, before: hundredths of the currency's unit, now and at yesterday's rates. at: the oldest rate in it.
    missing: symbols of coins that are held and have no rate."""

    currency: str
    value: int
    before: int | None
    at: datetime
    missing: tuple[str, ...] = ()

    @property
    def change(self) -> int | None:
        """Hundredths of a percent."""
        return (self.value - self.before) * 10_000 // self.before if self.before else None

    @property
    def is_stale(self) -> bool:
        return now() - self.at > STALE


def currency_of(user: User | None) -> str:
    """What this person wants to see values in."""
    chosen = user.currency if user is not None else ""
    offered = settings.WALLETS_CURRENCIES
    return chosen if chosen in offered else offered[0]


def value_of(amount: int, decimals: int, price: int) -> int:
    """Hundredths of the currency's unit, rounded half up."""
    scale: int = 10 ** (decimals + DECIMALS - _CENTS)
    return (2 * amount * price + scale) // (2 * scale)


def amount_of(value: int, decimals: int, price: int) -> int:
    """Atomic units worth at most `value` hundredths of the currency's unit."""
    scale: int = 10 ** (decimals + DECIMALS - _CENTS)
    return value * scale // price


def current(currency: str) -> dict[int, Worth]:
    """By coin; two statements."""
    yesterday = now() - timedelta(days=1)
    near = RatePoint.objects.filter(currency=currency, hour__gt=yesterday - timedelta(hours=3), hour__lte=yesterday)
    before = dict(near.order_by("hour").values_list("coin_id", "price"))
    rows = Rate.objects.filter(currency=currency, coin__is_active=True)
    return {
        row.coin_id: Worth(row.price, row.at, before.get(row.coin_id), row.source) for row in rows.order_by("pk")
    }  # fmt: skip


def total(holdings: Iterable[tuple[Coin, int]], currency: str, known: Mapping[int, Worth]) -> Total | None:
    """The worth of these amounts (atomic units) together; None when no rate of any of them is known."""
    held = [(coin, amount) for coin, amount in holdings if amount]
    rated = [(coin, amount, known[coin.pk]) for coin, amount in held if coin.pk in known]
    if not rated:
        return None
    value = sum(value_of(amount, coin.decimals, worth.price) for coin, amount, worth in rated)
    before = [
        value_of(amount, coin.decimals, worth.day_ago) for coin, amount, worth in rated if worth.day_ago is not None
    ]
    missing = tuple(coin.symbol for coin, _ in held if coin.pk not in known)
    oldest = min(worth.at for _, _, worth in rated)
    return Total(currency, value, sum(before) if len(before) == len(rated) else None, oldest, missing)


def parse_price(text: object) -> int:
    """Units of 10^-12 from a decimal text, further decimals cut off; raises InvalidAmount."""
    said = str(text).strip() if isinstance(text, str | int | Decimal) and not isinstance(text, bool) else ""
    if _EXPONENT.fullmatch(said):
        said = f"{Decimal(said):f}"
    whole, dot, fraction = said.partition(".")
    price = money.parse(f"{whole}{dot}{fraction[:DECIMALS]}".rstrip("."), DECIMALS)
    if not 0 < price <= MAX_AMOUNT:
        raise InvalidAmount(gettext("A rate must be more than zero."))
    return price


def set_rate(*, coin: Coin, currency: str, price: int, source: str = BY_HAND, at: datetime | None = None) -> Rate:
    """The rate from now on. Raises InvalidRequest for a currency this site does not show."""
    if currency not in settings.WALLETS_CURRENCIES:
        raise InvalidRequest(
            gettext("This site does not show %(currency)s: see the setting WALLETS_CURRENCIES.")
            % {"currency": currency[:3]}
        )
    moment = at or now()
    hour = moment.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        row, _ = Rate.objects.update_or_create(
            coin=coin, currency=currency, defaults={"price": price, "source": source[:60], "at": moment}
        )
        RatePoint.objects.update_or_create(coin=coin, currency=currency, hour=hour, defaults={"price": price})
    return row


def take(said: Any, *, source: str) -> int:
    """Keep what a source of rates answered; how many rates that were. What cannot be read is left out.

    said: {"litecoin": {"eur": Decimal}}; a coin is named by its name or its symbol, letter case aside.
    """
    if not isinstance(said, dict):
        return 0
    prices = {str(name).lower(): by for name, by in said.items() if isinstance(by, dict)}
    taken = 0
    for coin in Coin.objects.filter(is_active=True):
        found = prices.get(coin.name.lower(), prices.get(coin.symbol.lower(), {}))
        taken += sum(_take_one(coin, str(currency).upper(), price, source) for currency, price in found.items())
    RatePoint.objects.filter(hour__lt=now() - KEPT).delete()
    return taken


def _take_one(coin: Coin, currency: str, price: object, source: str) -> bool:
    if currency not in settings.WALLETS_CURRENCIES:
        return False
    try:
        set_rate(coin=coin, currency=currency, price=parse_price(price), source=source)
    except InvalidAmount:
        return False
    return True
