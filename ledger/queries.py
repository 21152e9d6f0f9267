"""Reads for every surface. Nothing here writes, and nothing asks a node."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from ledger.models import (
    Account,
    Address,
    Coin,
    Deposit,
    FeeRule,
    Kind,
    Operation,
    Posting,
    Purpose,
    Queue,
    Withdrawal,
)
from ledger.money import plain
from ledger.services import limits, rules, waiting
from ledger.services.states import CoinState, state_of
from ledger.services.told import told
from wallets_site.base.errors import NotFound
from wallets_site.base.newest import newest_of

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 25


# Coins and balances -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class CoinBalance:
    """Atomic units. held: reserved for withdrawals under way; incoming: seen on the network, not yet credited."""

    coin: Coin
    available: int
    held: int
    incoming: int
    state: CoinState
    account_id: int | None = None  # the main account, once there is one

    @property
    def total(self) -> int:
        return self.available + self.held


def coins() -> list[Coin]:
    return [copy(known.coin) for known in rules.current().symbols.values()]


def coin(symbol: str) -> Coin:
    """The active coin of this symbol, letter case aside; raises NotFound."""
    known = rules.current().symbols.get(symbol.upper()) if symbol.isascii() else None
    if known is None:
        raise NotFound(_("There is no coin called %(symbol)s.") % {"symbol": symbol[:10]})
    return copy(known.coin)


def balances(user: User) -> list[CoinBalance]:
    return _balances(user, coins())


def balance(user: User, coin: Coin) -> CoinBalance:
    return _balances(user, [coin])[0]


def _balances(user: User, wanted: Sequence[Coin]) -> list[CoinBalance]:
    """Three statements whatever the number of coins, and none whose cost grows with history."""
    known = rules.current()
    rows = Account.objects.filter(owner=user, number=0, coin__in=wanted)
    found = {(row.coin_id, row.kind): row for row in rows}
    held = {place: row.balance for place, row in found.items()}
    numbers = {coin_id: row.pk for (coin_id, kind), row in found.items() if kind == Kind.USER}
    incoming: dict[int, int] = {}
    seen = Deposit.objects.filter(operation__user=user, state=Deposit.State.SEEN, coin__in=wanted)
    for coin_id, amount in seen.values_list("coin_id", "amount"):
        incoming[coin_id] = incoming.get(coin_id, 0) + amount
    return [
        CoinBalance(
            coin=item,
            available=held.get((item.pk, Kind.USER), 0),
            held=held.get((item.pk, Kind.HELD), 0),
            incoming=incoming.get(item.pk, 0),
            state=state_of(known.of(item)),
            account_id=numbers.get(item.pk),
        )
        for item in wanted
    ]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a coin costs and allows, as decimal texts without the symbol; empty where there is no bound."""

    move_fee: str
    withdrawal_fee: str
    move_minimum: str
    withdrawal_minimum: str
    withdrawal_maximum: str
    withdrawal_daily: str
    confirmations: int
    minimum_deposit: str


def terms(coin: Coin) -> Terms:
    known = rules.current().of(coin)
    fees = known.fees

    def bound(purpose: Purpose, name: str) -> str:
        value = getattr(known.limits.get(purpose), name, None)
        return "" if value is None else plain(value, coin.decimals)

    return Terms(
        move_fee=_fee_text(fees.get(Purpose.MOVE), coin),
        withdrawal_fee=_fee_text(fees.get(Purpose.WITHDRAWAL), coin),
        move_minimum=bound(Purpose.MOVE, "minimum"),
        withdrawal_minimum=bound(Purpose.WITHDRAWAL, "minimum"),
        withdrawal_maximum=bound(Purpose.WITHDRAWAL, "maximum"),
        withdrawal_daily=bound(Purpose.WITHDRAWAL, "daily"),
        confirmations=coin.confirmations,
        minimum_deposit=plain(coin.min_deposit, coin.decimals) if coin.min_deposit else "",
    )


