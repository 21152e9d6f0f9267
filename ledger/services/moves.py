"""A move: coins from one member's account to another's, settled at once in the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts import proof as proofs
from accounts.capabilities import Capability, may, require, require_proven_email
from ledger import events, locks, posting
from ledger.models import Coin, Kind, Operation, Purpose
from ledger.services import fees, limits, states
from ledger.services.quotes import Quote
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest

if TYPE_CHECKING:
    from accounts.models import User


def scope_of(user_id: int) -> str:
    """One space of idempotency keys per person, whatever the surface or the kind of payment."""
    return f"user:{user_id}"


def preview_move(
    *, user: User, coin: Coin, recipient: User, amount: int, address: str = "", warnings: tuple[str, ...] = ()
) -> Quote:
    """What it costs; asks no node. Raises WalletError for whatever would be refused anyway."""
    _check_people(user, recipient)
    states.demand_moves(coin)
    limits.check(user_id=user.pk, coin=coin, purpose=Purpose.MOVE, amount=amount)
    fee = fees.fee_for(coin, Purpose.MOVE, amount)
    return Quote("move", coin, user.pk, recipient, address, "", amount, fee, warnings=warnings)


def request_move(*, user: User, quote: Quote, proof: proofs.Proof, key: str, comment: str = "") -> Operation:
    """Move the coins; the sender's operation. The same key again answers with the same operation."""
    recipient = quote.recipient
    if quote.kind != "move" or recipient is None:
        raise InvalidRequest("This quote is not for a member of this site.")
    proofs.demand(proof, user)
    _check_people(user, recipient)
    with transaction.atomic(durable=True):
        sender = posting.account(quote.coin, Kind.USER, owner_id=user.pk)
        receiver = posting.account(quote.coin, Kind.USER, owner_id=recipient.pk)
        locks.accounts([sender.pk, receiver.pk])
        done = posting.find(scope=scope_of(user.pk), key=key, request=quote.request)
        if done is not None:
            return Operation.objects.get(transaction_id=done, user=user, incoming=False)
        quote.demand_fresh()
        states.demand_moves(quote.coin)
        limits.check(user_id=user.pk, coin=quote.coin, purpose=Purpose.MOVE, amount=quote.amount)
        legs = [posting.Leg(sender, receiver, quote.amount)]
        if quote.fee:
            legs.append(posting.Leg(sender, posting.account(quote.coin, Kind.FEE_INCOME), quote.fee))
        posted = posting.post(
            kind="move", scope=scope_of(user.pk), key=key, request=quote.request, legs=legs, actor_id=user.pk
        )
        return _write_pair(posted.id, quote, sender.pk, receiver.pk, user, recipient, comment)


def _check_people(user: User, recipient: User) -> None:
    require(user, Capability.SEND_TO_USER)
    require_proven_email(user)
    if recipient.pk == user.pk:
        raise InvalidRequest("This is your own account; there is nothing to send.")
    if not may(recipient, Capability.HAS_WALLETS):
        raise InvalidRequest("This person cannot receive coins here.")


def _write_pair(
    transaction_id: int, quote: Quote, sender_id: int, receiver_id: int, user: User, recipient: User, comment: str
) -> Operation:
    moment = now()
    shared = {
        "coin": quote.coin, "kind": Operation.Kind.MOVE, "status": Operation.Status.DONE, "comment": comment,
        "transaction_id": transaction_id, "done_at": moment,
    }  # fmt: skip
    sent = Operation.objects.create(
        user=user, account_id=sender_id, incoming=False, gross=quote.amount + quote.fee, fee=quote.fee,
        counterpart=recipient, address=quote.address, **shared,
    )  # fmt: skip
    received = Operation.objects.create(
        user=recipient, account_id=receiver_id, incoming=True, gross=quote.amount, counterpart=user, pair=sent, **shared
    )
    Operation.objects.filter(pk=sent.pk).update(pair=received)
    sent.pair = received
    events.emit("move_sent", user_id=user.pk, operation=sent)
    events.emit("move_received", user_id=recipient.pk, operation=received)
    return sent
