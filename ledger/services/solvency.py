"""What the books say the nodes hold, against what the nodes say; alarms, and brakes by degrees.

Three answers: ok, short, cannot know. Not knowing brakes nothing. A brake slows payouts only, never sign-in or moves:
large payouts first, all of them when the shortage lasts or is grave. Two people release it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction

from accounts.capabilities import Capability, require
from ledger import events, locks, queries
from ledger.models import Brake, Coin, Dispatch, Kind, SolvencyCheck, Withdrawal
from ledger.money import plain
from ledger.services.wallets import first_this_hour
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User

LARGE_PART: Final = 20  # a payout above 1/20 of what is owed is large
GRAVE_PART: Final = 100  # a shortage above 1/100 of what is owed stops all payouts at once


@dataclass(frozen=True, slots=True)
class Position:
    """Atomic units. owed: what members are owed; expected: what the nodes should hold by the books, with what is on
    its way out, and what is charged for it, taken off."""

    owed: int
    expected: int


def position(coin: Coin) -> Position:
    totals = queries.totals(coin)
    under_way = Dispatch.objects.filter(coin=coin, state=Dispatch.State.LIVE, attempts__gt=0)
    fees = sum(under_way.values_list("fee", flat=True))
    sent = list(Withdrawal.objects.filter(dispatch__in=under_way).values_list("amount", "fee"))
    leaving, charged = sum(amount for amount, _ in sent), sum(fee for _, fee in sent)
    owed = totals[Kind.USER] + totals[Kind.HELD] + totals[Kind.SUSPENSE] + totals[Kind.TRANSIT] - leaving - charged
    return Position(owed, -totals[Kind.HOT] - leaving - fees)


def check_coin(coin: Coin, ask: Callable[[], int]) -> SolvencyCheck:
    """Compare, write down, alarm, brake. ask: what all nodes of the coin hold; any NodeError means "cannot know".

    The books are read before and after the nodes; the milder reading counts, for money moves meanwhile.
    """
    from adapters.base import NodeError

    before = position(coin)
    try:
        held = ask()
        if held < 0:
            raise NodeError("a node says it holds less than nothing")
    except NodeError as error:
        return _unknown(coin, before, str(error))
    after = position(coin)
    owed, expected = min(before.owed, after.owed), min(before.expected, after.expected)
    margin = coin.solvency_margin
    short = held + margin < owed
    missing = max(0, expected - margin - held)
    reason = _words(coin, held, owed, missing, short=short)
    with transaction.atomic(durable=True):
        check = SolvencyCheck.objects.create(
            coin=coin, answer=SolvencyCheck.Answer.SHORT if short else SolvencyCheck.Answer.OK, owed=max(0, owed),
            held=held, reason=reason,
        )  # fmt: skip
        if missing:
            _brake(coin, owed, max(missing, owed - held if short else 0), reason, short=short)
    return check


def _words(coin: Coin, held: int, owed: int, missing: int, *, short: bool) -> str:
    if not missing and not short:
        return ""
    say = f"The nodes hold {plain(held, coin.decimals)} {coin.symbol}"
    if short:
        return f"{say}; {plain(owed - held, coin.decimals)} less than is owed to members."
    return f"{say}; {plain(missing, coin.decimals)} less than the books say, though still enough for all members."


def _unknown(coin: Coin, seen: Position, reason: str) -> SolvencyCheck:
    check = SolvencyCheck.objects.create(
        coin=coin, answer=SolvencyCheck.Answer.UNKNOWN, owed=max(0, seen.owed), reason=reason[:300]
    )
    if first_this_hour(f"solvency_unknown:{coin.pk}"):
        events.emit("solvency_unknown", coin=coin.symbol, reason=reason[:300])
    return check


def _brake(coin: Coin, owed: int, shortage: int, reason: str, *, short: bool) -> None:
    last = Brake.objects.filter(coin=coin).order_by("-pk").first()
    if last is not None and last.released_at is not None and shortage <= last.accepted:
        return
    grave = short and shortage * GRAVE_PART > owed
    brake = locks.open_brake(coin.pk)
    if brake is None:
        level = Brake.Level.ALL if grave else Brake.Level.LARGE
        Brake.objects.create(
            coin=coin, level=level, reason=reason, threshold=max(0, owed) // LARGE_PART, accepted=shortage
        )
        events.emit("solvency_short", coin=coin.symbol, reason=reason)
        events.emit("brake_set", coin=coin.symbol, level=level, reason=reason)
        return
    lasting = short and brake.level == Brake.Level.LARGE
    if lasting:
        brake.level = Brake.Level.ALL
        events.emit("brake_set", coin=coin.symbol, level=brake.level, reason=reason)
    brake.reason, brake.accepted = reason, shortage
    brake.save(update_fields=["level", "reason", "accepted"])


def most_payable(coin: Coin) -> int | None:
    """The largest payout that may leave now: None without a brake, 0 while all are stopped."""
    brake = Brake.objects.filter(coin=coin, released_at=None).first()
    if brake is None:
        return None
    return 0 if brake.level == Brake.Level.ALL else brake.threshold


def ask_release(*, user: User, brake_id: int, reason: str) -> Brake:
    """The first of two people asks for payouts to go on."""
    require(user, Capability.MANAGE_WALLETS)
    if not reason.strip():
        raise InvalidRequest("Say why payouts may go on.")
    with transaction.atomic(durable=True):
        brake = _open(brake_id)
        brake.release_by, brake.release_reason = user, reason.strip()[:300]
        brake.save(update_fields=["release_by", "release_reason"])
    return brake


def confirm_release(*, user: User, brake_id: int) -> Brake:
    """The second person lets them go on; a shortage no larger than this one brakes nothing again."""
    require(user, Capability.APPROVE_PAYMENTS)
    with transaction.atomic(durable=True):
        brake = _open(brake_id)
        if brake.release_by_id is None:
            raise WrongState("Nobody has asked for this release yet.")
        if brake.release_by_id == user.pk:
            raise NotAllowed("Somebody else must confirm the release you asked for.")
        brake.released_by, brake.released_at = user, now()
        brake.save(update_fields=["released_by", "released_at"])
        events.emit("brake_released", coin=brake.coin.symbol, by=user.pk)
    return brake


def _open(brake_id: int) -> Brake:
    found = Brake.objects.filter(pk=brake_id).values_list("coin_id", flat=True).first()
    brake = locks.open_brake(found) if found else None
    if brake is None or brake.pk != brake_id:
        raise NotFound("There is no such brake.")
    return brake
