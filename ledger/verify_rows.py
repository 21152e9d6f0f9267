"""What members are shown, and what payouts will take, against the postings those rows came from. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from ledger.models import Hold, Operation, Posting, Queue, Withdrawal

CHUNK: Final = 2000
# Kinds of transactions whose postings say outright what their operation must show.
PLAIN: Final = ("move", "move_reserved", "deposit", "withdrawal_inside")
UNPAID: Final = (
    Withdrawal.State.WAITING, Withdrawal.State.QUEUED, Withdrawal.State.DISPATCHED, Withdrawal.State.ATTEMPTED,
)  # fmt: skip
_Sums = dict[tuple[int, int], list[int]]  # (transaction, account) -> what it was debited and credited


def problems() -> Iterator[str]:
    yield from _queue()
    yield from _operations()
    yield from _payouts()
    yield from _holds()


def _queue() -> Iterator[str]:
    """Each open row repeats its own posting."""
    rows = Queue.objects.values_list(
        "pk", "side", "account_id", "amount", "posting__debit_id", "posting__credit_id", "posting__amount"
    )
    for pk, side, account, amount, debit, credit, meant in rows.iterator(chunk_size=CHUNK):
        if account != (debit if side == Queue.Side.DEBIT else credit) or amount != meant:
            yield f"queue row {pk}: does not repeat its posting"


def _operations() -> Iterator[str]:
    """gross is what the member's account lost or gained; a move's other half gets what the fee leaves of it."""
    rows = Operation.objects.filter(transaction__kind__in=PLAIN).order_by("pk").values_list(
        "pk", "incoming", "gross", "account_id", "transaction_id", "transaction__kind", "pair__gross", "pair__fee",
        "pair__transaction_id",
    )  # fmt: skip
    for part in _parts(rows):
        sums = _sums([row[4] for row in part])
        for pk, incoming, gross, account, made, kind, other, fee, others in part:
            debited, credited = sums[made, account]
            waits = incoming and kind == "move_reserved"
            if not waits and gross != (credited if incoming else debited):
                yield f"operation {pk}: its amount is not what its account was posted"
            if incoming and others == made and gross != other - fee:
                yield f"operation {pk}: its amount is not what the sender's row leaves"


def _payouts() -> Iterator[str]:
    """What is still to be paid is what was reserved for it."""
    rows = Withdrawal.objects.filter(
        state__in=UNPAID, operation__transaction__kind="withdrawal_reserved"
    ).order_by("pk").values_list(
        "pk", "amount", "fee", "network_reserve", "operation__gross", "operation__fee", "operation__account_id",
        "operation__transaction_id", "operation__incoming",
    )  # fmt: skip
    for part in _parts(rows):
        sums = _sums([row[-2] for row in part])
        for pk, amount, fee, reserve, gross, shown, account, made, incoming in part:
            reserved = amount + fee + reserve == sums[made, account][0]
            if not reserved or incoming or (gross, shown) != (amount + fee, fee):
                yield f"withdrawal {pk}: its amounts are not what was reserved for it"


def _holds() -> Iterator[str]:
    rows = Hold.objects.order_by("pk").values_list("pk", "amount", "captured", "transaction_id")
    for part in _parts(rows):
        placed = dict(Posting.objects.filter(transaction_id__in=[row[3] for row in part]).values_list(
            "transaction_id", "amount"
        ))  # fmt: skip
        taken = _captured([row[0] for row in part])
        for pk, amount, captured, made in part:
            if amount != placed.get(made) or captured != taken.get(f"hold:{pk}", 0):
                yield f"hold {pk}: its amounts are not what was set aside and captured"


def _captured(holds: list[int]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    lines = Posting.objects.filter(
        number=0, transaction__kind="hold_captured", transaction__scope__in=[f"hold:{pk}" for pk in holds]
    )
    for scope, amount in lines.values_list("transaction__scope", "amount"):
        found[scope] += amount
    return found


def _sums(transactions: list[int]) -> _Sums:
    found: _Sums = defaultdict(lambda: [0, 0])
    lines = Posting.objects.filter(transaction_id__in=transactions)
    for made, debit, credit, amount in lines.values_list("transaction_id", "debit_id", "credit_id", "amount"):
        found[made, debit][0] += amount
        found[made, credit][1] += amount
    return found


def _parts(rows: Any) -> Iterator[list[Any]]:
    """Few at a time, so that memory does not grow with history."""
    found: list[Any] = []
    for row in rows.iterator(chunk_size=CHUNK):
        found.append(row)
        if len(found) == CHUNK:
            yield found
            found = []
    if found:
        yield found
