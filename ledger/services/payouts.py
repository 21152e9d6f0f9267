"""What the worker writes about payouts. The order of these calls is the exactly-once rule (drains/pay.py):
record -> (lookup) -> begin_attempt -> (broadcast) -> note_outcome -> (lookup) -> confirm | release.
After an attempt only release(), called on proof of death, gives money back."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from adapters.base import Prepared, Refused, SendResult, Sent, Tried, Unclear
from adapters.models import Wallet
from ledger import events, locks, posting
from ledger.models import (
    Account,
    Address,
    Attempt,
    CoinWallet,
    Dispatch,
    Freeze,
    Kind,
    Operation,
    PayoutDecision,
    Purpose,
    Withdrawal,
)
from ledger.services import bills, fees, generation, purse_payments, site_settings, solvency, switches
from ledger.services.moves import held_of
from ledger.services.withdrawals import close, give_back
from wallets_site.base.clock import now
from wallets_site.base.errors import WrongState

REASON: Final = 300
NEVER_ARRIVED: Final = "The payment never reached the network; the coins are back."
_FOUND_FIELDS: Final = (
    *("attempts", "attempted_at", "txid", "confirmations", "outcome", "reason", "fee", "state", "settled_at"),
    "preimage",
)


def queued(use: CoinWallet, most: int, *, after: int = 0) -> list[Withdrawal]:
    """The oldest withdrawals that may be prepared now, at most `most`, younger than the one numbered `after`."""
    if not may_prepare(use):
        return []
    frozen = Freeze.objects.filter(coin=use.coin, user__isnull=False, ended_at=None).values("user_id")
    rows = Withdrawal.objects.filter(coin=use.coin, state=Withdrawal.State.QUEUED, pk__gt=after).exclude(
        operation__user_id__in=frozen
    )
    rows = rows.exclude(operation__user__held_until__gt=now())
    if (most_payable := solvency.most_payable(use.coin)) is not None:
        rows = rows.filter(amount__lte=most_payable)
    return list(rows.select_related("operation", "coin").order_by("pk")[:most])


def batch_size(most: int) -> int:
    """How many withdrawals are prepared together: what the coin can do, and not more than the site wants."""
    return min(most, site_settings.current().cron_batch_size)


def may_prepare(use: CoinWallet) -> bool:
    """Whether anything new may be paid from this wallet; what was handed to the network is always followed up."""
    on = use.is_active and use.payouts_on and use.coin.withdrawals_on
    return on and not frozen(use.wallet_id) and not switches.payouts_stopped(use.coin)


def frozen(wallet_id: int) -> bool:
    return Freeze.objects.filter(wallet_id=wallet_id, ended_at=None).exists()


def live(wallet: Wallet) -> list[Dispatch]:
    return list(Dispatch.objects.filter(wallet=wallet, state=Dispatch.State.LIVE).order_by("pk"))


def as_tried(row: Dispatch) -> Tried:
    """A stored dispatch in the adapter's terms."""
    return Tried(
        Prepared(id=row.ident, slot=row.slot, blob=row.blob, fee=row.fee, chore=row.chore),
        attempts=row.attempts,
        attempted_at=row.attempted_at,
        outcome=row.outcome,  # type: ignore[arg-type]
    )


def record(use: CoinWallet, prepared: Prepared, withdrawal_ids: list[int], lane: str) -> Dispatch:
    """Commit what was prepared before the network can know it.

    Raises WrongState when one of the withdrawals is no longer queued, IntegrityError when another worker
    recorded first: in both cases nothing was written and nothing was sent.
    """
    with transaction.atomic(durable=True):
        held = locks.coin_wallet(use.wallet_id)
        rows = locks.withdrawals_by_id(withdrawal_ids)
        if not may_prepare(held) or any(row.state != Withdrawal.State.QUEUED for row in rows):
            raise WrongState("This payout may no longer be prepared.")
        made = Dispatch.objects.create(
            wallet=held.wallet, coin=held.coin, chore=prepared.chore, lane=lane, ident=prepared.id,
            slot=prepared.slot or prepared.id, blob=prepared.blob, fee=prepared.fee,
        )  # fmt: skip
        for row in rows:
            row.state, row.dispatch = Withdrawal.State.DISPATCHED, made
            row.save(update_fields=["state", "dispatch"])
        # What they waited for is over.
        Operation.objects.filter(withdrawal__dispatch=made).exclude(reason="").update(reason="", updated_at=now())
        return made


