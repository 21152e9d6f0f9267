"""Bounds on one payment and on a person's last 24 hours, from the ledger, under the account lock."""

from __future__ import annotations

from datetime import timedelta

from ledger.models import Coin, Operation, Purpose
from ledger.money import plain
from ledger.services import rules
from wallets_site.base.clock import now
from wallets_site.base.errors import LimitReached, NotAllowed

_KINDS = {Purpose.MOVE: Operation.Kind.MOVE, Purpose.WITHDRAWAL: Operation.Kind.WITHDRAWAL}
_UNDONE = (Operation.Status.FAILED, Operation.Status.CANCELLED)


def check(*, user_id: int, coin: Coin, purpose: Purpose, amount: int) -> None:
    """Raises LimitReached with the bound, NotAllowed while this person's payments of the coin are frozen."""
    known = rules.current().of(coin)
    if (reason := known.frozen.get(user_id)) is not None:
        raise NotAllowed(f"Your {coin.name} payments are on hold until a manager has looked at them: {reason}")
    limit = known.limits.get(purpose)
    if limit is None:
        return
    if limit.minimum is not None and amount < limit.minimum:
        raise LimitReached(f"The smallest amount is {_text(limit.minimum, coin)}.", minimum=str(limit.minimum))
    if limit.maximum is not None and amount > limit.maximum:
        raise LimitReached(f"The largest amount at a time is {_text(limit.maximum, coin)}.", maximum=str(limit.maximum))
    if limit.daily is not None:
        _check_daily(user_id, coin, purpose, amount, limit.daily)


def _check_daily(user_id: int, coin: Coin, purpose: Purpose, amount: int, daily: int) -> None:
    used = used_today(user_id=user_id, coin=coin, purpose=purpose)
    if used + amount > daily:
        left = max(0, daily - used)
        raise LimitReached(
            f"At most {_text(daily, coin)} leave in 24 hours; {_text(left, coin)} of it is left now.", left=str(left)
        )


def used_today(*, user_id: int, coin: Coin, purpose: Purpose) -> int:
    """What this person sent or asked to send in the last 24 hours, without what failed or was cancelled."""
    rows = Operation.objects.filter(
        user_id=user_id, coin=coin, kind=_KINDS[purpose], incoming=False, created_at__gt=now() - timedelta(days=1)
    ).exclude(status__in=_UNDONE)
    return sum(gross - fee for gross, fee in rows.values_list("gross", "fee"))


def _text(amount: int, coin: Coin) -> str:
    return f"{plain(amount, coin.decimals)} {coin.symbol}"
