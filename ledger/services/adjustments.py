"""Corrections by two people: one proposes, another accepts or rejects. The database refuses one person alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from ledger import events, locks, posting
from ledger.models import Account, Adjustment
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, WrongState

if TYPE_CHECKING:
    from accounts.models import User


def propose_adjustment(
    *, user: User, debit: Account, credit: Account, amount: int, reason: str, key: str
) -> Adjustment:
    """Write down a correction for a second person to decide; no money moves. The same key proposes once."""
    require(user, Capability.MANAGE_WALLETS)
    if not reason.strip():
        raise InvalidRequest("Say why the books need this.")
    if amount <= 0 or debit.pk == credit.pk or debit.coin_id != credit.coin_id:
        raise InvalidRequest("An adjustment moves more than zero between two accounts of one coin.")
    with transaction.atomic(durable=True):
        made, new = Adjustment.objects.get_or_create(
            key=f"{user.pk}:{key}",
            defaults={"debit": debit, "credit": credit, "amount": amount, "reason": reason.strip()[:300],
                      "proposed_by": user},
        )  # fmt: skip
        if new:
            events.emit("adjustment_proposed", adjustment=made.pk, by=user.pk)
            record(
                What.ADJUSTMENT_PROPOSED, who=user, object=f"adjustment {made.pk}", debit=debit.pk, credit=credit.pk,
                amount=str(amount), reason=made.reason,
            )  # fmt: skip
    return made


def accept_adjustment(*, user: User, adjustment_id: int, reason: str = "") -> Adjustment:
    """Book it. Raises NotAllowed for the proposer, WrongState once decided, InsufficientFunds."""
    require(user, Capability.APPROVE_PAYMENTS)
    with transaction.atomic(durable=True):
        row = _undecided(adjustment_id)
        if row.proposed_by_id == user.pk:
            raise NotAllowed("Somebody else must accept what you proposed.")
        posted = posting.post(
            kind="adjustment", scope="adjustment", key=str(row.pk), request={"adjustment": row.pk},
            legs=[posting.Leg(row.debit, row.credit, row.amount)], actor_id=user.pk, memo=row.reason[:200],
        )  # fmt: skip
        row.transaction_id = posted.id
        _decide(row, user, Adjustment.State.ACCEPTED, reason)
    return row


def reject_adjustment(*, user: User, adjustment_id: int, reason: str) -> Adjustment:
    """Drop it; its proposer may do so too."""
    require(user, Capability.VIEW_BOOKS)
    with transaction.atomic(durable=True):
        row = _undecided(adjustment_id)
        _decide(row, user, Adjustment.State.REJECTED, reason)
    return row


def _undecided(pk: int) -> Adjustment:
    row = locks.adjustment(pk)
    if row.state != Adjustment.State.PROPOSED:
        raise WrongState("This adjustment was decided already.")
    return row


def _decide(row: Adjustment, user: User, state: Adjustment.State, reason: str) -> None:
    row.state, row.decided_by, row.decided_at, row.decided_reason = state, user, now(), reason.strip()[:300]
    row.save(update_fields=["state", "decided_by", "decided_at", "decided_reason", "transaction"])
    events.emit("adjustment_decided", adjustment=row.pk, by=user.pk, state=state)
    what = f"adjustment {row.pk}"
    record(What.ADJUSTMENT_DECIDED, who=user, object=what, state=str(state), reason=row.decided_reason)