def begin_attempt(pk: int) -> Dispatch | None:
    """Commit that the next thing done is a send; None when it must not be sent: stopped, frozen, no longer live, or
    people are deciding what became of it."""
    with transaction.atomic(durable=True):
        row = locks.dispatch(pk)
        if row.state != Dispatch.State.LIVE or (row.attempts == 0 and frozen(row.wallet_id)) or _in_question(row):
            return None
        if switches.payouts_stopped(row.coin):
            return None
        row.attempts, row.attempted_at, row.outcome = row.attempts + 1, now(), Dispatch.Outcome.NONE
        row.save(update_fields=["attempts", "attempted_at", "outcome"])
        Attempt.objects.create(dispatch=row, number=row.attempts, begun_at=row.attempted_at)
        if row.attempts == 1:
            _to_transit(row)
        generation.bump()
        return row


def _in_question(row: Dispatch) -> bool:
    return PayoutDecision.objects.filter(dispatch=row, state=PayoutDecision.State.PROPOSED).exists()


def _to_transit(row: Dispatch) -> None:
    transit = posting.account(row.coin, Kind.TRANSIT)
    legs = []
    for withdrawal in locks.withdrawals(dispatch=row):
        legs.append(posting.Leg(_held(withdrawal), transit, withdrawal.amount))
        withdrawal.state = Withdrawal.State.ATTEMPTED
        withdrawal.save(update_fields=["state"])
        events.emit("withdrawal_sent", user_id=withdrawal.operation.user_id, operation=withdrawal.operation)
    if legs:
        _post(row, "withdrawal_attempted", "attempt", legs)


def note_outcome(pk: int, attempt: int, result: SendResult) -> None:
    """Commit what the broadcast answered; it moves no money. An answer to an older attempt is dropped."""
    with transaction.atomic(durable=True):
        row = locks.dispatch(pk)
        if row.state != Dispatch.State.LIVE or row.attempts != attempt:
            return
        if isinstance(result, Sent):
            row.outcome, row.txid, row.reason = Dispatch.Outcome.SENT, result.txid, ""
            _tell_txid(row)
        else:
            refused = isinstance(result, Refused)
            row.outcome = Dispatch.Outcome.REFUSED if refused else Dispatch.Outcome.UNCLEAR
            row.reason = result.reason[:REASON]
            if isinstance(result, Unclear):
                events.emit("payout_unclear", dispatch=row.pk, reason=row.reason)
        row.save(update_fields=["outcome", "txid", "reason"])
        Attempt.objects.filter(dispatch=row, number=attempt).update(
            outcome=row.outcome, reason=row.reason, answered_at=now()
        )


def note_wait(pk: int, reason: str) -> None:
    """Keep for people why this payout waits."""
    Dispatch.objects.filter(pk=pk, state=Dispatch.State.LIVE).exclude(reason=reason[:REASON]).update(
        reason=reason[:REASON]
    )


def confirm(pk: int, *, txid: str, confirmations: int, fee: int | None, needed: int, preimage: str = "") -> None:
    """What lookup() found: the payment is known to the network, with so many confirmations; final at `needed`.

    preimage: in hex, what its recipient revealed."""
    with transaction.atomic(durable=True):
        row = locks.dispatch(pk)
        if row.state != Dispatch.State.LIVE or (row.attempts == 0 and not confirmations and not txid):
            return
        if row.attempts == 0:  # known to the network though we never sent it: somebody else relayed our bytes
            row.attempts, row.attempted_at = 1, now()
            _to_transit(row)
        changed = (row.txid, row.confirmations) != (txid, confirmations)
        row.txid, row.confirmations, row.outcome, row.reason = txid, confirmations, Dispatch.Outcome.SENT, ""
        row.preimage = preimage or row.preimage
        if fee is not None:
            row.fee = fee
        if changed:
            _tell_txid(row)
        if confirmations >= needed:
            _finish(row)
        row.save(update_fields=_FOUND_FIELDS)


