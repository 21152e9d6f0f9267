"""The life of a payment that waits: confirmed, approved, rejected, cancelled, tried again.

unconfirmed -> pending (a withdrawal) or done (a move); -> cancelled; failed or cancelled -> unconfirmed, as a new
version, for which every confirmation is asked anew. Nobody approves what they asked for themselves.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import holds as payout_holds
from accounts.audit import What, record
from accounts.capabilities import Capability, require
from accounts.proof import Proof
from ledger import locks
from ledger.models import Approval, Operation, Withdrawal
from ledger.services import (
    confirmations,
    limits,
    moves,
    policy,
    recovery,
    rules,
    site_settings,
    states,
    switches,
    withdrawals,
)
from ledger.services.quotes import Quote
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, WalletError, WrongState

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
LONGEST_NOTE: Final = 500
BATCH: Final = 200
_CLOSED: Final = (Operation.Status.CANCELLED, Operation.Status.FAILED)


def confirm_by_mail(*, token: str) -> Operation:
    """The owner's confirmation by the link in the mail. Raises WrongState for a link that is used, old or unknown."""
    found = confirmations.find(token)
    if found is None:
        raise WrongState(_("The transaction to be confirmed was not found or it has already been confirmed."))
    with transaction.atomic(durable=True):
        row = _locked(found.pk)
        if confirmations.find(token) is None:
            raise WrongState(_("The transaction to be confirmed was not found or it has already been confirmed."))
        row.confirm_digest = ""
        row.save(update_fields=["confirm_digest"])
        _give(row, "user_confirm")
    return row


def approve(*, user: User, operation_id: int, reason: str = "") -> Operation:
    """A manager's yes to this version; it goes on when as many people said so as the rules want.

    Raises NotAllowed to its asker and to whom the rules do not name, WrongState when it waits for none of this person.
    """
    require(user, Capability.APPROVE_PAYMENTS)
    with transaction.atomic(durable=True):
        row = _for_managers(user, operation_id)
        if row.status != Operation.Status.UNCONFIRMED or not row.needs_admin_confirm or row.admin_confirm:
            raise WrongState(_("This payment waits for no approval."))
        policy.demand_approver(row, user)
        given = Approval.objects.filter(operation=row, version=row.version, person=user)
        if given.filter(verdict=Approval.Verdict.APPROVED).exists():
            raise WrongState(_("You approved this already: it waits for somebody else."))
        _note(row, user, Approval.Verdict.APPROVED, reason)
        if not policy.approvals_left(row):
            _give(row, "admin_confirm")
    return row


def confirm_with_factor(*, user: User, operation_id: int, proof: Proof) -> Operation:
    """The owner shows the second factor that the rules want of this payment. A repeat changes nothing.

    Raises NotFound for anybody else's, WrongState when it waits for none, NotAllowed without a second factor.
    """
    with transaction.atomic(durable=True):
        row = _locked(operation_id)
        if row.user_id != user.pk:
            raise NotFound(_("There is no such payment."))
        decision = policy.standing(row)
        if decision is None or not decision.step_up:
            raise WrongState(_("This payment waits for no second factor."))
        if row.status == Operation.Status.UNCONFIRMED and decision.stepped_up_at is None:
            policy.step_up(row, user, proof)
            _advance(row)
    return row


def reject(*, user: User, operation_id: int, reason: str) -> Operation:
    """A manager's no: the coins go back to their owner, who reads the reason."""
    require(user, Capability.APPROVE_PAYMENTS)
    with transaction.atomic(durable=True):
        row = _for_managers(user, operation_id)
        if row.status != Operation.Status.UNCONFIRMED:
            raise WrongState(_("This payment waits for no approval."))
        recovery.demand_read(row.coin)
        _cancel(row, f"Rejected by a manager: {_reason(reason)}", actor_id=user.pk)
        _note(row, user, Approval.Verdict.REJECTED, reason)
    return row


