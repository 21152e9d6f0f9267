"""What a payer shows to prove a payment, on networks where nobody else can see it."""

from __future__ import annotations

from adapters.base import Proof
from ledger import nodes
from ledger.models import Operation, Withdrawal
from ledger.services import payouts

_SENT = (Withdrawal.State.ATTEMPTED, Withdrawal.State.DONE)


def can_be_proven(operation: Operation) -> bool:
    """Whether there may be a proof; asks nobody."""
    row = getattr(operation, "withdrawal", None)
    if row is None or row.state not in _SENT or row.dispatch is None or not row.dispatch.txid:
        return False
    return nodes.can_prove(row.dispatch.wallet)


def proof_of(operation: Operation) -> Proof | None:
    """The proof of the owner's own payment, or None. May ask the node when the key was not kept here."""
    if not can_be_proven(operation):
        return None
    dispatch = operation.withdrawal.dispatch
    return nodes.proof(dispatch.wallet, payouts.as_tried(dispatch)) if dispatch else None