def _fee_text(rule: FeeRule | None, coin: Coin) -> str:
    if rule is None or not (rule.fixed or rule.ppm):
        return ""
    parts = [plain(rule.fixed, coin.decimals)] if rule.fixed else []
    if rule.ppm:
        parts.append(f"{plain(rule.ppm, 4)} %")
    return " + ".join(parts)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a person may send of a coin for a purpose: atomic units, None where there is no bound."""

    coin: Coin
    purpose: Purpose
    minimum: int | None
    maximum: int | None
    daily: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.daily is None else max(0, self.daily - self.used)


def bounds(user: User) -> list[Bound]:
    """For each coin and purpose, with what was used in the last 24 hours."""
    known, found = rules.current(), []
    for item in coins():
        for purpose in Purpose:
            row = known.of(item).limits.get(purpose)
            used = limits.used_today(user_id=user.pk, coin=item, purpose=purpose)
            found.append(
                Bound(item, purpose, row.minimum, row.maximum, row.daily, used)
                if row
                else Bound(item, purpose, None, None, None, used)
            )
    return found


# Activity ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ActivityPage:
    operations: list[Operation]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which operations somebody looks for. since: from this moment on; until: before this one; text: in an address,
    a transaction id, a note, a member's name or the label of the address it came to."""

    coin: Coin | None = None
    kind: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    @property
    def as_query(self) -> Q:
        exact = {"coin": self.coin, "kind": self.kind, "status": self.status, "created_at__gte": self.since,
                 "created_at__lt": self.until}  # fmt: skip
        found = Q(**{name: value for name, value in exact.items() if value})
        if self.text:
            places = ("address", "txid", "comment", "note", "counterpart__username", "deposit__address__label")
            found &= functools.reduce(operator.or_, (Q(**{f"{place}__icontains": self.text}) for place in places))
        return found


def activity(
    user: User, *, coin: Coin | None = None, kind: str = "", status: str = "", before: int | None = None,
    limit: int = PAGE, wanted: Wanted | None = None,
) -> ActivityPage:  # fmt: skip
    """Newest first; `before` is the last id of the page before this one."""
    asked = wanted or Wanted(coin, kind, status)
    rows = Operation.objects.filter(asked.as_query).select_related("account", "counterpart", "withdrawal__dispatch")
    found = list(newest_of(rows, user.pk, before)[: limit + 1])
    known = rules.current().coins
    for row in found:
        if row.coin_id in known:  # in memory already: joined, it is most of what the database plans and sends
            row.coin = known[row.coin_id].coin
    more = len(found) > limit
    return ActivityPage(found[:limit], found[limit - 1].pk if more else None)