def cancel_as_manager(*, user: User, operation_id: int, reason: str) -> Operation:
    """Stop a payment that has not been prepared for the network. Raises WrongState after that."""
    require(user, Capability.MANAGE_WALLETS)
    with transaction.atomic(durable=True):
        row = _for_managers(user, operation_id)
        recovery.demand_read(row.coin)
        _cancel(row, f"Cancelled by a manager: {_reason(reason)}", actor_id=user.pk)
        _note(row, user, Approval.Verdict.CANCELLED, reason)
    return row


def retry(*, user: User, operation_id: int, reason: str) -> Operation:
    """Reserve the coins of a failed or cancelled payment again and ask for every confirmation anew."""
    require(user, Capability.MANAGE_WALLETS)
    with transaction.atomic(durable=True):
        row = _for_managers(user, operation_id)
        if row.status not in _CLOSED:
            raise WrongState(_("Only a failed or cancelled payment is tried again."))
        limits.check(user_id=row.user_id, coin=row.coin, purpose=policy.purpose_of(row), amount=row.net)
        needs = policy.decide_again(row, _quote_of(row))
        _note(row, user, Approval.Verdict.RETRIED, _reason(reason))
        _renew(row)
        _ask_anew(row, needs)
        withdrawal = getattr(row, "withdrawal", None)
        if withdrawal is None:
            moves.reserve_again(row, actor_id=user.pk)
        else:
            withdrawals.reserve_again(withdrawal, actor_id=user.pk)
        confirmations.ask(row)
        _advance(row)
    return row


def cancel(*, user: User, operation_id: int, key: str) -> Operation:
    """The owner changes their mind, while nothing was prepared. A repeat changes nothing."""
    with transaction.atomic(durable=True):
        row = _locked(operation_id)
        if row.user_id != user.pk:
            raise NotFound(_("There is no such payment."))
        if row.status != Operation.Status.CANCELLED:
            recovery.demand_over()
            _cancel(row, "Cancelled by you.", actor_id=user.pk)
    return row


def write_note(*, user: User, operation_id: int, note: str) -> None:
    """The owner's own words on an operation; raises NotFound for anybody else's."""
    text = note.replace("\0", "").strip()
    if len(text) > LONGEST_NOTE:
        raise InvalidRequest(_("A note has at most %(most)s characters.") % {"most": LONGEST_NOTE})
    if not Operation.objects.filter(pk=operation_id, user=user).update(note=text):
        raise NotFound(_("There is no such payment."))


def expire_unconfirmed() -> int:
    """Cancel requests nobody confirmed in time; how many. Deposits and confirmed payments are never touched."""
    minutes = site_settings.current().cron_autocancel
    if not minutes or recovery.current() is not None or switches.read_only() is not None:
        return 0
    oldest = now() - timedelta(minutes=minutes)
    rows = Operation.objects.filter(status=Operation.Status.UNCONFIRMED, incoming=False, updated_at__lt=oldest)
    rows = rows.exclude(pk__in=policy.waits_since(oldest))
    cancelled = 0
    for pk in list(rows.order_by("updated_at", "pk").values_list("pk", flat=True)[:BATCH]):
        try:
            with transaction.atomic(durable=True):
                row = _locked(pk)
                if row.status == Operation.Status.UNCONFIRMED and row.updated_at < oldest:
                    _cancel(row, "Nobody confirmed this in time.")
                    cancelled += 1
        except WalletError as error:
            log.warning("operation %s was not cancelled: %s", pk, error)
    return cancelled


def release_waited() -> int:
    """Let payments go on whose rule's hours are over; how many did. What is stopped or frozen goes on waiting."""
    released = 0
    for pk in policy.waited():
        try:
            with transaction.atomic(durable=True):
                row = _locked(pk)
                waits = row.status == Operation.Status.UNCONFIRMED
                if waits and row.user_id in rules.current().of(row.coin).frozen:
                    continue
                policy.close(row)
                if waits:
                    _advance(row)
                    released += row.status != Operation.Status.UNCONFIRMED
        except WalletError as error:
            log.warning("operation %s goes on waiting: %s", pk, error)
    return released


