"""A person's coins at a glance: what they have, what it is worth, and how it went lately. Constant in statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ledger import queries
from ledger.models import Operation
from ledger.queries import CoinBalance
from ledger.services import rates
from wallets_site.base.clock import now
from wallets_site.base.newest import newest_of

if TYPE_CHECKING:
    from accounts.models import User

DAYS: Final = 30
MOST_OPERATIONS: Final = 400


@dataclass(frozen=True, slots=True)
class Card:
    """value: hundredths of the chosen currency, None without a rate. history: a balance a day, oldest first, the last
    one being now's; empty where nothing happened."""

    balance: CoinBalance
    value: int | None
    worth: rates.Worth | None
    history: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    cards: tuple[Card, ...]
    total: rates.Total | None
    currency: str

    @property
    def held(self) -> list[Card]:
        """Coins with something in them or on its way, first."""
        return [card for card in self.cards if card.balance.total or card.balance.incoming]

    @property
    def empty(self) -> list[Card]:
        return [card for card in self.cards if not (card.balance.total or card.balance.incoming)]


def overview(user: User) -> Overview:
    currency = rates.currency_of(user)
    balances, known = queries.balances(user), rates.current(currency)
    histories = _histories(user, balances)
    cards = [
        Card(each, rates.value_of(each.total, each.coin.decimals, worth.price) if worth else None, worth,
             histories.get(each.coin.pk, ()))
        for each in balances
        for worth in [known.get(each.coin.pk)]
    ]  # fmt: skip
    total = rates.total([(each.coin, each.total) for each in balances], currency, known)
    return Overview(tuple(cards), total, currency)


def _histories(user: User, balances: Sequence[CoinBalance]) -> dict[int, tuple[int, ...]]:
    """Walks back from today's balances over the newest finished operations."""
    main = [each.account_id for each in balances if each.account_id is not None]
    rows = newest_of(Operation.objects.filter(account_id__in=main), user.pk).values_list(
        "coin_id", "status", "incoming", "gross", "fee", "done_at"
    )
    today, start = now().date(), now() - timedelta(days=DAYS)
    changes: dict[int, dict[int, int]] = {}
    for coin_id, status, incoming, gross, fee, done_at in rows[:MOST_OPERATIONS]:
        if status != Operation.Status.DONE or done_at is None or done_at < start:
            continue
        ago = (today - done_at.date()).days
        of_coin = changes.setdefault(coin_id, {})
        of_coin[ago] = of_coin.get(ago, 0) + (gross - fee if incoming else -gross)
    totals = {each.coin.pk: each.total for each in balances}
    return {pk: _walk_back(totals[pk], by_day) for pk, by_day in changes.items() if pk in totals}


def _walk_back(balance: int, by_day: dict[int, int]) -> tuple[int, ...]:
    days = [balance]
    for ago in range(DAYS):
        balance = max(0, balance - by_day.get(ago, 0))
        days.append(balance)
    return tuple(reversed(days))
