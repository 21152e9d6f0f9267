"""Pays: first finish what was prepared, then prepare the next. May die between any two lines.

record -> lookup -> commit the attempt -> broadcast -> commit the outcome -> lookup until final. The database
allows one prepared-but-untried dispatch per wallet; the lock here only spares two workers the same work.
"""

from __future__ import annotations

import logging
from typing import Final

from django.db import IntegrityError
from django.utils.translation import gettext as _

from adapters import registry
from adapters.base import (
    Absent,
    CoinAdapter,
    Confirmed,
    Dead,
    Health,
    NodeError,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Pending,
    Prepared,
    Tried,
    Unknown,
)
from ledger import events
from ledger.drains import countersign, steps
from ledger.drains.alone import alone
from ledger.drains.clock import Budget
from ledger.drains.scan import ask_health
from ledger.models import CoinWallet, Dispatch, Withdrawal
from ledger.services import addresses, payouts, recovery, wallets
from wallets_site.base.clock import now
from wallets_site.base.errors import WrongState

log = logging.getLogger(__name__)
AT_A_LOOK: Final = 200  # payments of a lane of their own each


def pay(wallet_id: int) -> bool:
    """One run over a wallet's payouts; whether the node answered."""
    return alone(f"pay:{wallet_id}", lambda: _work(wallet_id))


def _work(wallet_id: int) -> bool:
    recovery.look()
    use = CoinWallet.objects.select_related("coin", "wallet").get(wallet_id=wallet_id)
    if not has_work(use):
        return True
    adapter = registry.open(use.wallet)
    if not ask_health(use.wallet, adapter):
        return False
    try:
        _run(use, adapter)
    except NodeError as error:
        wallets.record_health(use.wallet, Health(ok=False, reason=str(error)))
        return False
    return True


def has_work(use: CoinWallet) -> bool:
    return bool(payouts.live(use.wallet) or payouts.queued(use, 1))


def _run(use: CoinWallet, adapter: CoinAdapter) -> None:
    if adapter.lane == "payment":
        _run_each_alone(use, adapter)
        return
    budget = Budget()
    for row in payouts.live(use.wallet):
        if not budget.left:
            return
        follow(use, adapter, row)
    while budget.left and (made := prepare_next(use, adapter)) is not None:
        follow(use, adapter, made)


def _run_each_alone(use: CoinWallet, adapter: CoinAdapter) -> None:
    """Payments that do not depend on each other: one that waits for its recipient or for money holds up no other.

    New ones come before those under way; of these each gets its turn, however many there are.
    """
    budget, short, live = Budget(), 0, payouts.live(use.wallet)
    for row in payouts.queued(use, AT_A_LOOK):
        if not budget.left:
            return
        if short and row.amount >= short:
            _tell_short(use, [row.pk], NotEnoughFunds("a smaller payment waits for funds already"))
            continue
        made = _prepare_alone(use, adapter, row)
        if made is not None:
            follow(use, adapter, made)
        elif Withdrawal.objects.filter(pk=row.pk, state=Withdrawal.State.QUEUED).exists():
            short = row.amount
    first = int(now().timestamp()) % len(live) if live else 0
    for dispatch in live[first:] + live[:first]:
        if not budget.left:
            return
        follow(use, adapter, dispatch)


def _prepare_alone(use: CoinWallet, adapter: CoinAdapter, row: Withdrawal) -> Dispatch | None:
    if not _outside_only(use, adapter, [row]):
        return None
    return _prepare_one(use, adapter, row, [payouts.as_tried(item) for item in payouts.live(use.wallet)])


def follow(use: CoinWallet, adapter: CoinAdapter, row: Dispatch) -> None:
    """Look one dispatch up, send it if it is proven absent, and write down what is known then."""
    found = adapter.lookup(payouts.as_tried(row))
    if isinstance(found, Absent):
        steps.reached(steps.LOOKED_UP)
        if not _send(adapter, row):
            return
        row.refresh_from_db()
        found = adapter.lookup(payouts.as_tried(row))
    if isinstance(found, Pending):
        payouts.confirm(row.pk, txid=found.txid, confirmations=0, fee=found.fee, needed=use.coin.confirmations)
    elif isinstance(found, Confirmed):
        payouts.confirm(
            row.pk, txid=found.txid, confirmations=found.confirmations, fee=found.fee, needed=use.coin.confirmations,
            preimage=found.preimage,
        )  # fmt: skip
    elif isinstance(found, Dead):
        log.warning("dispatch %s is dead: %s", row.pk, found.reason)
        payouts.release(row.pk, found.reason)
    elif isinstance(found, Unknown):
        payouts.note_wait(row.pk, found.reason)


def _send(adapter: CoinAdapter, row: Dispatch) -> bool:
    if reason := countersign.why_not(row):
        payouts.note_wait(row.pk, reason)
        return False
    begun = payouts.begin_attempt(row.pk)
    if begun is None:
        return False
    steps.reached(steps.ATTEMPTED)
    result = adapter.broadcast(payouts.as_tried(row).prepared)  # the very bytes that were agreed to
    steps.reached(steps.SENT)
    payouts.note_outcome(row.pk, begun.attempts, result)
    steps.reached(steps.MARKED)
    return True


