"""What a person does with a withdrawal: preview, request, cancel. What the worker does: services/payouts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts import proof as proofs
from accounts.capabilities import Capability, require, require_proven_email
from adapters.base import Payment
from ledger import events, locks, nodes, posting
from ledger.models import Address, Coin, Kind, Operation, Purpose, Withdrawal
from ledger.pokes import enqueue
from ledger.services import fees, limits, states
from ledger.services.moves import preview_move, scope_of
from ledger.services.quotes import Quote
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidAddress, InvalidRequest, WrongState

if TYPE_CHECKING:
    from accounts.models import User


def preview_withdrawal(*, user: User, coin: Coin, address: str, amount: int, extra: str = "") -> Quote:
    """What it costs, with the address in normal form; asks the node once.

    An address of a member of this site becomes a move, told by a warning; one of ours that is nobody's is refused.
    """
    checked = nodes.check_address(coin, address)
    ours = Address.objects.select_related("account__owner").filter(coin=coin, address=checked.address).first()
    if ours is not None:
        return _preview_inside(user, coin, ours, amount)
    require(user, Capability.WITHDRAW)
    require_proven_email(user)
    states.demand_withdrawals(coin)
    limits.check(user_id=user.pk, coin=coin, purpose=Purpose.WITHDRAWAL, amount=amount)
    said = nodes.quote(coin, Payment(id="quote", address=checked.address, amount=amount, extra=extra or checked.extra))
    fee = fees.fee_for(coin, Purpose.WITHDRAWAL, amount)
    return Quote(
        "withdrawal", coin, user.pk, None, checked.address, extra or checked.extra, amount, fee,
        said.network_reserve, said.warnings,
    )  # fmt: skip


def _preview_inside(user: User, coin: Coin, ours: Address, amount: int) -> Quote:
    owner = ours.account.owner if ours.account else None
    if owner is None:
        raise InvalidAddress("This address belongs to this site but to none of its members; coins sent there are lost.")
    note = "This address belongs to a member of this site: the payment is instant and stays off the blockchain."
    return preview_move(user=user, coin=coin, recipient=owner, amount=amount, address=ours.address, warnings=(note,))


def request_withdrawal(*, user: User, quote: Quote, proof: proofs.Proof, key: str, comment: str = "") -> Operation:
    """Reserve amount, fee and network reserve, and queue the payout. The same key answers with the same operation."""
    if quote.kind != "withdrawal":
        raise InvalidRequest("This quote is not for an outside address.")
    proofs.demand(proof, user)
    require(user, Capability.WITHDRAW)
    require_proven_email(user)
    with transaction.atomic(durable=True):
        free = posting.account(quote.coin, Kind.USER, owner_id=user.pk)
        held = posting.account(quote.coin, Kind.HELD, owner_id=user.pk)
        locks.accounts([free.pk, held.pk])
        done = posting.find(scope=scope_of(user.pk), key=key, request=quote.request)
        if done is not None:
            return Operation.objects.get(transaction_id=done, user=user)
        quote.demand_fresh()
        states.demand_withdrawals(quote.coin)
        limits.check(user_id=user.pk, coin=quote.coin, purpose=Purpose.WITHDRAWAL, amount=quote.amount)
        posted = posting.post(
            kind="withdrawal_reserved", scope=scope_of(user.pk), key=key, request=quote.request,
            legs=[posting.Leg(free, held, quote.total)], actor_id=user.pk,
        )  # fmt: skip
        return _write(posted.id, quote, free.pk, user, comment)


def _write(transaction_id: int, quote: Quote, account_id: int, user: User, comment: str) -> Operation:
    operation = Operation.objects.create(
        user=user, account_id=account_id, coin=quote.coin, kind=Operation.Kind.WITHDRAWAL, incoming=False,
        status=Operation.Status.PENDING, gross=quote.amount + quote.fee, fee=quote.fee, address=quote.address,
        extra=quote.extra, comment=comment, transaction_id=transaction_id,
    )  # fmt: skip
    Withdrawal.objects.create(
        operation=operation, coin=quote.coin, address=quote.address, extra=quote.extra, amount=quote.amount,
        fee=quote.fee, network_reserve=quote.network_reserve,
    )  # fmt: skip
    events.emit("withdrawal_requested", user_id=user.pk, operation=operation)
    for use in quote.coin.wallets.filter(is_active=True):
        enqueue("pay", use.wallet_id)
    return operation


def cancel_withdrawal(*, user: User, operation_id: int, key: str) -> Operation:
    """Give everything back, while no payment was prepared; raises WrongState after that. A repeat changes nothing."""
    with transaction.atomic(durable=True):
        row = locks.withdrawal_of(operation_id, user.pk)
        if row.state == Withdrawal.State.CANCELLED:
            return row.operation
        if row.state not in (Withdrawal.State.QUEUED, Withdrawal.State.WAITING):
            raise WrongState("This withdrawal is already on its way to the network and cannot be cancelled.")
        give_back(row, kind="withdrawal_cancelled", actor_id=user.pk)
        close(row, Withdrawal.State.CANCELLED, Operation.Status.CANCELLED, "Cancelled by you.")
        events.emit("withdrawal_cancelled", user_id=user.pk, operation=row.operation, key=key)
    return row.operation


def give_back(row: Withdrawal, *, kind: str, actor_id: int | None = None) -> None:
    """held -> user: amount, fee and reserve of a withdrawal that no network has seen."""
    owner_id = row.operation.user_id
    free = posting.account(row.coin, Kind.USER, owner_id=owner_id)
    held = posting.account(row.coin, Kind.HELD, owner_id=owner_id)
    total = row.amount + row.fee + row.network_reserve
    posting.post(
        kind=kind, scope=f"withdrawal:{row.pk}", key="give_back", request={"total": str(total)},
        legs=[posting.Leg(held, free, total)], actor_id=actor_id,
    )  # fmt: skip


def close(row: Withdrawal, state: Withdrawal.State, status: Operation.Status, reason: str = "") -> None:
    """Both rows of a withdrawal reach their end together."""
    row.state = state
    row.save(update_fields=["state"])
    operation = row.operation
    operation.status, operation.reason, operation.done_at = status, reason, now()
    operation.save(update_fields=["status", "reason", "done_at", "updated_at"])