def close_found(row: Dispatch, *, txid: str, confirmations: int, fee: int | None) -> None:
    """Two people say it was paid by `txid`. The row is locked, live and was attempted."""
    row.txid, row.confirmations, row.outcome, row.reason = txid, confirmations, Dispatch.Outcome.SENT, ""
    if fee is not None:
        row.fee = fee
    _tell_txid(row)
    _finish(row)
    row.save(update_fields=_FOUND_FIELDS)


def _tell_txid(row: Dispatch) -> None:
    Operation.objects.filter(withdrawal__dispatch=row).update(
        txid=row.txid, confirmations=max(0, row.confirmations), updated_at=now()
    )


def _finish(row: Dispatch) -> None:
    """transit -> hot; fee -> income; unused reserve back; what the network really took is the house's expense."""
    hot = posting.account(row.coin, Kind.HOT)
    legs = []
    for withdrawal in locks.withdrawals(dispatch=row):
        held = _held(withdrawal)
        legs.append(posting.Leg(posting.account(row.coin, Kind.TRANSIT), hot, withdrawal.amount))
        if withdrawal.fee:
            legs.append(posting.Leg(held, posting.account(row.coin, Kind.FEE_INCOME), withdrawal.fee))
        if withdrawal.network_reserve:
            legs += _spend_reserve(row, withdrawal, held)
        close(withdrawal, Withdrawal.State.DONE, Operation.Status.DONE)
        events.emit("withdrawal_done", user_id=withdrawal.operation.user_id, operation=withdrawal.operation)
    if row.fee:
        expense = posting.account(row.coin, Kind.NETWORK_FEE)
        legs.append(posting.Leg(expense, hot, row.fee))
    if legs:
        _post(row, "chore_final" if row.chore else "withdrawal_final", "final", legs)
    row.state, row.settled_at = Dispatch.State.FINAL, now()


def _spend_reserve(row: Dispatch, withdrawal: Withdrawal, held: Account) -> list[posting.Leg]:
    """A route's cost passed on to its sender, and the rest of what was held for it given back."""
    cost = min(row.fee, withdrawal.network_reserve)
    free = withdrawal.operation.account
    legs = []
    if cost:
        legs.append(posting.Leg(held, posting.account(row.coin, Kind.NETWORK_FEE), cost))
    if withdrawal.network_reserve > cost:
        legs.append(posting.Leg(held, free, withdrawal.network_reserve - cost))
    return legs


def release(pk: int, reason: str) -> None:
    """The dispatch is proven dead: its withdrawals are prepared anew, or fail and give everything back.

    What is paid under its recipient's name for it (an invoice) has that one name, recorded once: it is not made anew.
    """
    with transaction.atomic(durable=True):
        row = locks.dispatch(pk)
        if row.state != Dispatch.State.LIVE:
            return
        for withdrawal in _out_of_transit(row):
            _requeue_or_fail(withdrawal, reason, anew=row.lane != "payment")
        _bury(row, reason)


def adopt(row: Dispatch, *, confirmations: int) -> None:
    """A payment found on the chain whose record was lost with a newer database: booked from its send to its end. The
    row is new and its withdrawals are its own."""
    _to_transit(row)
    close_found(row, txid=row.ident, confirmations=confirmations, fee=None)


def close_absent(row: Dispatch, reason: str) -> None:
    """Two people say it was never paid: everything goes back to its owners. The row is locked and live."""
    for withdrawal in _out_of_transit(row):
        withdrawal.tries += 1
        withdrawal.save(update_fields=["tries"])
        _fail(withdrawal, NEVER_ARRIVED)
    _bury(row, reason)


def _out_of_transit(row: Dispatch) -> list[Withdrawal]:
    """transit -> held for what was attempted; the withdrawals of this dispatch."""
    rows = locks.withdrawals(dispatch=row)
    if row.attempts and rows:
        transit = posting.account(row.coin, Kind.TRANSIT)
        legs = [posting.Leg(transit, _held(withdrawal), withdrawal.amount) for withdrawal in rows]
        _post(row, "withdrawal_dead", "dead", legs)
    return rows


def _bury(row: Dispatch, reason: str) -> None:
    row.state, row.reason, row.settled_at = Dispatch.State.DEAD, reason[:REASON], now()
    row.save(update_fields=["state", "reason", "settled_at"])