def prepare_next(use: CoinWallet, adapter: CoinAdapter, *, after: int = 0, batches: int = 3) -> Dispatch | None:
    """Record the next payment of this wallet; None when there is none, or none can be prepared now. One transaction
    pays withdrawals of one fee level: those of the oldest first, and if the wallet is short for them, of another.

    after: only withdrawals younger than this one; batches: how many may be passed over for want of funds.
    """
    queued = payouts.queued(use, payouts.batch_size(adapter.max_batch), after=after)
    waiting = _outside_only(use, adapter, queued)
    if not waiting:
        return None
    known = [payouts.as_tried(row) for row in payouts.live(use.wallet)]
    for rows in _by_level(waiting):
        try:
            prepared = adapter.prepare([_payment(row) for row in rows], known)
        except NodeRefused as error:
            return _refused(use, adapter, rows, error)
        except NotEnoughFunds as error:
            made = _smaller(use, adapter, rows, known, error)
            if made is not None:
                return made
            continue
        steps.reached(steps.PREPARED)
        return record(use, adapter, prepared, [row.pk for row in rows])
    return prepare_next(use, adapter, after=waiting[-1].pk, batches=batches - 1) if batches > 1 else None


def _by_level(rows: list[Withdrawal]) -> list[list[Withdrawal]]:
    groups: dict[str, list[Withdrawal]] = {}
    for row in rows:
        groups.setdefault(row.level, []).append(row)
    return list(groups.values())


def record(use: CoinWallet, adapter: CoinAdapter, prepared: Prepared, ids: list[int]) -> Dispatch | None:
    try:
        row = payouts.record(use, prepared, ids, adapter.lane)
    except (IntegrityError, WrongState) as error:
        if adapter.lane == "payment" and isinstance(error, IntegrityError):
            _fail_repeated(use, prepared.id, ids)
        log.info("wallet %s: a payout was not recorded: %s", use.wallet.name, error)
        return None
    steps.reached(steps.RECORDED)
    return row


def _fail_repeated(use: CoinWallet, ident: str, ids: list[int]) -> None:
    """What these would pay was paid or tried by another withdrawal, whose outcome it has for ever."""
    if Dispatch.objects.filter(wallet=use.wallet, ident=ident).exists():
        for pk in ids:
            payouts.fail_queued(pk, _("This invoice was paid or tried before. Ask the recipient for a new one."))


def _payment(row: Withdrawal) -> Payment:
    return Payment(id=f"w{row.pk}", address=row.address, amount=row.amount, extra=row.extra, level=row.level)


def _outside_only(use: CoinWallet, adapter: CoinAdapter, rows: list[Withdrawal]) -> list[Withdrawal]:
    """Settle inside what turns out to be ours, before anything reaches a node."""
    outside = []
    for row in rows:
        ours = addresses.ours(use.coin, row.address, row.extra)
        if ours is not None:
            payouts.settle_inside(row.pk, ours)
        elif adapter.is_ours(row.address):
            payouts.fail_queued(row.pk, "The address belongs to this site's own wallet.")
        else:
            outside.append(row)
    return outside


def _refused(use: CoinWallet, adapter: CoinAdapter, rows: list[Withdrawal], error: NodeRefused) -> Dispatch | None:
    """One payment of a batch can never be made: fail it alone, and let the others go on."""
    guilty = [row for row in rows if row.address == error.address] if error.address else rows[:1] * (len(rows) == 1)
    if not guilty:
        for row in rows:
            made = _prepare_one(use, adapter, row, [payouts.as_tried(item) for item in payouts.live(use.wallet)])
            if made is not None:
                return made
        return None
    for row in guilty:
        payouts.fail_queued(row.pk, str(error))
    return prepare_next(use, adapter)


def _smaller(
    use: CoinWallet, adapter: CoinAdapter, rows: list[Withdrawal], known: list[Tried], short: NotEnoughFunds
) -> Dispatch | None:
    """One that is too large for now holds up no smaller one: half of them, the smallest, then half of those …"""
    part = sorted(rows, key=lambda row: (row.amount, row.pk))
    while len(part) > 1:
        part = part[: len(part) // 2]
        try:
            prepared = adapter.prepare([_payment(row) for row in part], known)
        except NodeRefused as error:
            return _refused(use, adapter, part, error)
        except NotEnoughFunds:
            continue
        steps.reached(steps.PREPARED)
        return record(use, adapter, prepared, [row.pk for row in part])
    _tell_short(use, [row.pk for row in rows], short)
    return None


def _prepare_one(use: CoinWallet, adapter: CoinAdapter, row: Withdrawal, known: list[Tried]) -> Dispatch | None:
    try:
        prepared = adapter.prepare([_payment(row)], known)
    except NodeRefused as error:
        payouts.fail_queued(row.pk, str(error))
        return None
    except NotEnoughFunds as error:
        _tell_short(use, [row.pk], error)
        return None
    steps.reached(steps.PREPARED)
    return record(use, adapter, prepared, [row.pk])


def _tell_short(use: CoinWallet, ids: list[int], error: NotEnoughFunds) -> None:
    payouts.note_queued(ids, "Waiting for funds in the site's hot wallet; it goes on by itself.")
    alarm = f"hot_wallet_short:{use.wallet_id}"
    if wallets.first_this_hour(alarm):
        log.error("wallet %s is short: %s", use.wallet.name, error)
        events.emit("hot_wallet_short", wallet=use.wallet.name, reason=str(error)[:300])