def operation(user: User, pk: int) -> Operation:
    """This person's operation; raises NotFound for anybody else's."""
    rows = Operation.objects.select_related(
        "coin", "account", "counterpart", "withdrawal__dispatch", "deposit", "withdrawal__coin"
    )
    found = rows.filter(user=user, pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such operation."))
    return found


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    at: datetime | None
    state: Literal["done", "now", "todo", "failed"]
    detail: str = ""


def timeline(operation: Operation) -> list[Step]:
    """What has happened and what is still to come, oldest first."""
    if operation.kind == Operation.Kind.DEPOSIT:
        return _deposit_steps(operation)
    withdrawal = getattr(operation, "withdrawal", None)
    if withdrawal is None:
        return _move_steps(operation)
    return _withdrawal_steps(operation, withdrawal)


def _move_steps(operation: Operation) -> list[Step]:
    end = _("Received") if operation.incoming else _("Sent")
    if operation.status == Operation.Status.DONE:
        return [Step(end, operation.done_at or operation.created_at, "done")]
    first = Step(_("Requested"), operation.created_at, "done")
    if operation.is_final:
        title = operation.get_status_display().capitalize()
        return [first, Step(title, operation.done_at, "failed", told(operation.reason))]
    return [first, Step(_("Confirmed"), None, "now", waiting_for(operation)), Step(end, None, "todo")]


def _deposit_steps(operation: Operation) -> list[Step]:
    steps = [Step(_("Seen on the network"), operation.created_at, "done")]
    if operation.status == Operation.Status.CANCELLED:
        return [*steps, Step(_("Cancelled"), operation.done_at, "failed", told(operation.reason))]
    done = operation.status == Operation.Status.DONE
    counted = waiting.counted(operation)
    steps.append(Step(_("Confirmations"), None, "done" if done else "now", counted))
    return [*steps, Step(_("Credited"), operation.done_at, "done" if done else "todo")]


def _withdrawal_steps(operation: Operation, row: Withdrawal) -> list[Step]:
    steps = [Step(_("Requested"), operation.created_at, "done")]
    if operation.status in (Operation.Status.CANCELLED, Operation.Status.FAILED):
        return [
            *steps,
            Step(operation.get_status_display().capitalize(), operation.done_at, "failed", told(operation.reason)),
        ]
    if operation.pair_id:
        return [*steps, Step(_("Paid inside this site"), operation.done_at, "done")]
    dispatch = row.dispatch
    sent = row.state in (Withdrawal.State.ATTEMPTED, Withdrawal.State.DONE)
    done = row.state == Withdrawal.State.DONE
    steps.append(
        Step(_("Handed to the network"), dispatch.attempted_at if dispatch else None, "done" if sent else "now",
             "" if sent else waiting_for(operation))
    )  # fmt: skip
    state: Literal["done", "now", "todo"] = "done" if done else "now" if sent else "todo"
    steps.append(Step(_("Confirmations"), None, state, waiting.counted(operation) if sent else ""))
    return [*steps, Step(_("Done"), operation.done_at, "done" if done else "todo")]


def waiting_for(operation: Operation) -> str:
    """What a pending operation waits for, in words; empty when it is final."""
    return waiting.say(operation).words


def can_cancel(operation: Operation) -> bool:
    if operation.kind == Operation.Kind.MOVE:
        return operation.status == Operation.Status.UNCONFIRMED and not operation.incoming
    withdrawal = getattr(operation, "withdrawal", None)
    return withdrawal is not None and withdrawal.state in (Withdrawal.State.QUEUED, Withdrawal.State.WAITING)


# Addresses --------------------------------------------------------------------------------------------
def addresses(user: User, coin: Coin) -> list[Address]:
    """This person's deposit addresses, newest first; each of them keeps working."""
    rows = Address.objects.filter(account__owner=user, coin=coin, amount=None).select_related("wallet", "coin")
    return list(rows.order_by("-assigned_at", "-pk"))


def incoming(user: User, coin: Coin) -> list[Deposit]:
    """Deposits on their way: seen, not yet credited."""
    rows = Deposit.objects.filter(operation__user=user, coin=coin, state=Deposit.State.SEEN)
    return list(rows.select_related("operation", "address", "coin").order_by("-pk"))


# The books --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Standing:
    """An account's exact totals, open queue rows included."""

    kind: str
    owner_id: int | None
    debits: int
    credits: int

    @property
    def balance(self) -> int:
        return self.credits - self.debits


def standings(coin: Coin) -> list[Standing]:
    """Every account of a coin, from one statement and so from one moment."""
    sums: dict[int, list[int]] = {}
    names: dict[int, tuple[str, int | None]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.kind, a.owner_id, a.debits, a.credits, q.side, q.amount FROM ledger_account a"
            " LEFT JOIN ledger_queue q ON q.account_id = a.id WHERE a.coin_id = %s ORDER BY a.id",
            [coin.pk],
        )
        for pk, kind, owner_id, debits, credits, side, amount in cursor.fetchall():
            names[pk] = (kind, owner_id)
            total = sums.setdefault(pk, [int(debits), int(credits)])
            if side:
                total[0 if side == Queue.Side.DEBIT else 1] += int(amount)
    return [Standing(*names[pk], debits, credits) for pk, (debits, credits) in sums.items()]


def totals(coin: Coin) -> dict[str, int]:
    """Balance (credits - debits) by kind of account; they sum to zero. Hot and cold stand below zero."""
    found = dict.fromkeys(Kind.values, 0)
    for standing in standings(coin):
        found[standing.kind] += standing.balance
    return found


def balance_at(account: Account, moment: datetime) -> int:
    """An owned account's balance after its last posting made at or before `moment`; a search in log2(n) steps."""
    last = lines_until(account, moment)
    return _line_at(account, last)[1] if last else 0


def lines_until(account: Account, moment: datetime) -> int:
    """How many postings an owned account had at `moment`."""
    low, high = 0, Account.objects.values_list("version", flat=True).get(pk=account.pk)
    while low < high:
        middle = (low + high + 1) // 2
        if _line_at(account, middle)[0] <= moment:
            low = middle
        else:
            high = middle - 1
    return low


def _line_at(account: Account, number: int) -> tuple[datetime, int]:
    for side in ("debit", "credit"):
        row = Posting.objects.filter(**{side: account, f"{side}_seq": number}).values_list(
            "transaction__created_at", f"{side}_debits", f"{side}_credits"
        )
        for created_at, debits, credits in row:
            return created_at, credits - debits
    raise LookupError(f"account {account.pk} has no posting {number}")


def shared_accounts_with_queue() -> Iterable[int]:
    return Queue.objects.order_by().values_list("account_id", flat=True).distinct()
