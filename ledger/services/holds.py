"""Money set aside until it is captured, in one or more parts, given back, or runs out.

A hold is postings user -> held; capturing is held -> another member; what is left goes back held -> user.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import proof as proofs
from accounts.api_keys import Scope
from accounts.capabilities import Capability, learn, require, require_proven_email
from ledger import locks, posting
from ledger.models import Account, Coin, Hold, Kind, Purpose
from ledger.services import limits, states
from ledger.services.moves import scope_of
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User


def place_hold(
    *, user: User, coin: Coin, amount: int, expires_at: datetime, proof: proofs.Proof, key: str, memo: str = ""
) -> Hold:
    """Set `amount` atomic units aside until `expires_at`. The same key answers with the same hold.

    Raises InsufficientFunds, LimitReached, IdempotencyConflict, InvalidRequest for a moment already past.
    """
    proofs.demand(proof, user, scope=Scope.SEND)
    learn(user)
    require(user, Capability.SEND_TO_USER)
    require_proven_email(user)
    request = {"kind": "hold", "coin": coin.symbol, "amount": str(amount), "expires": expires_at.isoformat()}
    with transaction.atomic(durable=True):
        free, held = _accounts(user.pk, coin)
        locks.accounts([free.pk, held.pk])
        done = posting.find(scope=scope_of(user.pk), key=key, request=request)
        if done is not None:
            return Hold.objects.get(transaction_id=done)
        if expires_at <= now():
            raise InvalidRequest(_("A hold must end in the future."))
        states.demand_moves(coin)
        limits.check(user_id=user.pk, coin=coin, purpose=Purpose.MOVE, amount=amount)
        posted = posting.post(
            kind="hold_placed", scope=scope_of(user.pk), key=key, request=request,
            legs=[posting.Leg(free, held, amount)], actor_id=user.pk, memo=memo[:200],
        )  # fmt: skip
        return Hold.objects.create(
            user=user, coin=coin, transaction_id=posted.id, amount=amount, expires_at=expires_at, memo=memo[:200]
        )


def capture_hold(*, user: User, hold_id: int, to: User, amount: int, key: str, last: bool = False) -> Hold:
    """Pay `amount` of a hold to another member; `last` gives the rest back at once.

    The same key captures once. Raises WrongState when less is left, or it is no longer open.
    """
    with transaction.atomic(durable=True):
        hold = _own(hold_id, user)
        free, held = _accounts(hold.user_id, hold.coin)
        target = posting.account(hold.coin, Kind.USER, owner_id=to.pk)
        request = {"to": to.pk, "amount": str(amount), "last": last}
        if posting.find(scope=f"hold:{hold.pk}", key=f"capture:{key}", request=request) is not None:
            return hold
        _demand_open(hold)
        states.demand_moves(hold.coin)
        if amount <= 0 or amount > hold.left:
            raise WrongState(_("There is not that much left of this hold."), left=str(hold.left))
        legs = [posting.Leg(held, target, amount)]
        rest = hold.left - amount
        if last and rest:
            legs.append(posting.Leg(held, free, rest))
        posting.post(
            kind="hold_captured", scope=f"hold:{hold.pk}", key=f"capture:{key}", request=request, legs=legs,
            actor_id=user.pk,
        )  # fmt: skip
        hold.captured += amount
        if last or rest == 0:
            hold.state = Hold.State.CLOSED
        hold.save(update_fields=["captured", "state"])
    return hold


def release_hold(*, user: User, hold_id: int) -> Hold:
    """Give back what is left; a repeat changes nothing."""
    with transaction.atomic(durable=True):
        hold = _own(hold_id, user)
        if hold.state == Hold.State.RELEASED:
            return hold
        _demand_open(hold)
        _give_back(hold, Hold.State.RELEASED)
    return hold


def expire_holds(most: int = 200) -> int:
    """Give back what is left of holds that have run out; how many."""
    due = Hold.objects.filter(state=Hold.State.OPEN, expires_at__lte=now()).order_by("pk")
    ended = 0
    for pk in list(due.values_list("pk", flat=True)[:most]):
        with transaction.atomic(durable=True):
            hold = locks.hold(pk)
            if hold.state == Hold.State.OPEN:
                _give_back(hold, Hold.State.EXPIRED)
                ended += 1
    return ended


def _give_back(hold: Hold, state: Hold.State) -> None:
    free, held = _accounts(hold.user_id, hold.coin)
    posting.post(
        kind=f"hold_{state}", scope=f"hold:{hold.pk}", key="give_back", request={"left": str(hold.left)},
        legs=[posting.Leg(held, free, hold.left)],
    )  # fmt: skip
    hold.state = state
    hold.save(update_fields=["state"])


def _accounts(user_id: int, coin: Coin) -> tuple[Account, Account]:
    return (
        posting.account(coin, Kind.USER, owner_id=user_id),
        posting.account(coin, Kind.HELD, owner_id=user_id),
    )


def _own(hold_id: int, user: User) -> Hold:
    if not Hold.objects.filter(pk=hold_id, user=user).exists():
        raise NotFound(_("There is no such hold."))
    return locks.hold(hold_id)


def _demand_open(hold: Hold) -> None:
    if hold.state != Hold.State.OPEN or hold.expires_at <= now():
        raise WrongState(_("This hold has ended."))