def _locked(operation_id: int) -> Operation:
    """The operation with its other half, locked in the one order there is. Raises NotFound for what is not outgoing."""
    waiting = Withdrawal.objects.filter(operation_id=operation_id).values_list("pk", flat=True).first()
    withdrawal = locks.withdrawals_by_id([waiting])[0] if waiting else None
    rows = locks.operation_with_pair(operation_id)
    row = next((each for each in rows if each.pk == operation_id), None)
    if row is None or row.incoming:
        raise NotFound(_("There is no such payment."))
    if withdrawal is not None:
        withdrawal.operation = row
    elif row.kind == Operation.Kind.MOVE:
        row.pair = next(each for each in rows if each.pk == row.pair_id)
    return row


def _for_managers(user: User, operation_id: int) -> Operation:
    row = _locked(operation_id)
    if row.user_id == user.pk:
        raise NotAllowed(_("You asked for this payment yourself: somebody else decides about it."))
    return row


def _reason(text: str) -> str:
    if not text.strip():
        raise InvalidRequest(_("Say why: the person reads it."))
    return text.strip()


_AUDITED = {
    Approval.Verdict.APPROVED: What.PAYMENT_APPROVED,
    Approval.Verdict.REJECTED: What.PAYMENT_REFUSED,
    Approval.Verdict.CANCELLED: What.PAYMENT_REFUSED,
}


def _note(row: Operation, user: User, verdict: Approval.Verdict, reason: str) -> None:
    Approval.objects.create(
        operation=row, version=row.version, person=user, verdict=verdict, reason=reason.strip()[:300]
    )
    if verdict in _AUDITED:
        record(
            _AUDITED[verdict], who=user, about=row.user, object=f"operation {row.pk}", version=row.version,
            reason=reason.strip()[:300],
        )  # fmt: skip


def _give(row: Operation, confirmation: str) -> None:
    for each in _both(row):
        setattr(each, confirmation, True)
        each.save(update_fields=[confirmation, "updated_at"])
    _advance(row)


def _advance(row: Operation) -> None:
    """On, once nothing is missing any more."""
    if not row.confirmed or policy.lacks(row):
        return
    switches.demand_writable()
    withdrawal = getattr(row, "withdrawal", None)
    if withdrawal is None:
        payout_holds.demand_not_frozen(row.user)
        states.demand_moves(row.coin)
        moves.settle(row)
    else:
        payout_holds.demand_payouts(row.user)
        withdrawals.release_waiting(withdrawal)


def _cancel(row: Operation, reason: str, *, actor_id: int | None = None) -> None:
    withdrawal = getattr(row, "withdrawal", None)
    if withdrawal is not None:
        withdrawals.cancel_locked(withdrawal, reason[:300], actor_id=actor_id)
    elif row.status == Operation.Status.UNCONFIRMED:
        moves.give_back(row, Operation.Status.CANCELLED, reason[:300], actor_id=actor_id)
    else:
        raise WrongState(_("This payment can no longer be cancelled."))


def _renew(row: Operation) -> None:
    for each in _both(row):
        each.version += 1
        each.user_confirm = each.admin_confirm = False
        each.status, each.reason, each.done_at = Operation.Status.UNCONFIRMED, "", None
        each.retries, each.txid, each.confirmations = 0, "", 0
        each.save(update_fields=[
            "version", "user_confirm", "admin_confirm", "status", "reason", "done_at", "retries", "txid",
            "confirmations", "updated_at",
        ])  # fmt: skip


def _quote_of(row: Operation) -> Quote:
    """The payment as it was asked for, for those who judge it again."""
    is_move = row.kind == Operation.Kind.MOVE
    recipient = row.counterpart if is_move else None
    kind: Literal["move", "withdrawal"] = "move" if is_move else "withdrawal"
    return Quote(kind, row.coin, row.user_id, recipient, row.address, row.extra, row.net, row.fee)


def _ask_anew(row: Operation, needs: confirmations.Needs) -> None:
    """What the rules of today want of the new version."""
    for each in _both(row):
        if each.needs_admin_confirm != needs.admin:
            each.needs_admin_confirm = needs.admin
            each.save(update_fields=["needs_admin_confirm"])
    policy.note(needs, row)


def _both(row: Operation) -> list[Operation]:
    """An operation and, of a move, the recipient's row."""
    return [row] if row.kind != Operation.Kind.MOVE or row.pair is None else [row, row.pair]
