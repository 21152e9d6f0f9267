"""Papers: a month's statement of one coin. Every figure comes from the books, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from ledger import queries, statements
from ledger.models import Account, Coin
from ledger.statements import Line
from wallets_site.base.clock import now
from wallets_site.base.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import User

MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
FIRST_YEAR: Final = 2009
MOST_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class Statement:
    """Atomic units. start, end: balances just before the month and after its last line so far; `end_at` is now for a
    month that still runs. more: lines that did not fit."""

    coin: Coin
    month: str
    start_at: datetime
    end_at: datetime
    start: int
    end: int
    came: int
    went: int
    lines: tuple[Line, ...]
    more: bool
    reserved: int


def statement(user: User, coin: Coin, month: str) -> Statement:
    """month: "2026-11", in the active time zone. Raises NotFound for no month, one to come, or no account."""
    first, after = _bounds(month)
    account = statements.account_of(user, coin)
    start, end = queries.balance_at(account, first), queries.balance_at(account, after)
    lines = _lines(account, first, after)
    came = sum(line.amount for line in lines if line.amount > 0)
    went = -sum(line.amount for line in lines if line.amount < 0)
    balance = queries.balance(user, coin)
    return Statement(
        coin, month, first, min(after, now()), start, end, came, went, tuple(lines[:MOST_LINES]),
        len(lines) > MOST_LINES, balance.held if after > now() else 0,
    )  # fmt: skip


def _bounds(month: str) -> tuple[datetime, datetime]:
    matched = MONTH.fullmatch(month)
    if matched is None:
        raise NotFound(_("There is no such month."))
    year, number = int(matched[1]), int(matched[2])
    zone = timezone.get_current_timezone()
    if not FIRST_YEAR <= year <= now().year + 1:
        raise NotFound(_("There is no such month."))
    first = datetime(year, number, 1, tzinfo=zone)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    if first > now():
        raise NotFound(_("This month has not begun."))
    return first, after


def _lines(account: Account, first: datetime, after: datetime) -> list[Line]:
    """The month's lines, oldest first: two searches and one range, whatever came before."""
    low, high = queries.lines_until(account, first), queries.lines_until(account, after)
    return statements.lines(account, after=low, before=high + 1, limit=MOST_LINES + 1, newest=False)


def months(user: User, coin: Coin, most: int = 24) -> list[str]:
    """The newest months since this account's first line, newest first."""
    account = statements.account_of(user, coin)
    begun = statements.lines(account, limit=1, newest=False)
    if not begun:
        return []
    first, month = timezone.localtime(begun[0].at), timezone.localtime(now())
    year, number = month.year, month.month
    found: list[str] = []
    while (year, number) >= (first.year, first.month) and len(found) < most:
        found.append(f"{year:04}-{number:02}")
        year, number = (year, number - 1) if number > 1 else (year - 1, 12)
    return found