def _requeue_or_fail(row: Withdrawal, reason: str, *, anew: bool) -> None:
    row.tries += 1
    row.dispatch = None
    row.save(update_fields=["tries", "dispatch"])
    Operation.objects.filter(pk=row.operation_id).update(retries=row.tries, txid="", confirmations=0)
    row.operation.refresh_from_db()
    if anew and row.tries < row.coin.tries_max:
        row.state = Withdrawal.State.QUEUED
        row.save(update_fields=["state"])
        return
    _fail(row, reason)


def _fail(row: Withdrawal, reason: str) -> None:
    give_back(row, kind="withdrawal_failed")
    close(row, Withdrawal.State.FAILED, Operation.Status.FAILED, reason[:REASON])
    events.emit("withdrawal_failed", user_id=row.operation.user_id, operation=row.operation, reason=reason[:REASON])


def fail_queued(withdrawal_id: int, reason: str) -> None:
    """A withdrawal that can never be prepared: everything back, with the reason."""
    with transaction.atomic(durable=True):
        for row in locks.withdrawals_by_id([withdrawal_id]):
            if row.state == Withdrawal.State.QUEUED:
                _fail(row, reason)


def note_queued(withdrawal_ids: list[int], reason: str) -> None:
    """Tell the owners why their withdrawals still wait."""
    Operation.objects.filter(withdrawal__in=withdrawal_ids, status=Operation.Status.PENDING).exclude(
        reason=reason[:REASON]
    ).update(reason=reason[:REASON], updated_at=now())


def settle_inside(withdrawal_id: int, address: Address) -> None:
    """The destination turned out to be a member's: held -> recipient, at a move's fee if that is lower."""
    owner = address.account.owner if address.account else None
    if owner is None:
        fail_queued(withdrawal_id, "The address belongs to this site but to none of its members.")
        return
    with transaction.atomic(durable=True):
        for row in locks.withdrawals_by_id([withdrawal_id]):
            if row.state == Withdrawal.State.QUEUED:
                _settle_inside(row, address, owner.pk)


def _settle_inside(row: Withdrawal, address: Address, recipient_id: int) -> None:
    account = address.account
    assert account is not None
    if row.operation.payment_hash and (reason := bills.claim_late(row.operation)):
        _fail(row, reason)
        return
    operation, held = row.operation, _held(row)
    fee = min(row.fee, fees.fee_for(row.coin, Purpose.MOVE, row.amount))
    free = operation.account
    legs = [posting.Leg(held, account, row.amount)]
    if fee:
        legs.append(posting.Leg(held, posting.account(row.coin, Kind.FEE_INCOME), fee))
    if rest := row.fee - fee + row.network_reserve:
        legs.append(posting.Leg(held, free, rest))
    posted = posting.post(
        kind="withdrawal_inside", scope=f"withdrawal:{row.pk}", key="inside", request={"to": account.pk}, legs=legs
    )
    received = Operation.objects.create(
        user_id=recipient_id, account=account, coin=row.coin, kind=Operation.Kind.MOVE, incoming=True,
        status=Operation.Status.DONE, gross=row.amount, counterpart_id=operation.user_id, pair=operation,
        transaction_id=posted.id, done_at=now(), payment_hash=operation.payment_hash, comment=operation.comment,
    )  # fmt: skip
    bills.note_payment(received)
    operation.pair, operation.counterpart_id = received, recipient_id
    operation.fee, operation.gross = fee, row.amount + fee
    operation.save(update_fields=["pair", "counterpart", "fee", "gross", "updated_at"])
    close(row, Withdrawal.State.DONE, Operation.Status.DONE, "Paid inside this site.")
    events.emit("move_received", user_id=recipient_id, operation=received)
    purse_payments.tell(received)
    events.emit("withdrawal_done", user_id=operation.user_id, operation=operation)


def _held(row: Withdrawal) -> Account:
    return held_of(row.coin, row.operation.account)


def _post(row: Dispatch, kind: str, key: str, legs: list[posting.Leg]) -> None:
    posting.post(kind=kind, scope=f"dispatch:{row.pk}", key=key, request={"ident": row.ident}, legs=legs)
