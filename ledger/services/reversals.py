"""A transaction is never changed: its reversal posts every leg the other way, at most once, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from ledger import events, posting
from ledger.models import Operation, Transaction
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User

# What happened on a chain cannot be reversed in a book; those go through an adjustment by two people.
REVERSIBLE: Final = ("move", "adjustment")


def reverse_transaction(*, user: User, transaction_id: int, reason: str) -> Transaction:
    """Undo a move or an adjustment. A repeat answers with the reversal made before.

    Raises NotAllowed, InvalidRequest without a reason, WrongState for other kinds, InsufficientFunds when the
    recipient has spent it.
    """
    require(user, Capability.MANAGE_WALLETS)
    if not reason.strip():
        raise InvalidRequest("Say why this is reversed.")
    with transaction.atomic(durable=True):
        original = Transaction.objects.filter(pk=transaction_id).first()
        if original is None:
            raise NotFound("There is no such transaction.")
        if original.kind not in REVERSIBLE:
            raise WrongState(f"A {original.kind.replace('_', ' ')} cannot be reversed; propose an adjustment instead.")
        legs = [
            posting.Leg(line.credit, line.debit, line.amount)
            for line in original.postings.select_related("debit", "credit").order_by("-number")
        ]
        made = posting.post(
            kind="reversal", scope="reversal", key=str(original.pk), request={"of": original.pk}, legs=legs,
            actor_id=user.pk, memo=reason.strip()[:200], reverses_id=original.pk,
        )  # fmt: skip
        if made.created:
            _tell(original, reason.strip())
            what = f"transaction {original.pk}"
            record(What.TRANSACTION_REVERSED, who=user, object=what, kind=original.kind, reason=reason.strip()[:300])
    return Transaction.objects.get(pk=made.id)


def _tell(original: Transaction, reason: str) -> None:
    for operation in Operation.objects.filter(transaction=original):
        operation.status, operation.reason = Operation.Status.CANCELLED, f"Reversed by the site: {reason}"[:300]
        operation.done_at = now()
        operation.save(update_fields=["status", "reason", "done_at", "updated_at"])
        events.emit("operation_reversed", user_id=operation.user_id, operation=operation, reason=reason[:200])
