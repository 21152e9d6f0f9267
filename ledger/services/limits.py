"""Bounds on one payment and on a person's last 24 hours, from the ledger, under the account lock."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from ledger.fields import AmountSum
from ledger.models import Account, Coin, Kind, Operation, Purpose
from ledger.money import plain
from ledger.services import rules
from wallets_site.base.clock import now
from wallets_site.base.errors import LimitReached, NotAllowed

_KINDS = {Purpose.MOVE: Operation.Kind.MOVE, Purpose.WITHDRAWAL: Operation.Kind.WITHDRAWAL}
UNDONE = (Operation.Status.FAILED, Operation.Status.CANCELLED)


def check(*, user_id: int, coin: Coin, purpose: Purpose, amount: int) -> None:
    """Raises LimitReached with the bound, NotAllowed while this person's payments of the coin are frozen."""
    known = rules.current().of(coin)
    if (reason := known.frozen.get(user_id)) is not None:
        raise NotAllowed(
            _("Your %(name)s payments are on hold until a manager has looked at them: %(reason)s")
            % {"name": coin.name, "reason": reason}
        )
    limit = known.limits.get(purpose)
    if limit is None:
        return
    if limit.minimum is not None and amount < limit.minimum:
        raise LimitReached(
            _("The smallest amount is %(minimum)s.") % {"minimum": _text(limit.minimum, coin)},
            minimum=str(limit.minimum),
        )
    if limit.maximum is not None and amount > limit.maximum:
        raise LimitReached(
            _("The largest amount at a time is %(maximum)s.") % {"maximum": _text(limit.maximum, coin)},
            maximum=str(limit.maximum),
        )
    if limit.daily is not None:
        _check_daily(user_id, coin, purpose, amount, limit.daily)


def counts(coin: Coin, purpose: Purpose) -> bool:
    """Whether a bound adds up what a person sent before, so that it must be checked under their account's lock."""
    limit = rules.current().of(coin).limits.get(purpose)
    return limit is not None and limit.daily is not None


def also_locked(user_id: int, coin: Coin, purpose: Purpose) -> list[int]:
    """Accounts to lock together with those of the payment itself: a daily bound counts what left all of a person's
    accounts of the coin, so two payments from two of them must not both find room."""
    if not counts(coin, purpose):
        return []
    return list(Account.objects.filter(owner=user_id, coin=coin, kind=Kind.USER).values_list("pk", flat=True))


def _check_daily(user_id: int, coin: Coin, purpose: Purpose, amount: int, daily: int) -> None:
    used = used_today(user_id=user_id, coin=coin, purpose=purpose)
    if used + amount > daily:
        left = max(0, daily - used)
        raise LimitReached(
            _("At most %(daily)s leave in 24 hours; %(left)s of it is left now.")
            % {"daily": _text(daily, coin), "left": _text(left, coin)},
            left=str(left),
        )


def used_today(*, user_id: int, coin: Coin, purpose: Purpose) -> int:
    """What this person sent or asked to send in the last 24 hours, without what failed or was cancelled."""
    rows = Operation.objects.filter(
        user_id=user_id, coin=coin, kind=_KINDS[purpose], incoming=False, created_at__gt=now() - timedelta(days=1)
    ).exclude(status__in=UNDONE)
    found = rows.aggregate(gross=AmountSum("gross"), fee=AmountSum("fee"))
    return int(found["gross"] or 0) - int(found["fee"] or 0)


def _text(amount: int, coin: Coin) -> str:
    return f"{plain(amount, coin.decimals)} {coin.symbol}"
